#!/bin/sh
# Prints the folder of a Node that is new enough, with npm: this machine's, else one that npm's registry has as a package, which
# is unpacked into the folder LAB.
#
#   sh tools/web/node.sh LAB
set -eu
lab="$1"
NODE=22.23.3
NPM=10.9.9

# fetch FOLDER PACKAGE VERSION SHA512: unpacks a package of the registry that this machine's npm would ask.
fetch() {
    registry="${npm_config_registry:-$(sed -n 's/^registry *= *//p' "${HOME:-/root}/.npmrc" 2>/dev/null | tail -n 1)}"
    registry="${registry:-https://registry.npmjs.org}"
    mkdir -p "$1"
    curl -fsSL --retry 3 "${registry%/}/$2/-/$2-$3.tgz" -o "$1.tgz"
    found="$(openssl dgst -sha512 -binary "$1.tgz" | base64 | tr -d '\n')"
    [ "$found" = "$4" ] || { echo "error: $2 $3 of $registry is not what it was: its SHA-512 is $found" >&2 && exit 1; }
    echo "downloaded from npm: $2 $3, $(du -h "$1.tgz" | cut -f1)" >&2
    tar -xzf "$1.tgz" -C "$1" --strip-components=1
    rm "$1.tgz"
}

if command -v npm >/dev/null && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1);' 2>/dev/null; then
    dirname "$(command -v node)"
    exit 0
fi
made="$lab/node-$NODE"
if [ ! -e "$made/complete" ]; then
    case "$(uname -m)" in
    x86_64) machine=x64 digest="qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==" ;;
    aarch64) machine=arm64 digest="l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==" ;;
    *) echo "error: there is no Node for $(uname -m) here: install 22.12 or newer with npm, then run this again" >&2 && exit 3 ;;
    esac
    rm -rf "$made"
    fetch "$made" "node-linux-$machine" "$NODE" "$digest"
    fetch "$made/npm" npm "$NPM" "1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg=="
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$made/bin/node" "$made/npm/bin/npm-cli.js" >"$made/bin/npm"
    chmod +x "$made/bin/npm"
    touch "$made/complete"
fi
echo "$made/bin"
