#!/bin/sh
# Builds the npm package and the page, and tests both in a headless Chromium, whose WebGPU runs on SwiftShader, Google's driver
# for the CPU: results are compared with the program's on that same driver.
#
#   sh tools/test_web.sh            everything
#   sh tools/test_web.sh page       tests of those names alone: package, trouble, golden, page, access, report
#
# What it needs lies in $MPRNET_WEB, else ~/.cache/mprnet-web; nothing is installed. Chromium comes from Debian's packages, some
# 95 MB, Vite, TypeScript, playwright-core and axe-core from npm, 15 MB, both from the mirrors that this machine's apt and npm
# name; Node, where this machine has none that is new enough, from npm too, 50 MB. MPRNET_WEB_CHROMIUM names a Chromium to be
# taken instead. Screenshots, figures and the browser's report for `mprnet conformance` are left in the folder's out/.
set -eu
tools="$(cd "$(dirname "$0")" && pwd)"
cd "$tools/.."
lab="${MPRNET_WEB:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-web}"
mkdir -p "$lab"

PATH="$(sh tools/web/node.sh "$lab"):$PATH"
export PATH
chromium="$(sh tools/web/chromium.sh "$lab")"

# Modules, when they have changed.
modules="$lab/npm"
wanted="$(cat web/package.json web/package-lock.json | sha256sum)"
if [ "$(cat "$modules/complete" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$modules"
    mkdir -p "$modules"
    cp web/package.json web/package-lock.json "$modules"
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    echo "downloaded from npm: modules of $(du -sh "$modules" | cut -f1)" >&2
    echo "$wanted" >"$modules/complete"
fi

sh tools/web.sh "$modules"
# The program as cargo builds it for its tests, which `cargo build` alone would compile anew with fewer features of what they need.
cargo test --locked --no-run --test metrics

export MPRNET_WEB_MODULES="$modules/node_modules" MPRNET_WEB_OUT="$lab/out" MPRNET_WEB_CHROMIUM="$chromium"
export MPRNET_WEB_SWIFTSHADER="$lab/chromium/usr/lib/chromium"
target="${CARGO_TARGET_DIR:-target}"
case "$target" in
    /*) ;;
    *) target="$PWD/$target" ;;
esac
export MPRNET_WEB_PROGRAM="$target/debug/mprnet"
[ $# -gt 0 ] || set -- package trouble golden page access report
tests=""
for name in "$@"; do
    tests="$tests web/tests/$name.test.mjs"
done
# One after the other: SwiftShader takes every core there is.
# shellcheck disable=SC2086 # a list of files
node --test --test-concurrency=1 --test-timeout=600000 $tests
