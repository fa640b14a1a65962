#!/bin/sh
# What tools/windows.sh needs besides a Rust toolchain, into the folder LAB; what is there already is kept.
#
#   sh tools/windows/setup.sh LAB linker      a linker for Windows: the machine's, else Debian's, unpacked
#   sh tools/windows/setup.sh LAB root        a root of Debian sid with Wine, Mesa's Vulkan driver, a display in memory,
#                                             and the programs that tests compare with
#   sh tools/windows/setup.sh LAB compilers   Microsoft's shader compilers, and programs that call them
#   sh tools/windows/setup.sh LAB prefix      the folder that Wine takes for drive C:
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
lab="$1"
step="$2"
# shellcheck source=tools/debian.sh
. "$here/../debian.sh"

# A folder that the step fills, and a file that says that it is whole.
done_already() {
    [ -e "$lab/$1.complete" ]
}

finish() {
    touch "$lab/$1.complete"
    echo "$1: $2; $(du -sh "$lab/$1" | cut -f1) in $lab/$1"
}

linker() {
    if command -v x86_64-w64-mingw32-gcc >/dev/null || done_already mingw; then
        return
    fi
    rm -rf "$lab/mingw" "$lab/mingw.apt"
    mkdir -p "$lab/mingw" "$lab/mingw.apt"
    # shellcheck source=/dev/null
    (. /etc/os-release && echo "$VERSION_CODENAME") >"$lab/mingw.apt/suites"
    debian_apt "$lab/mingw.apt" -qq update
    debian_apt "$lab/mingw.apt" -qq install --yes --download-only --no-install-recommends gcc-mingw-w64-x86-64-win32
    for package in "$lab"/mingw.apt/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$lab/mingw"
    done
    ln -s x86_64-w64-mingw32-gcc-win32 "$lab/mingw/usr/bin/x86_64-w64-mingw32-gcc"
    downloaded="$(du -ch "$lab"/mingw.apt/cache/archives/*.deb | tail -n 1 | cut -f1)"
    rm -rf "$lab/mingw.apt"
    finish mingw "downloaded $downloaded"
}

root() {
    if done_already root; then
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "error: needs root, and there is no sudo" >&2 && exit 3; }
        exec sudo -E sh "$0" "$lab" root
    fi
    command -v mmdebstrap >/dev/null || sh "$here/../setup.sh" mmdebstrap
    rm -rf "$lab/root"
    mmdebstrap --verbose --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=wine,wine64,mesa-vulkan-drivers,xvfb,spirv-tools,libtiff-tools,libjpeg-turbo-progs \
        sid "$lab/root" "$(debian_mirror)" >"$lab/root.log" 2>&1 || { tail "$lab/root.log" >&2 && exit 1; }
    downloaded="$(sed -n 's/^Need to get \(.*\) of archives.*/\1/p' "$lab/root.log" | paste -s -d + -)"
    finish root "downloaded $downloaded"
}

# wheel NAME==VERSION FOLDER: the DLLs of a Windows package of PyPI.
wheel() {
    work="$lab/compilers/work"
    python3 -m pip download -q --no-deps --only-binary :all: --platform win_amd64 --python-version 3.11 "$1" -d "$work"
    echo "downloaded $(du -h "$work"/*.whl | sed 's|\t.*/| |')"
    python3 -m zipfile -e "$work"/*.whl "$work"
    mkdir -p "$lab/compilers/$2"
    find "$work" -iname '*.dll' -exec mv {} "$lab/compilers/$2/" \;
    rm -rf "$work"
}

compilers() {
    if ! done_already compilers; then
        rm -rf "$lab/compilers"
        wheel kivy_deps.angle==0.5.0 fxc
        wheel compushady==0.17.5 dxc
        finish compilers "Microsoft's FXC and DXC"
    fi
    for compiler in fxc dxc; do
        x86_64-w64-mingw32-gcc -O1 -Wall -Wextra -o "$lab/compilers/$compiler/$compiler.exe" \
            "$here/main.c" "$here/$compiler.c"
    done
    for program in spirv-val tiffcp cjpeg djpeg; do
        mkdir -p "$lab/compilers/native"
        x86_64-w64-mingw32-gcc -O1 -Wall -Wextra -o "$lab/compilers/native/$program.exe" "$here/native.c"
    done
}

prefix() {
    if done_already prefix; then
        return
    fi
    rm -rf "$lab/prefix"
    mkdir -p "$lab/prefix"
    sh "$here/enter.sh" "$lab" sh -c 'wineboot --init && $(find /usr/lib -name wineserver -type f) --wait'
    # Wine's own compiles too little of HLSL; enter.sh has Wine take this one.
    cp "$lab/compilers/fxc/d3dcompiler_47.dll" "$lab/prefix/drive_c/windows/system32/"
    finish prefix "drive C:"
}

mkdir -p "$lab"
"$step"
