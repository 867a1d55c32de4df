#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Simulated networks (sim.c): none may break a rule of doc/safety.md, and where
# a rule is switched off, the simulator must notice.

. "$(dirname "$0")/../lib/net.sh"

# The sanitizers make each seed many times slower.
[[ $BUILD = */san ]] && SEEDS=${SIM_SEEDS:-250} || SEEDS=${SIM_SEEDS:-2000}

sim() {
    "$BUILD/tests/sim/sim" -n "$SEEDS"
}
# Only the end of the trace is of interest here; the seed reproduces the rest.
shows_only_the_end() {
    local status
    "$@" >"$TMP/output"
    status=$?
    tail -n 40 "$TMP/output"
    return "$status"
}
# notices MUTANT SEEDS: within that many seeds from the first; about four times
# as many as it took when measured, since every change of the engine's timing
# gives each seed another course.
notices() {
    local status
    "$BUILD/tests/sim/sim-$1" -n "$2" >"$TMP/$1"
    status=$?
    tail -n 2 "$TMP/$1"
    [ "$status" = 1 ] && grep -q 'allowed' "$TMP/$1"
}
# The seed alone reproduces what happened in the long run, event by event.
replays() {
    local seed
    seed=$(sed -n 's/^seed \([0-9]*\) failed.*/\1/p' "$TMP/$1")
    "$BUILD/tests/sim/sim-$1" -n 1 -s "$seed" >"$TMP/again"
    cmp "$TMP/$1" "$TMP/again" && [ "$(wc -l <"$TMP/again")" -gt 100 ]
}

check "$SEEDS simulated networks" shows_only_the_end sim
check "it notices writes that do not wait for late copies" notices time_wait 500
check "... and its seed replays that" replays time_wait
check "it notices overlapping writes on the wire" notices overlap 20
check "it notices a target that executes out of order" notices order 100
check "it notices a flush that waits for nothing" notices flush 20
check "it notices a deadline that answers do not extend" notices silence 40
check "it notices a restart after which nothing is written again" notices replay 300
check "it notices a loss that is told to one client only" notices told 40
check "it notices a loss that does not change the epoch" notices epoch 40
check "it notices durable writes that report each other's failures" notices neighbour 40
check "... and durable writes lost unnoticed to another's failure" notices written 40
check "it notices a replay log that hides a failed flush" notices swallow 40
check "it notices a refused flush that is ignored" notices refused 100
check "it notices a reopened disk that has forgotten a loss" notices reopen 400
