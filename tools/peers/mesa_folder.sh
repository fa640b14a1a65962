#!/bin/sh
# Unpacks a newer Mesa (Vulkan drivers and the libraries they need) into a folder, for `compare.py --driver-folder`.
# Nothing is installed and the system's package lists stay as they are; Debian or Ubuntu, no root needed.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 FOLDER [SUITE, by default this Debian's backports]" >&2
    exit 2
fi
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
# shellcheck source=/dev/null
suite="${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")-backports}"

# shellcheck source=tools/debian.sh
. "$(dirname "$0")/../debian.sh"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
printf '%s\n' "${suite%-backports}" "$suite" | sort -u >"$work/suites"
debian_apt "$work" -qq update
debian_apt "$work" -qq install --yes --download-only --no-install-recommends --target-release "$suite" mesa-vulkan-drivers
for package in "$work"/cache/archives/*.deb; do
    echo "unpacking $(basename "$package")"
    dpkg -x "$package" "$folder"
done
# Where the manifests name a library by its installed path, the loader would find the system's instead.
sed -i -E 's|"library_path": *"/usr/lib/[^"]*/([^"/]+)"|"library_path": "\1"|' "$folder"/usr/share/vulkan/icd.d/*.json
