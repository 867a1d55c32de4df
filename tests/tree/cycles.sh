#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Files that need each other in a circle can only be read, tested and changed together.
# A module has no more of them than modules.mk allows.

. "$(dirname "$0")/../lib/net.sh"
need nm=binutils

objects() { # MODULE
    local file
    for file in "$ROOT/$1"/*.c; do
        file=$BUILD/obj/${file#"$ROOT/"} file=${file%.c}.o
        [ ! -e "$file" ] || echo "$file"
    done
}
files_in_circles() { # MODULE
    # shellcheck disable=SC2046 # a list of words
    python3 "$ROOT/tests/lib/cycles.py" -v $(objects "$1") | tee "$TMP/circles"
    [ "$(grep -v '^ ' "$TMP/circles" | wc -w)" = "$2" ]
}
while read -r module; do
    [ -n "$(objects "$module")" ] || continue
    allowed=$(sed -n "s,^circles\\.$module := ,,p" "$ROOT/modules.mk")
    check "$module: ${allowed:-no} files in circles" \
        files_in_circles "$module" "${allowed:-0}"
done < <(sed -n 's/^uses\.\([^ ]*\) :=.*/\1/p' "$ROOT/modules.mk")
