#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The memory of a mount: small when idle, bounded whatever its users ask for while
# the disk does not answer, and small again afterwards.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need fio
grep -q __asan_init "$BUILD/aoe-fuse" &&
    skip "AddressSanitizer needs memory of its own"
network 9000

# KiB: of both processes, and of the server with the 64 MiB that it may have in
# flight.
REST=$((16 * 1024)) LOAD=$(((64 + 16) * 1024))

DISK=$TMP/disk
truncate -s 256M "$DISK"
start target nas aoe-target 1 2 eth0 "$DISK"
await target 'e1\.2: serving'

# Memory that both processes share counts once: the proportional set size.
at_rest() {
    local pid
    for pid in $(ip netns pids "$HOST_NS"); do
        cat "/proc/$pid/smaps_rollup"
    done | awk '$1 == "Pss:" { sum += $2 } END { print sum + 0 }'
}
# The server alone; the other process takes no part in what follows.
of_server() { # VmRSS|VmHWM
    awk -v of="$1:" '$1 == of { print $2 }' "/proc/${PID[fuse]}/status"
}
below() { # LIMIT COMMAND...: which prints KiB
    local limit=$1 got
    shift
    got=$("$@")
    echo "$got KiB"
    [ "$got" -gt 0 ] && [ "$got" -lt "$limit" ]
}

mount_disks e1.2 --timeout 0
check "when idle it has less than 16 MiB ($(at_rest) KiB)" below $REST at_rest

# PF_MEMALLOC_NOIO among the flags in proc(5)'s stat: when it needs memory it never
# waits for a disk, which may be its own.
no_waiting() {
    local words
    read -r -a words <"/proc/${PID[fuse]}/stat"
    ((words[8] & 0x80000))
}
CAPABILITIES=0x$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
if ((CAPABILITIES >> 24 & 1)); then
    check "it does not wait for its own disk when it needs memory" no_waiting
else
    skip_check "it does not wait for its own disk when it needs memory" \
        "needs CAP_SYS_RESOURCE"
fi

# 120 programs that want 1 MiB each at the same time: the kernel limits none of
# these requests.
load() { # READ-OR-WRITE
    (cd "$TMP" && exec fio --name=load --filename="$MNT/e1.2" --numjobs=120 \
        --thread --size=2m --offset_increment=2m --ioengine=psync --direct=1 \
        --bs=1m --rw="$1" --group_reporting --output="$TMP/fio.log") &
    PID[fio]=$!
}
# Until it accepts no more: a server that stopped reading has filled its memory.
full() {
    local before
    before=$(of_server VmRSS)
    sleep 0.2
    [ "$before" -gt $((48 * 1024)) ] && [ "$before" = "$(of_server VmRSS)" ]
}
kill -STOP "${PID[target]}"
load write
check "240 MiB are written and nobody answers: it accepts 64 MiB and waits" \
    eventually full
check "... its memory is below 64 + 16 MiB" below $LOAD of_server VmHWM
kill -CONT "${PID[target]}"
check "when the disk answers, all of it succeeds" finished fio 60
load read
check "240 MiB are read" finished fio 60
check "its memory has never been above 64 + 16 MiB ($(of_server VmHWM) KiB)" \
    below $LOAD of_server VmHWM
check "idle again, it has less than 16 MiB again" eventually below $REST at_rest
echo "# $(at_rest) KiB"

stop fuse
stop target
