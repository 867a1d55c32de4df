#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fio writes and verifies through both bridges over a wire that loses one frame
# in twenty, duplicates some and reorders others: no error, no wrong byte.
#
# vblade does not recognize a duplicate of a write (doc/safety.md), so its wire
# duplicates none; nor does Ethernet.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
. "$(dirname "$0")/../lib/wire.sh"
need vblade fio
fio --enghelp=nbd >/dev/null 2>&1 || skip "fio has no nbd engine"
bad_wire 1500

LOSSY="loss 50000 late 50000 hold 2000"
URI="nbd+unix:///e1.2?socket=$TMP/nbd.sock"

# verify FIO-OPTION...: every block is written once, then all are read back.
verify() {
    (cd "$TMP" && fio --name=verify --verify=crc32c --verify_fatal=1 \
        --size=4m --randseed=7 --output-format=terse "$@") || return
    ! grep -E 'no longer answers|refused' "$TMP"/{nbd,fuse}.log 2>/dev/null
}
both_bridges() { # TARGET
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd.sock"
    await nbd 'serving'
    check "$1 through NBD, blocks of 4 KiB at random, 16 at once" verify \
        --ioengine=nbd --uri="$URI" --rw=randwrite --bs=4k --iodepth=16
    check "$1 through NBD, of 512 bytes to 64 KiB" verify \
        --ioengine=nbd --uri="$URI" --rw=write --bsrange=512-64k \
        --iodepth=8 --end_fsync=1
    stop nbd
    mount_disks e1.2
    check "$1 through FUSE, blocks of 64 KiB, two writers" verify \
        --ioengine=psync --filename="$MNT/e1.2" --rw=write --bs=64k \
        --numjobs=2 --size=2m --offset_increment=2m --fsync=16
    check "$1: FUSE shows what is on the NAS" cmp "$MNT/e1.2" "$TMP/disk"
    stop fuse
}

truncate -s 4M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
wire_does "$LOSSY double 20000"
both_bridges aoe-target
stop target

wire_does "$LOSSY double 0"
start vblade nas vblade -b 32 1 2 eth0 "$TMP/disk"
both_bridges vblade
end vblade

stop wire
way='carried [1-9][0-9]* lost [1-9][0-9]* doubled [1-9][0-9]* late [1-9]'
check "the wire did all that it was set up to do" \
    says 2 grep -cE "^[<>] $way" "$(log_of wire)"
