#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Which room may include which (doc/architecture.md): nothing reaches upwards
# or sideways.

. "$(dirname "$0")/../lib/net.sh"

# room ALLOWED...: prints each include of a room's that leaves its walls.
strays() {
    local room=$1 allowed
    shift
    allowed=$(printf '%s|' "$room" "$@")
    grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$ROOT/$room"/*.[ch] |
        grep -Ev "include[[:space:]]*\"(${allowed%|})/"
}
keeps_to() {
    ! strays "$@"
}

check "base includes only base" keeps_to base
check "wire includes only wire, base" keeps_to wire base
check "initiator includes only initiator, wire, base" keeps_to initiator wire base
check "target includes only target, wire, base" keeps_to target wire base
check "bridge includes only bridge, initiator, base" keeps_to bridge initiator base
check "initiator/aoe.h, which is installed alone, includes none of ours" \
    not grep -n 'include "' "$ROOT/initiator/aoe.h"
