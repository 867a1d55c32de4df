#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# modules.mk says which module may include which; this test enforces it.

. "$(dirname "$0")/../lib/net.sh"

# "MODULE USED...", a line each.
modules() {
    sed -n 's/^uses\.\([^ ]*\) :=/\1/p' "$ROOT/modules.mk"
}

# strays MODULE USED...: prints each include of a module that leads to one it does not
# use.
strays() {
    local module=$1 file line path used
    shift
    while IFS=: read -r file line path; do
        path=${path#*\"} path=${path%%\"*}
        for used in "$module" "$@"; do
            [ "$used" != aoe.h ] || used=initiator/libaoe/aoe.h
            [ "$path" = "$used" ] || [ "${path%/*}" = "$used" ] && continue 2
        done
        echo "${file#"$ROOT/"}:$line: $path"
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' \
        "$ROOT/$module"/*.[ch] /dev/null)
}
keeps_to() {
    local found
    found=$(strays "$@")
    echo "$found"
    [ -z "$found" ]
}

while read -r module used; do
    # shellcheck disable=SC2086 # a list of words
    check "$module includes only ${used:-itself}" keeps_to "$module" $used
done < <(modules)

# A file in no module would never be built, and no rule would apply to it.
orphans() {
    (cd "$ROOT" && git ls-files base wire initiator bridge target) |
        grep '\.[ch]$' | sed 's,/[^/]*$,,' | sort -u |
        grep -vxF -f <(modules | cut -d' ' -f1)
}
check "every source file is in a module" not orphans
check "aoe.h, which is installed alone, includes no header of ours" \
    not grep -n 'include "' "$ROOT/initiator/libaoe/aoe.h"
