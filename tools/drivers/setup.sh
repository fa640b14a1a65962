#!/bin/sh
# Fetches what a driver of run.sh needs into the folder LAB; what is there already is kept. Nothing is installed: packages
# of Debian are unpacked, with the C library that they want.
#
#   sh tools/drivers/setup.sh LAB NAME
#
# Ends with 1 and one line on stdout, the reason, where this machine cannot have that driver.
set -eu
tools="$(cd "$(dirname "$0")/.." && pwd)"
lab="$1"
name="$2"
# shellcheck source=tools/debian.sh
. "$tools/debian.sh"

# unpack FOLDER SUITE PACKAGE...: the packages of a release, and whatever they depend on.
unpack() {
    folder="$lab/$1"
    work="$lab/$1.apt"
    suite="$2"
    shift 2
    [ ! -e "$folder/complete" ] || return 0
    rm -rf "$folder" "$work"
    mkdir -p "$folder" "$work"
    echo "$suite" >"$work/suites"
    # To an apt that knows of nothing installed, everything is missing.
    : >"$work/status"
    debian_apt "$work" -qq update
    debian_apt "$work" -qq -o Dir::State::status="$work/status" install --yes --download-only --no-install-recommends "$@"
    for package in "$work"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$folder"
        basename "$package" .deb >>"$folder/packages"
    done
    echo "downloaded from Debian $suite: $(du -ch "$work"/cache/archives/*.deb | tail -n 1 | cut -f1)," \
        "which take $(du -sh "$folder" | cut -f1) in $folder" >&2
    rm -rf "$work"
    touch "$folder/complete"
}

mesa() {
    unpack "$1" "$1" mesa-vulkan-drivers libvulkan1 libegl1 libegl-mesa0 libgl1-mesa-dri libgles2
    # Where the manifests name a library by its installed path, the loader would find the machine's own instead.
    sed -i -E 's|"library_path": *"/usr/lib/[^"]*/([^"/]+)"|"library_path": "\1"|' "$lab/$1"/usr/share/vulkan/icd.d/*.json
}

# Chromium's package has what it shares with its headless self, SwiftShader among it, in a package of its own.
swiftshader() {
    mesa sid
    [ ! -e "$lab/swiftshader/complete" ] || return 0
    work="$lab/swiftshader.apt"
    rm -rf "$lab/swiftshader" "$work"
    mkdir -p "$lab/swiftshader" "$work"
    echo sid >"$work/suites"
    debian_apt "$work" -qq update
    (cd "$work" && debian_apt "$work" -qq download chromium-common)
    dpkg-deb --fsys-tarfile "$work"/chromium-common_*.deb |
        tar -x -C "$lab/swiftshader" --strip-components=4 ./usr/lib/chromium/libvk_swiftshader.so ./usr/lib/chromium/vk_swiftshader_icd.json
    basename "$work"/chromium-common_*.deb .deb >"$lab/swiftshader/packages"
    echo "downloaded from Debian sid: $(du -h "$work"/*.deb | cut -f1), of which $(du -sh "$lab/swiftshader" | cut -f1) are kept" >&2
    rm -rf "$work"
    touch "$lab/swiftshader/complete"
}

absent() {
    echo "$1"
    exit 1
}

case "$name" in
*-512) grep -qw avx512bw /proc/cpuinfo || absent "this machine's CPU has no vectors of 512 bits" ;;
wine-*) [ -e "$tools/windows.sh" ] || absent "there is no tools/windows.sh" ;;
esac
case "$name" in
vulkan-* | gl-*)
    suite="${name#*-}"
    mesa "${suite%%-*}"
    ;;
swiftshader) swiftshader ;;
wine-* | chromium) ;; # tools/windows.sh and test_web.sh set up what they need.
*) echo "error: there is no driver $name" >&2 && exit 2 ;;
esac
