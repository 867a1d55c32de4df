#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# XFS on /dev/nbd0 at a target with jumbo frames: a tree of files from mkfs to
# reconnection, with a server that locks its memory.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd mkfs.xfs=xfsprogs xfs_repair=xfsprogs

ip -n "$NAS_NS" link set tap0 mtu 9000
truncate -s 400M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

guest 110 <<'END'
ip link set eth0 mtu 9000
load nbd xfs
check "connect" aoe-nbd connect e1.2 -i eth0 --swap
check "mkfs.xfs" mkfs.xfs -q -s size=512 /dev/nbd0
check "mount" mount -t xfs /dev/nbd0 /mnt
check "a tree of files" tree /mnt/tree
sums /mnt/tree >/tmp/sums
check "fstrim" fstrim -v /mnt
check "unmount" umount /mnt
check "xfs_repair finds nothing to do" xfs_repair -n /dev/nbd0
check "disconnect" aoe-nbd disconnect e1.2
check "connect again" aoe-nbd connect e1.2 -i eth0
check "mount" mount -t xfs /dev/nbd0 /mnt
sums /mnt/tree >/tmp/sums2
check "every byte is there" cmp /tmp/sums /tmp/sums2
check "unmount" umount /mnt
check "disconnect" aoe-nbd disconnect e1.2
END
stop target
