#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Simulated networks (sim.c): none may break a rule of doc/safety.md, and where
# a rule is switched off, the simulator must notice.

. "$(dirname "$0")/../lib/net.sh"

# The sanitizers make each seed many times as long.
[[ $BUILD = */san ]] && SEEDS=${SIM_SEEDS:-250} || SEEDS=${SIM_SEEDS:-2000}
MUTANT_SEEDS=500 # within so many

sim() {
    "$BUILD/tests/sim/sim" -n "$SEEDS"
}
# Of the trace only the end is worth a look here; the seed brings back the rest.
shows_only_the_end() {
    local status
    "$@" >"$TMP/output"
    status=$?
    tail -n 40 "$TMP/output"
    return "$status"
}
notices() {
    local status
    "$BUILD/tests/sim/sim-$1" -n "$MUTANT_SEEDS" >"$TMP/mutant"
    status=$?
    tail -n 2 "$TMP/mutant"
    [ "$status" = 1 ] && grep -q 'allowed' "$TMP/mutant"
}

check "$SEEDS simulated networks" shows_only_the_end sim
check "it notices writes that do not wait for late copies" notices fence
check "it notices overlapping writes on the wire" notices overlap
check "it notices a target that executes out of order" notices order
check "it notices a flush that waits for nothing" notices flush
check "it notices a restart after which nothing is written again" notices replay
