#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A small NAS, an ARM926 with 32 MiB (or what GUEST_MACHINE says): each file of
# `make nas` that is for its processor, or for an older one, serves in it, and a
# client out here discovers the disk, writes and reads back.

GUEST_MACHINE=${GUEST_MACHINE:-arm926}
. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/fuse.sh"
nas_needs 1500
case $GUEST_MACHINE in
arm926) cpu=ARM926EJ-S memory='2[0-9]{4}' files=armv5te ;;
armv7) cpu=ARMv7 memory='1[0-2][0-9]{4}' files="armv7 armv6 armv5te" ;;
esac
for name in $files; do
    file=$(MACHINE_CPU=$name machine_target) || skip "${file#skipped: }"
    guest_take "$file" "/bin/$name"
done
truncate -s 16M "$TMP/disk.img"
nas_disk disk "$TMP/disk.img"
GUEST_DEVICES+=(-device "$(machine_disk disk)")
nas_start 200 <<<'load virtio_blk'

check "the guest is $GUEST_MACHINE" says "$cpu" guest_does 'cat /proc/cpuinfo'
check "with $GUEST_MEMORY MiB" \
    says "^MemTotal: *$memory kB" guest_does 'cat /proc/meminfo'

written() {
    dd if="$TMP/data" of="$MNT/e1.2" bs=10000 seek=3 conv=notrunc,fsync status=none
}
read_back() {
    dd if="$MNT/e1.2" bs=10000 skip=3 count=100 status=none | cmp - "$TMP/data"
}
for name in $files; do
    guest_does "ln -sf /bin/$name /bin/aoe-target" || fail "$name"
    serving /dev/vda
    check "$name: its disk is discovered" \
        says '^e1\.2.*16777216' host aoe discover -i eth0
    head -c 1000000 /dev/urandom >"$TMP/data"
    mount_disks e1.2
    check "... it takes what is written" written
    check "... which is on the disk then" \
        cmp -n 1000000 -i 30000:0 "$TMP/disk.img" "$TMP/data"
    aoe-fuse umount "$MNT" || fail "no umount"
    finished fuse
    mount_disks e1.2
    check "... and gives it back" read_back
    aoe-fuse umount "$MNT" || fail "no umount"
    finished fuse
    check "... it ends when it is told" guest_does served
done
nas_end
