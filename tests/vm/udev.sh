#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The names that the udev rule gives to connected disks, which are those of the
# kernel's aoe driver: for the disk and its partitions, and they go with it.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd udevadm=udev mkfs.ext4=e2fsprogs
guest_file "$ROOT/dist/60-aoekit.rules" /usr/lib/udev/rules.d/60-aoekit.rules

truncate -s 64M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

guest 110 <<'END'
ln -s udevadm /bin/systemd-udevd
systemd-udevd --daemon
load nbd ext4
udevadm settle
check "connect" aoe-nbd connect e1.2 /dev/nbd5 -i eth0
udevadm settle
is() { test "$(readlink -f "$1")" = "$2"; }
check "/dev/etherd/e1.2" eventually is /dev/etherd/e1.2 /dev/nbd5
check "/dev/aoe/e1.2" is /dev/aoe/e1.2 /dev/nbd5
printf 'n\np\n1\n2048\n\nw\n' | fdisk /dev/etherd/e1.2 >/tmp/fdisk 2>&1
check "a partition" eventually is /dev/etherd/e1.2p1 /dev/nbd5p1
check "also in /dev/aoe" eventually is /dev/aoe/e1.2p1 /dev/nbd5p1
check "mkfs.ext4" mkfs.ext4 -q /dev/etherd/e1.2p1
check "the line in fstab" sh -c 'echo /dev/etherd/e1.2p1 /mnt ext4 _netdev >/etc/fstab && mount /mnt'
check "disconnect sees the mounted partition" \
    refuses "it is mounted on /mnt" aoe-nbd disconnect /dev/etherd/e1.2
check "unmount" umount /mnt
check "disconnect by that name" aoe-nbd disconnect /dev/etherd/e1.2
udevadm settle
gone() { [ ! -e /dev/etherd/e1.2 ] && [ ! -e /dev/aoe/e1.2 ]; }
check "the names are gone" eventually gone
END
stop target
