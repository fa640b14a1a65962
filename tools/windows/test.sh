#!/bin/sh
# sh tools/windows/test.sh LAB EXE PART...: what tools/windows.sh test does once programs and root are there. What the
# programs print is kept in LAB/desk, a file each.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
checkout="$(cd "$here/../.." && pwd)"
lab="$1"
exe="$2"
shift 2
desk="$lab/desk"
table="$lab/table"
: >"$table"
: >"$lab/notes"
# Longer than any part takes on two busy cores; what hangs is ended.
LIMIT="${MPRNET_WINDOWS_LIMIT:-7200}"

enter() {
    sh "$here/enter.sh" "$lab" "$@"
}

# row PART PASSED FAILED SKIPPED SECONDS
row() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$table"
}

note() {
    echo "$1: $2" >>"$lab/notes"
}

# program PART NAME: runs a test program, here with the variables that the caller exports.
program() {
    path="$(sed -n "s/^$2 //p" "$lab/programs")"
    log="$desk/$1.log"
    echo "$1: the test program $2, printed to $log"
    from="$(date +%s)"
    status=0
    enter timeout "$LIMIT" wine "$path" --show-output >"$log" 2>&1 || status=$?
    seconds=$(($(date +%s) - from))
    tr -d '\r' <"$log" >"$log.unix" && mv "$log.unix" "$log"
    passed="$(grep -c '^test .* \.\.\. ok$' "$log")" || true
    failed="$(grep -c '^test .* \.\.\. FAILED$' "$log")" || true
    # Ignored with a reason, and passed because what they test is not there.
    sed -n 's/^test \(.*\) \.\.\. ignored, \(.*\)/\1: ignored: \2/p' "$log" >"$lab/skipped"
    awk '/^---- .* stdout ----$/ { name = $2 } /^skipped: / { sub(/^skipped: /, ""); print name ": " $0 }' "$log" >>"$lab/skipped"
    # A test says it for each of its cases.
    sort -u -o "$lab/skipped" "$lab/skipped"
    while read -r line; do note "$1" "skipped $line"; done <"$lab/skipped"
    sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" >"$lab/failed"
    while read -r line; do note "$1" "FAILED $line"; done <"$lab/failed"
    # The exit code tells less: on a busy machine Wine kills a program that has done its work and takes long to end.
    if ! grep -q '^test result: ' "$log"; then
        note "$1" "FAILED before its end, exit code $status: see $log"
        failed=$((failed + 1))
    fi
    row "$1" "$passed" "$failed" "$(wc -l <"$lab/skipped")" "$seconds"
}

# compiler PART PROGRAM TARGET FOLDER [--half]
compiler() {
    log="$desk/$1.log"
    from="$(date +%s)"
    status=0
    enter wine "$lab/compilers/$2/$2.exe" "$3" ${5:+"$5"} "Z:\\desk\\hlsl\\$4" >"$log" 2>&1 || status=$?
    tr -d '\r' <"$log" >"$log.unix" && mv "$log.unix" "$log"
    last="$(tail -n 1 "$log")"
    counts="$(echo "$last" | sed -n 's/.*: \([0-9]*\) of \([0-9]*\) compile.*/\1 \2/p')"
    # None at all is no success.
    if [ "${counts#* }" -gt 0 ] 2>/dev/null; then
        note "$1" "$last"
        row "$1" "${counts% *}" $((${counts#* } - ${counts% *})) 0 $(($(date +%s) - from))
    else
        note "$1" "FAILED with exit code $status: see $log"
        row "$1" 0 1 0 $(($(date +%s) - from))
    fi
    grep ' for cs_' "$log" | while read -r line; do note "$1" "FAILED $line"; done
}

hlsl() {
    rm -rf "$desk/hlsl"
    mkdir -p "$desk/hlsl"
    path="$(sed -n 's/^cpu //p' "$lab/programs")"
    MPRNET_HLSL='Z:\desk\hlsl' enter wine "$path" --ignored --exact directx::written_out >"$desk/hlsl.log" 2>&1 || true
    compiler hlsl-fxc fxc cs_5_1 cs_5_1
    compiler hlsl-dxc dxc cs_6_2 cs_6_2
    compiler hlsl-dxc-half dxc cs_6_2 cs_6_2_half --half
}

# photo TASK SAMPLE BACKEND: how far the results of Windows and Linux, on the same driver, are apart.
photo() {
    part="photo $1 $3"
    from="$(date +%s)"
    rm -f "$desk"/[ab].tif
    log="$desk/photo-$1-$3.log"
    status=0
    # shellcheck disable=SC2016 # the root's variables
    WGPU_BACKEND=vulkan enter sh -euc '"$1" "$2" "$3" -o /desk/n.tif --tune off && tiffcp -c none /desk/n.tif /desk/a.tif' \
        photo "$checkout/target/debug/mprnet" "$1" "$checkout/samples/$2" >"$log" 2>&1 || status=1
    # shellcheck disable=SC2016
    WGPU_BACKEND="$3" enter sh -euc 'wine "$1" "$2" "$3" -o "Z:\\desk\\w.tif" --tune off && tiffcp -c none /desk/w.tif /desk/b.tif' \
        photo "$exe" "$1" "$checkout/samples/$2" >>"$log" 2>&1 || status=1
    apart="$(cmp -l "$desk/a.tif" "$desk/b.tif" 2>>"$log" | awk '
        function level(octal) { return 64 * int(octal / 100) + 8 * int(octal / 10 % 10) + octal % 10 }
        { far = level($2) - level($3); if (far < 0) far = -far; if (far > most) most = far }
        END { print NR + 0, most + 0 }')"
    if [ "$status" -ne 0 ] || [ ! -e "$desk/b.tif" ] || [ "$(wc -c <"$desk/a.tif")" != "$(wc -c <"$desk/b.tif")" ]; then
        note "$part" "FAILED: see $log"
        row "$part" 0 1 0 $(($(date +%s) - from))
        return
    fi
    note "$part" "${apart% *} of the file's $(wc -c <"$desk/a.tif") bytes differ, by at most ${apart#* }"
    wrong=$((${apart#* } > 1))
    row "$part" $((1 - wrong)) "$wrong" 0 $(($(date +%s) - from))
}

photos() {
    for backend in vulkan dx12; do
        photo denoise noisy.png "$backend"
        photo derain rainy.png "$backend"
        photo deblur blurred.png "$backend"
    done
}

# Programs of Linux that tests start, by the names of Windows.
export WINEPATH="Z:$lab/compilers/native" MPRNET_NATIVE="$here/native.sh"
for part in "$@"; do
    case "$part" in
    cpu | image_files) program "$part" "$part" ;;
    cli) WGPU_BACKEND=vulkan program cli cli ;;
    vulkan | dx12) WGPU_BACKEND="$part" program "gpu-$part" gpu ;;
    hlsl | photos) "$part" ;;
    *) echo "error: there is no part $part" >&2 && exit 2 ;;
    esac
done

echo
printf '%-22s %7s %7s %7s %8s\n' part passed failed skipped seconds
awk -F '\t' '{ printf "%-22s %7s %7s %7s %8s\n", $1, $2, $3, $4, $5 }' "$table"
echo
cat "$lab/notes"
awk -F '\t' '{ failed += $3 } END { exit failed > 0 }' "$table"
