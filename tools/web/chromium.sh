#!/bin/sh
# Unpacks Debian's headless Chromium, and the libraries that this machine lacks for it, into the folder LAB, and prints the
# program that starts it: $MPRNET_WEB_CHROMIUM, where that is set, but SwiftShader is taken from the packages all the same.
#
#   sh tools/web/chromium.sh LAB
set -eu
tools="$(cd "$(dirname "$0")/.." && pwd)"
lab="$1"
# shellcheck source=tools/debian.sh
. "$tools/debian.sh"

folder="$lab/chromium"
if [ ! -e "$folder/complete" ]; then
    # shellcheck source=/dev/null
    suite="$(. /etc/os-release && [ "$ID" = debian ] && echo "${VERSION_CODENAME:-stable}")" || {
        echo "error: Chromium is taken from Debian's packages for Debian: elsewhere set up Debian in a container" >&2
        exit 3
    }
    work="$lab/chromium.apt"
    rm -rf "$folder" "$work"
    mkdir -p "$folder" "$work"
    echo "$suite" >"$work/suites"
    debian_apt "$work" -qq update
    debian_apt "$work" -qq install --yes --download-only --no-install-recommends chromium-headless-shell
    for package in "$work"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$folder"
        basename "$package" .deb >>"$folder/packages"
    done
    echo "downloaded from Debian $suite: Chromium and what it needs, $(du -ch "$work"/cache/archives/*.deb | tail -n 1 | cut -f1)," \
        "which take $(du -sh "$folder" | cut -f1) in $folder" >&2
    rm -rf "$work"
    programs="$folder/usr/lib/chromium"
    # A driver's manifest names the library beside it.
    sed -i -E 's|"library_path": *"[^"]*/([^"/]+)"|"library_path": "./\1"|' "$programs/vk_swiftshader_icd.json"
    cat >"$folder/start" <<END
#!/bin/sh
LD_LIBRARY_PATH="$folder/usr/lib/$(uname -m)-linux-gnu:$programs" exec "$programs/chromium-headless-shell" "\$@"
END
    chmod +x "$folder/start"
    touch "$folder/complete"
fi
echo "${MPRNET_WEB_CHROMIUM:-$folder/start}"
