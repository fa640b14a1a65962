#!/bin/sh
# Builds Python's wheel and tests it, in an environment of its own: types, every test of python/tests, and the snippets of
# python/README.md. Before that, the tests of the tools that degrade photographs.
#
#   sh tools/test_python.sh [ARGUMENTS OF PYTEST]   about 200 MB of downloads once; minutes, since the wheel is built without
#                                                   long optimizations
#   sh tools/test_python.sh --heavy [...]           compares with PyTorch, takes tensors of PyTorch and JAX, and tests the
#                                                   training: 3 GB more
#
# The environment is made in $MPRNET_PYTHON, else ~/.cache/mprnet-python. PYTHON names the interpreter, 3.11 or later.
set -eu
cd "$(dirname "$0")/.."
repository="$PWD"
room="${MPRNET_PYTHON:-${XDG_CACHE_HOME:-$HOME/.cache}/mprnet-python}"
python="${PYTHON:-python3}"
sets="python/tests/requirements.txt"
if [ "${1:-}" = --heavy ]; then
    shift
    sets="$sets python/tests/requirements-heavy.txt"
    export MPRNET_HEAVY=1
fi
sh tools/setup.sh
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "error: Python 3.11 or later is needed, and $python is $("$python" --version); PYTHON names another" >&2
    exit 1
fi

mkdir -p "$room"
for set in $sets; do
    # What was installed for another interpreter or other versions is made anew.
    wanted="$("$python" --version) $(cksum <"$set")"
    done="$room/$(basename "$set").installed"
    if [ "$(cat "$done" 2>/dev/null)" != "$wanted" ]; then
        [ -x "$room/venv/bin/python" ] || "$python" -m venv "$room/venv"
        echo "installing $set:"
        "$room/venv/bin/pip" install --progress-bar off -r "$set" >"$room/pip.log" || { cat "$room/pip.log" >&2; exit 1; }
        grep -E "Downloading .*\(" "$room/pip.log" | sed 's/^ *//' || echo "nothing was downloaded"
        echo "$wanted" >"$done"
    fi
done

"$room/venv/bin/python" -B tools/tests_degrade.py
[ -z "${MPRNET_HEAVY:-}" ] || "$room/venv/bin/python" -B tools/tests_training.py

# Both at once, so that what they depend on is compiled once.
cargo build --locked -p mprnet -p mprnet-python --bin mprnet --lib
rm -rf "$room/wheels"
"$room/venv/bin/maturin" build --quiet --profile dev --manifest-path python/Cargo.toml --interpreter "$room/venv/bin/python" \
    --out "$room/wheels"
"$room/venv/bin/pip" install --quiet --force-reinstall --no-deps "$room"/wheels/*.whl

export MPRNET_PROGRAM="${CARGO_TARGET_DIR:-$repository/target}/debug/mprnet"
# From there, Python imports what is installed and nothing else.
cd "$room"
venv/bin/mypy --config-file "$repository/python/pyproject.toml" --cache-dir "$room/mypy" -p mprnet
venv/bin/python -m mypy.stubtest --mypy-config-file "$repository/python/pyproject.toml" --ignore-disjoint-bases mprnet._native
venv/bin/pytest -p no:cacheprovider -c "$repository/python/pyproject.toml" "$repository/python/tests" "$@"
