#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The server of a mounted /dev/nbd0 gets the signals that a session and init scripts
# send to every process at shutdown, before file systems are unmounted: nothing that
# was written is lost.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd mkfs.ext4=e2fsprogs e2fsck=e2fsprogs

truncate -s 96M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

guest 110 <<'END'
load nbd ext4
mkdir /run/sendsigs.omit.d
server() { aoe-nbd list | awk '{ print $3 }'; }
check "connect" aoe-nbd connect e1.2 -i eth0
pid=$(server)
check "init scripts spare it" grep -qx "$pid" "/run/sendsigs.omit.d/aoe-nbd.$pid"
check "... and so does systemd" grep -q '^@' "/proc/$pid/cmdline"
check "nobody else can open its lock" \
    test "$(stat -c %a /run/aoe-nbd/nbd0.lock)" = 600
kill -HUP "$pid"
check "SIGHUP does not end a server in the background" \
    dd if=/dev/nbd0 of=/dev/null bs=4k count=1
check "mkfs.ext4" mkfs.ext4 -q /dev/nbd0
check "mount" mount -t ext4 /dev/nbd0 /mnt
check "a tree of files" tree /mnt/tree
sums /mnt/tree >/tmp/sums
for signal in TERM HUP TERM HUP TERM; do
    kill -"$signal" "$pid"
    # A child of it handles the signal.
    usleep 300000
    check "in use, SIG$signal: it keeps running" test "$(server)" = "$pid"
done
# As /etc/init.d/sendsigs does it.
spared=$(for omit in $(cat /run/sendsigs.omit.d/*); do echo "-o $omit"; done)
killall5 -15 $spared
killall5 -9 $spared
usleep 300000
check "killall5 does not end it" test "$(server)" = "$pid"
check "umount" umount /mnt
check "e2fsck" e2fsck -fn /dev/nbd0
check "mounted again" mount -t ext4 -r /dev/nbd0 /mnt
check "every byte is there" \
    test "$(sums /mnt/tree | cmp - /tmp/sums && echo same)" = same
check "umount" umount /mnt
check "disconnect" aoe-nbd disconnect e1.2
check "... takes it off the list" test ! -e "/run/sendsigs.omit.d/aoe-nbd.$pid"

check "connect" aoe-nbd connect e1.2 -i eth0
kill "$(server)"
gone() { [ ! -e /sys/block/nbd0/pid ]; }
check "SIGTERM removes a device that is not in use" eventually gone
aoe-nbd connect e1.2 -i eth0 --foreground >/tmp/front &
pid=$!
served() { [ "$(server)" = $pid ]; }
check "in the foreground" eventually served
kill -HUP $pid
check "... SIGHUP removes it" wait $pid
complaints() { dmesg | grep -E 'WARNING|BUG|blocked for more|EXT4-fs error'; }
check "the kernel has logged no complaint" not complaints
END
stop target
check "e2fsck on the NAS finds it sound" e2fsck -fn "$TMP/disk"
