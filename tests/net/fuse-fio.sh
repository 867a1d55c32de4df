#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fio writes through FUSE with several kinds of I/O, reads everything back and
# compares; then the NAS's file is compared with what FUSE shows.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need fio

verify() { # FIO-OPTION...
    (cd "$TMP" && fio --name=verify --filename="$MNT/e1.2" --size=16m \
        --verify=crc32c --verify_fatal=1 --output-format=terse "$@") &&
        cmp "$MNT/e1.2" "$TMP/disk"
}

for mtu in 1500 9000; do
    if [ "$mtu" = 1500 ]; then
        network 1500
    else
        nas ip link set eth0 mtu 9000
        host ip link set eth0 mtu 9000
    fi
    truncate -s 16M "$TMP/disk"
    start target nas aoe-target 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
    mount_disks e1.2
    check "MTU $mtu: libaio, direct, 16 times 4 KiB at random" verify \
        --ioengine=libaio --direct=1 --iodepth=16 --bs=4k --rw=randwrite
    check "MTU $mtu: libaio, direct, 4 times 1 MiB" verify \
        --ioengine=libaio --direct=1 --iodepth=4 --bs=1m --rw=write
    check "MTU $mtu: libaio, direct, 512 bytes to 128 KiB" verify \
        --ioengine=libaio --direct=1 --iodepth=8 --bsrange=512-128k \
        --blockalign=512 --rw=randwrite
    check "MTU $mtu: psync, reading and writing, one byte off the sector boundaries" \
        verify --ioengine=psync --bs=4095 --rw=randrw --fsync=64
    check "MTU $mtu: four writers at once" verify \
        --ioengine=psync --numjobs=4 --size=4m --offset_increment=4m --bs=8k \
        --rw=randwrite
    stop fuse
    mount_disks e1.2 -o cache
    check "MTU $mtu: mmap in the page cache" verify \
        --ioengine=mmap --bs=4k --rw=randwrite --end_fsync=1
    stop fuse
    stop target
done
