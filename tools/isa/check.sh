#!/bin/sh
# Tests the tools here, compiles the kernels that are chosen on every device of the laboratory, and compares them with
# golden/isa/budget.json. Arguments are check.py's: `--update` writes the budget anew, `--devices dg2 m1` takes these alone.
# Exit code 1: something got worse; 3: something could not be run.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
lab="${MPRNET_ISA:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-isa}"
python3 "$here/tests.py"
if [ ! -e "$lab/sid/isa/standin.so" ]; then
    echo "error: there is no laboratory in $lab: sh tools/isa/setup.sh" >&2
    exit 3
fi
sh "$here/build.sh"
exec python3 "$here/check.py" "$@"
