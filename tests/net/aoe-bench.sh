#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe bench: its figures agree with the target's counters and with what is on the
# disk, and it writes only where it may.

. "$(dirname "$0")/../lib/net.sh"
need jq
network 1500

head -c 1M /dev/urandom >"$TMP/disk"
cp "$TMP/disk" "$TMP/before"
start target nas aoe-target --control "$TMP/control" 1 2 eth0 "$TMP/disk"
await target 'serving'

# bench OPTIONS...: into $TMP/json
bench() {
    host aoe bench e1.2 -i eth0 --seconds 0.3 --json "$@" >"$TMP/json" || return
    jq -e . "$TMP/json" >/dev/null
}
# result FILTER: a jq expression that must hold
result() {
    jq -e "$1" "$TMP/json" || { cat "$TMP/json" && return 1; }
}

check "it reads in order" bench --block 4k --depth 4
check "the JSON says what was asked" result '.disk == "e1.2" and
    .direction == "read" and .pattern == "sequential" and .block == 4096 and
    .depth == 4'
check "the figures agree with each other" result '.operations > 0 and
    .bytes == .operations * 4096 and .errors == 0 and
    (.megabytes_per_second * 1000000 * .seconds / .bytes - 1 | fabs) < 0.01 and
    (.operations_per_second * .seconds / .operations - 1 | fabs) < 0.01'
check "the percentiles are in order" result '.latency_us | 0 < .min and
    .min <= .median and .median <= .p99 and .p99 <= .p999 and .p999 <= .max'
check "the tenths of a second add up to the total" result \
    '(.interval_bytes | add) <= .bytes and
     (.interval_bytes | add) >= .bytes - 4 * 4096'
check "each request takes several frames" result '.frames_sent >= .operations * 4'
check "it reads at random" bench --random --block 512 --depth 1
check "... one frame each" result '.pattern == "random" and
    .frames_sent - .frames_resent <= .operations + 2'
check "the table names the figures" says '^latency +min .* 99\.9 % .* max ' \
    host aoe bench e1.2 -i eth0 --seconds 0.1
check "reading changed nothing" cmp "$TMP/before" "$TMP/disk"

check "it does not write without --destructive" refuses 2 \
    '^aoe: bench: --write .*e1\.2.*--destructive' \
    host aoe bench e1.2 -i eth0 --write --seconds 0.1
check "... and wrote nothing" cmp "$TMP/before" "$TMP/disk"
check "it writes with --destructive" bench --write --destructive --block 8k --size 64k
check "... and flushes" result '.direction == "write" and .flush_seconds > 0'
check "... nothing beyond --size" cmp -i 65536 "$TMP/before" "$TMP/disk"
check "... but everything up to it" not cmp -n 65536 "$TMP/before" "$TMP/disk"

check "a disk that is not there" refuses 1 \
    '^aoe: bench: e1\.3: no answer on eth0 within 0\.2 s' \
    host aoe bench 1.3 -i eth0 --wait 0.2
check "a block larger than the disk" refuses 1 '^aoe: bench: e1\.2: no block' \
    host aoe bench e1.2 -i eth0 --block 2M
for wrong in "--block 1000" "--block 0" "--depth 0" "--depth 1025" "--seconds x" \
    "--seconds 0" "--size 0" "--window 0" "--timeout x" "--wait -1"; do
    # shellcheck disable=SC2086
    check "wrong usage: $wrong" refuses 2 "^aoe: bench: ${wrong% *} ${wrong#* }: " \
        host aoe bench e1.2 -i eth0 $wrong
done
check "wrong usage: too much memory" refuses 2 '^aoe: bench: .*1 GiB' \
    host aoe bench e1.2 -i eth0 --block 64M --depth 1024
check "wrong usage: no disk" refuses 2 '^aoe: bench: name one disk' \
    host aoe bench -i eth0
check "wrong usage: no disk's name" refuses 2 '^aoe: bench: disk eth0: ' \
    host aoe bench eth0

# ---- a disk that fails, a target that goes away --------------------------------

stop target
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'serving'
received() {
    nas ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'
}
BEFORE=$(received)
reads() {
    [ "$(received)" -gt $((BEFORE + 100)) ]
}
start bench host aoe bench e1.2 -i eth0 --seconds 60 --timeout 0.5
eventually reads || fail "bench: reads nothing"
stop target KILL
finished bench
check "a target that goes away ends it with an error" test "$?" = 1
check "... that says where" grep -Eq '^aoe: bench: e1\.2: at byte [0-9]+: ' \
    "$(log_of bench)"
