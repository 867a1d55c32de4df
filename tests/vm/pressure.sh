#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest writes more to a file system on /dev/nbd0 than it has memory for:
# memory is freed only when the server of the device can send its frames.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd mkfs.ext4=e2fsprogs e2fsck=e2fsprogs

ip -n "$NAS_NS" link set tap0 mtu 9000
truncate -s 400M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

GUEST_MEMORY=192
guest 110 <<'END'
ip link set eth0 mtu 9000
load nbd ext4
check "connect" aoe-nbd connect e1.2 -i eth0
check "mkfs.ext4" mkfs.ext4 -q /dev/nbd0
check "mount" mount -t ext4 /dev/nbd0 /mnt
megabytes=$(($(awk '/MemTotal/ { print $2 }' /proc/meminfo) / 1024 + 32))
check "a file of $megabytes MiB" \
    dd if=/dev/zero of=/mnt/file bs=1M count="$megabytes" conv=fsync
check "files with content" tree /mnt/tree
sums /mnt/tree >/tmp/sums
check "unmount" umount /mnt
check "e2fsck" e2fsck -fn /dev/nbd0
check "mount" mount -t ext4 -r /dev/nbd0 /mnt
sums /mnt/tree >/tmp/sums2
check "every byte is there" cmp /tmp/sums /tmp/sums2
check "the server is alive" says "serving" aoe-nbd list
check "unmount" umount /mnt
check "disconnect" aoe-nbd disconnect e1.2
complaints() { dmesg | grep -E 'WARNING|BUG|blocked for more|Out of memory'; }
check "the kernel has logged no complaint" not complaints
END
stop target
