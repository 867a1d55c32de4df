#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Bridges and targets that are stopped in the middle of the work for longer than
# any deadline, as a frozen container or a paused machine is: nobody gets an
# error for it.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need fio

SIZE=32M
SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
network 1500
truncate -s "$SIZE" "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

# load NAME OPTION...: writes, reads back and compares until it is ended.
load() {
    local name=$1
    shift
    start "$name" host fio --name=v "$@" --rw=randwrite --bsrange=4k-512k \
        --size="$SIZE" --iodepth=64 --verify=crc32c --verify_fatal=1 \
        --verify_state_save=0 --loops=10000
}
# freeze PROGRAM SECONDS
freeze() {
    kill -STOP "${PID[$1]}"
    sleep "$2"
    kill -CONT "${PID[$1]}"
}
changed() {
    [ "$(stat -c %y "$TMP/disk")" != "$1" ]
}
# The load goes on: the disk is written to, and again.
works() {
    for _ in 1 2 3; do
        eventually changed "$(stat -c %y "$TMP/disk")" || return
    done
    alive "$1"
}
# story PROGRAM OPTION...: its deadline is two seconds.
story() {
    local program=$1 round
    shift
    load load "$@"
    check "$program: under load" works load
    for round in 1 2; do
        freeze "$program" 5
        check "$program: stopped for longer than its deadline: no error ($round)" \
            works load
    done
    freeze target 1
    check "$program: its target stopped for less than that: no error" works load
    end load
    check "$program: no request of it has failed" \
        not grep -q 'io_u error\|verify:' "$(log_of load)"
    check "$program: it has called no disk lost" \
        not grep -q 'no answer' "$(log_of "$program")"
}

start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$SOCK" --timeout 2
await nbd 'serving'
story nbd --ioengine=nbd --uri="$URI"
stop nbd

mount_disks e1.2 --timeout 2
story fuse --ioengine=libaio --direct=1 --filename="$MNT/e1.2"
check "fuse: unmounted" host aoe-fuse umount "$MNT"
unmounted
stop target
