#!/bin/sh
# Makes a copy of this machine's Rust toolchain that has the standard library's source, for `cargo -Zbuild-std`: targets
# whose standard library no package here holds can then be built for. Prints the copy's folder, alone, on stdout.
#
#   sh tools/rust_src.sh            into $MPRNET_RUST_SRC, else ~/.cache/mprnet-rust-src; downloads 45 MB, once a compiler
#   sh tools/rust_src.sh --there    prints the folder if it has been made; exit code 1, and nothing done, if not
#
# The source must be of exactly the compiler's release. It is the toolchain's own (`rustup component add rust-src`) where
# that is installed, else that of a Debian release. The toolchain itself is left as it is; the copy is made of hard links
# where the file system allows.
set -eu
tools="$(cd "$(dirname "$0")" && pwd)"
cd "$tools/.."
# shellcheck source=tools/debian.sh
. "$tools/debian.sh"

sysroot="$(rustc --print sysroot)"
release="$(rustc -vV | sed -n 's/^release: //p')"
commit="$(rustc -vV | sed -n 's/^commit-hash: //p' | cut -c1-9)"
cache="${MPRNET_RUST_SRC:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-rust-src}"
made="$cache/$release-$commit"
if [ -e "$made/complete" ]; then
    echo "$made"
    exit 0
fi
if [ "${1:-}" = --there ]; then
    exit 1
fi

# Unpacks the source of this release from the first Debian release that has it.
unpack_source() {
    work="$made.apt"
    rm -rf "$work"
    mkdir -p "$work"
    # The one with the shortest lists first.
    for suite in stable-backports stable testing unstable; do
        echo "$suite" >"$work/suites"
        debian_apt "$work" -qq update
        found="$(apt-cache -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
            -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" madison rust-src |
            cut -d'|' -f2 | tr -d ' ' | grep "^$release+dfsg" | head -n 1)" || true
        [ -z "$found" ] || break
    done
    if [ -z "$found" ]; then
        echo "error: no Debian release has the source of Rust $release: run \`rustup component add rust-src\`, then this again" >&2
        exit 3
    fi
    (cd "$work" && debian_apt "$work" -qq download "rust-src=$found")
    echo "downloaded from Debian $suite: $(du -h "$work"/*.deb | sed "s|\t.*/| |")" >&2
    dpkg-deb -x "$work"/*.deb "$work/unpacked"
    mkdir -p "$made/lib/rustlib/src"
    mv "$work/unpacked/usr/src/rustc-$release" "$made/lib/rustlib/src/rust"
    rm -rf "$work"
}

rm -rf "$made"
mkdir -p "$cache"
cp -al "$sysroot" "$made" 2>/dev/null || { rm -rf "$made" && cp -a "$sysroot" "$made"; }
[ -e "$made/lib/rustlib/src/rust/library/Cargo.lock" ] || unpack_source
touch "$made/complete"
echo "the toolchain with its source takes $(du -sh "$made/lib/rustlib/src" | cut -f1) more in $made" >&2
echo "$made"
