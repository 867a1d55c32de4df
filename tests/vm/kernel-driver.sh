#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Linux's own aoe driver as our target's client: it finds the disk, which gets a file
# system, and every byte is there, for the driver and in the target's file.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program mkfs.ext4=e2fsprogs e2fsck=e2fsprogs

truncate -s 96M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

guest 110 <<'END'
load aoe ext4
disk=/dev/etherd/e1.2
there() { [ -b "$disk" ]; }
check "the driver finds the disk" eventually there
check "its size" test "$(blockdev --getsize64 $disk)" = $((96 << 20))
check "mkfs.ext4" mkfs.ext4 -q -E lazy_itable_init=0 $disk
check "mount" mount -t ext4 $disk /mnt
check "a tree of files" tree /mnt/tree
sums /mnt/tree >/tmp/sums
check "unmount" umount /mnt
check "e2fsck" e2fsck -fn $disk
echo 3 >/proc/sys/vm/drop_caches
check "mount again" mount -t ext4 $disk /mnt
sums /mnt/tree >/tmp/sums2
check "every byte is there" cmp /tmp/sums /tmp/sums2
check "... of 24 files" test "$(wc -l </tmp/sums)" = 24
check "unmount" umount /mnt
dd if=/modules/xfs.ko of=$disk bs=512 seek=160001 count=3000 conv=fsync 2>/dev/null
true
END
stop target
dd if="$GUEST_CACHE/modules/xfs.ko" bs=512 count=3000 of="$TMP/part" status=none
check "what it wrote is in the target's file" \
    cmp --bytes=$((3000 * 512)) "$TMP/disk" "$TMP/part" $((160001 * 512)) 0
