#!/bin/sh
# Runs NAME for native.c, with what it left in the files CALL.*; removes them but for the results.
call="$1"
name="$2"
set --
while IFS= read -r argument; do
    set -- "$@" "$argument"
done <"$call.arguments"
status=0
"$name" "$@" <"$call.in" >"$call.out" 2>"$call.err" || status=$?
rm -f "$call.in" "$call.arguments"
# The last to appear, and whole.
echo "$status" >"$call.status.part"
mv "$call.status.part" "$call.status"
