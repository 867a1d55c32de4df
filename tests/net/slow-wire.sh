#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A wire of 5 Mbit/s that is never silent: files are copied onto ext4 on a disk whose
# deadline is much shorter than the queue for the wire.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need tc=iproute2 losetup=mount mkfs.ext4=e2fsprogs e2fsck=e2fsprogs

FS=$TMP/fs
mkdir "$FS"
SIZE=$((9 << 20)) # 15 s on this wire, and the deadline is 2 s

network 1500
losetup --find >/dev/null 2>&1 || skip "no loop device available"
truncate -s 64M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
mount_disks e1.2 --timeout 2
LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.2") || fail "no loop device"
at_exit losetup --detach "$LOOP"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 -J size=4 "$LOOP" ||
    fail "cannot make the file system"
mount "$LOOP" "$FS" || fail "the file system cannot be mounted"
head -c "$SIZE" /dev/urandom >"$TMP/file"

host tc qdisc add dev eth0 root tbf rate 5mbit burst 16kb latency 400ms 2>/dev/null ||
    skip "no tbf queue here"
begun=${EPOCHREALTIME/./}
copy() {
    cp "$TMP/file" "$FS/file" && sync -f "$FS"
}
check "a copy and a sync over 5 Mbit/s" copy
took=$(((${EPOCHREALTIME/./} - begun) / 1000000))
check "... took longer than three deadlines, so the test means something ($took s)" \
    test "$took" -gt 6
check "... and the file system accepts writes" touch "$FS/more"
check "the disk was never reported as lost" not grep -qi 'no longer answers' "$(log_of fuse)"
host tc qdisc del dev eth0 root
check "the file has the bytes that were copied" cmp "$TMP/file" "$FS/file"
umount "$FS" || fail "the file system cannot be unmounted"
check "e2fsck finds it sound" e2fsck -fn "$LOOP"
let_go "$LOOP"
check "unmounted" host aoe-fuse umount "$MNT"
unmounted
check "e2fsck on the NAS agrees" e2fsck -fn "$TMP/disk"
stop target
