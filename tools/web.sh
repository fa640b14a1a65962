#!/bin/sh
# Builds the npm package and the page: web/package/dist and web/page/dist.
#
#   sh tools/web.sh [FOLDER]    with Vite and TypeScript of FOLDER/node_modules, else of web/node_modules (`npm ci` in web/)
#
# The standard library for wasm32 is rustup's (`rustup target add wasm32-unknown-unknown`) where that is installed, else it is
# built by the toolchain of rust_src.sh.
set -eu
modules="$(cd "${1:-$(dirname "$0")/../web}" && pwd)/node_modules"
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
[ -e "$modules/vite/package.json" ] || { echo "error: $modules has no Vite: run \`npm ci\` in web/ first" >&2 && exit 3; }

if [ -e "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
    cargo build --locked --target wasm32-unknown-unknown --profile web -p mprnet-web --target-dir "$target/wasm"
else
    made="$(sh tools/rust_src.sh)"
    PATH="$made/bin:$PATH" RUSTC_BOOTSTRAP=1 cargo build --locked --target wasm32-unknown-unknown --profile web -p mprnet-web \
        --target-dir "$target/wasm" -Zbuild-std=std,panic_abort
fi
# Quick to build rather than quick: it runs once.
cargo build --locked -p mprnet-bindgen

rm -rf web/package/dist web/page/dist
mkdir -p web/package/dist/models
"$target/debug/mprnet-bindgen" "$target/wasm/wasm32-unknown-unknown/web/mprnet_web.wasm" web/package/dist/wasm
cp models/*.safetensors web/package/dist/models
# What npm shows of a package, and what it is to bring along, lie beside its description.
cp web/README.md LICENSE-MIT LICENSE-APACHE web/package
# The compiler reads the types of the module from where it looks for it.
node "$modules/typescript/bin/tsc" -p web/package
node "$modules/typescript/bin/tsc" -p web/page
node "$modules/vite/bin/vite.js" build web/page --logLevel warn
echo "the module takes $(gzip -9 -c web/package/dist/wasm/mprnet_web_bg.wasm | wc -c) bytes, gzipped"
