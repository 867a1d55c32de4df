#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# mount -t aoe -o via=nbd: from e1.2 to a file system on /dev/nbdN and back, by hand and
# from fstab, and nothing is left of it, whatever went wrong.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd mkfs.ext4=e2fsprogs e2fsck=e2fsprogs mount umount=mount \
    findmnt=util-linux flock=util-linux
install -D "$ROOT/dist/mount.aoe" "$GUEST_ROOT/sbin/mount.aoe"

truncate -s 96M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

guest 110 <<'END'
mkdir /other
# Not busybox's own, which know neither the helpers nor their options.
mount() { /bin/mount "$@"; }
umount() { /bin/umount "$@"; }
echo 'e1.2 /mnt aoe interface=eth0,fstype=ext4,via=nbd,_netdev,nofail 0 0' >/etc/fstab
# refused PATTERN DISK OPTIONS: mount(8) fails after one line of ours.
refused() {
    mount -t aoe "$2" /mnt -o "via=nbd,$3" >/tmp/.out 2>&1
    [ $? = 32 ] || { cat /tmp/.out && return 1; }
    cat /tmp/.out
    [ "$(wc -l </tmp/.out)" = 1 ] && grep -Eq -- "$1" /tmp/.out
}
check "without the driver" \
    refused "nbd driver is not loaded; modprobe nbd" e1.2 interface=eth0
load nbd ext4
gone() {
    [ -z "$(aoe-nbd list)" ] && [ ! -e /sys/block/nbd0/pid ] &&
        flock --nonblock /run/aoe/e1.2.lock true
}
check "a disk that is not there" refused "e9.9" e9.9 interface=eth0,wait=0.2
check "no interface" refused "interface" e1.2 ro
check "nothing to mount on the disk" \
    not mount -t aoe e1.2 /mnt -o interface=eth0,via=nbd,fstype=ext4
check "... and nothing is left" gone

check "a new disk" aoe-nbd connect e1.2 -i eth0
check "mkfs.ext4" mkfs.ext4 -q /dev/nbd0
check "a disk that is connected by hand" \
    refused "e1.2: is /dev/nbd0 already" e1.2 interface=eth0
check "... stays" says "^/dev/nbd0 .* serving" aoe-nbd list
check "disconnect --lazy removes it if nobody uses it" \
    aoe-nbd disconnect --lazy e1.2
check "... at once" gone

check "mount -t aoe" mount -t aoe e1.2 /mnt -o interface=eth0,via=nbd,noatime
check "it is the device" test "$(findmnt -no SOURCE,FSTYPE /mnt)" = "/dev/nbd0 ext4"
check "... with its options" says noatime findmnt -no OPTIONS /mnt
check "a tree of files" tree /mnt/tree
sums /mnt/tree >/tmp/sums
look() { dd if=/dev/nbd0 of=/dev/null bs=4k count=1; }
check "a program opens and closes the device" look
check "... which does not remove it" says "^/dev/nbd0 .* serving" aoe-nbd list
check "mounted already: it says so and exits with 0" \
    says "mount.aoe: e1.2 is mounted on /mnt already" \
    mount -t aoe e1.2 /mnt -o interface=eth0,via=nbd
exec 5>/mnt/open
check "in use: it stays mounted" not umount /mnt
exec 5>&-
check "umount" umount /mnt
check "... removes the device and ends the server" eventually gone
check "... also without umount(8)" \
    mount -t aoe e1.2 /mnt -o interface=eth0,via=nbd
check "umount by busybox" busybox umount /mnt
check "... removes the device and ends the server" eventually gone

check "mount -a" mount -a
check "mount -a again" mount -a
check "every byte is there" test "$(sums /mnt/tree | cmp - /tmp/sums && echo same)" = same
check "a second mount point" mount --bind /mnt /other
check "umount of the first" umount /mnt
check "the second one still has it" test "$(sums /other/tree | cmp - /tmp/sums && echo same)" = same
check "umount of the second" umount /other
check "... removes the device and ends the server" eventually gone

check "read-only" mount -t aoe e1.2 /mnt -o interface=eth0,via=nbd,ro,timeout=30
check "... and so is the device" test "$(blockdev --getro /dev/nbd0)" = 1
check "no writing" not touch /mnt/new
kill -9 "$(aoe-nbd list | awk '{ print $3 }')"
check "a server that was killed is replaced" \
    aoe-nbd connect e1.2 -i eth0 --read-only --resume
echo 3 >/proc/sys/vm/drop_caches
check "every byte is there" test "$(sums /mnt/tree | cmp - /tmp/sums && echo same)" = same
check "umount" umount /mnt
check "... removes the device and ends the server" eventually gone
complaints() { dmesg | grep -E 'WARNING|BUG|blocked for more|EXT4-fs error'; }
check "the kernel has logged no complaint" not complaints
END
stop target
check "e2fsck on the NAS finds it sound" e2fsck -fn "$TMP/disk"
