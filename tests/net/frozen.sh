#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Bridges and targets that are stopped in the middle of the work for longer than
# any deadline, as in a frozen container or a paused machine: no request fails.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
. "$(dirname "$0")/../lib/load.sh"

SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
network 1500
truncate -s 32M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

# freeze PROGRAM SECONDS
freeze() {
    kill -STOP "${PID[$1]}"
    sleep "$2"
    kill -CONT "${PID[$1]}"
}
# story PROGRAM OPTION...: its deadline is two seconds.
story() {
    local program=$1 round
    shift
    load 32M --bsrange=4k-512k --iodepth=64 "$@"
    check "$program: under load" load_goes_on
    for round in 1 2; do
        freeze "$program" 5
        check "$program: stopped for longer than its deadline: no error ($round)" \
            load_goes_on
    done
    freeze target 1
    check "$program: its target stopped for less than its deadline: no error" load_goes_on
    end load
    check "$program: none of its requests has failed" load_was_well
    check "$program: it has reported no disk as lost" \
        not grep -q 'no longer answers' "$(log_of "$program")"
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
