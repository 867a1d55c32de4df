#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-nbd connect on a real /dev/nbd0: what it refuses, ext4 and its files from mkfs to
# reconnection, trim, growth, and when it refuses to disconnect.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd mkfs.ext4=e2fsprogs e2fsck=e2fsprogs fstrim=util-linux \
    setpriv=util-linux hdparm strace

truncate -s 96M "$TMP/disk"
printf '[e1.2]\nfile = %s\ninterfaces = tap0\n' "$TMP/disk" >"$TMP/conf"
start target nas aoe-target --config "$TMP/conf"
await target 'serving'

guest_start 110 <<'END'
connect() { aoe-nbd connect e1.2 -i eth0 "$@"; }
check "without the driver" refuses "nbd driver is not loaded; modprobe nbd" connect
load nbd ext4
check "list: no disk" test -z "$(aoe-nbd list)"
check "no permission" refuses "no permission" \
    /bin/setpriv --bounding-set=-sys_admin aoe-nbd connect e1.2 -i eth0
check "no such disk" refuses "connect e9.9|e9.9" \
    aoe-nbd connect e9.9 -i eth0 -w 1
check "nothing to disconnect" refuses "not connected" aoe-nbd disconnect e1.2
check "nothing to resume" refuses "nothing to resume" connect --resume

check "it prints its device" says '^/dev/nbd3$' connect /dev/nbd3
check "list" says "^/dev/nbd3 +e1.2 +[0-9]+ +$((96 << 20)) rw serving" aoe-nbd list
check "its size" test "$(blockdev --getsize64 /dev/nbd3)" = $((96 << 20))
check "its sectors" test "$(blockdev --getss /dev/nbd3)" = 512
check "not twice" refuses "is /dev/nbd3 already" connect /dev/nbd4
check "no other device is attached" test ! -e /sys/block/nbd4/pid
check "no second server" refuses "has a server already" connect --resume

check "mkfs.ext4" mkfs.ext4 -q /dev/nbd3
check "mount" mount -t ext4 /dev/nbd3 /mnt
check "a tree of files" tree /mnt/tree
sums /mnt/tree >/tmp/sums
check "fstrim" fstrim -v /mnt
check "a mounted device stays" refuses "it is mounted on /mnt" \
    aoe-nbd disconnect e1.2
pid=$(aoe-nbd list | awk '{ print $3 }')
kill "$pid"
usleep 300000
check "also when the server gets SIGTERM" test "$(sums /mnt/tree | cmp - /tmp/sums && echo same)" = same
check "unmount" umount /mnt
check "e2fsck" e2fsck -fn /dev/nbd3
check "hdparm -T" says 'Timing cached reads: .* MB/sec' hdparm -T /dev/nbd3
check "hdparm -t" says 'Timing buffered disk reads: .* MB/sec' hdparm -t /dev/nbd3
sleep 20 </dev/nbd3 &
check "an open device stays" refuses "open in process $! .sleep" \
    aoe-nbd disconnect /dev/nbd3
kill $!
wait $!
check "disconnect" aoe-nbd disconnect /dev/nbd3
# It may stay a zombie until the shell reaps it.
ended() { [ ! -d "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
check "the server has ended" eventually ended
check "the device is free" test ! -e /sys/block/nbd3/pid
check "list: no disk" test -z "$(aoe-nbd list)"

device=$(connect)
check "any device" test "$device" = /dev/nbd0
check "mount again" mount -t ext4 -r "$device" /mnt
sums /mnt/tree >/tmp/sums2
check "every byte is there" cmp /tmp/sums /tmp/sums2
check "unmount" umount /mnt

check "SIGTERM ends a server whose device is not in use" \
    kill "$(aoe-nbd list | awk '{ print $3 }')"
gone() { [ ! -e /sys/block/nbd0/pid ] && [ -z "$(aoe-nbd list)" ]; }
check "... and removes the device" eventually gone

check "connect" connect
grown() { [ "$(blockdev --getsize64 /dev/nbd0)" = $((128 << 20)) ]; }
echo "guest: the disk may grow"
check "a disk that grows" eventually grown
check "disconnect" aoe-nbd disconnect e1.2

# Nobody listens there, but strace shows what would be received.  LeakSanitizer cannot
# trace what strace does.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 NOTIFY_SOCKET=/run/manager \
    strace -o /tmp/trace -e trace=sendto \
    aoe-nbd connect e1.2 -i eth0 --foreground >/tmp/foreground 2>&1 &
pid=$!
told() { grep -q "\"$1\"" /tmp/trace; }
check "a service manager is told when the device is there" eventually told READY=1
check "... which it is" says "^/dev/nbd0 .* serving" aoe-nbd list
check "disconnect" aoe-nbd disconnect e1.2
check "a server in the foreground exits with 0" wait $pid
check "... and reports that, too" told STOPPING=1

check "read-only" connect --read-only --swap
check "... a read-only device" test "$(blockdev --getro /dev/nbd0)" = 1
check "... which refuses writes" not dd if=/dev/zero of=/dev/nbd0 bs=4k count=1 conv=fsync
pid=$(aoe-nbd list | awk '{ print $3 }')
if sanitized; then
    skip_check "--swap keeps its memory" \
        "AddressSanitizer makes mlockall do nothing"
else
    check "--swap keeps its memory" \
        test "$(awk '/^VmLck/ { print $2 }' "/proc/$pid/status")" -gt 8192
fi
check "disconnect" aoe-nbd disconnect e1.2
complaints() { dmesg | grep -E 'WARNING|BUG|blocked for more|EXT4-fs error'; }
check "the kernel has logged no complaint" not complaints
END
await guest 'the disk may grow' "$((GUEST_SECONDS - 10))"
truncate -s 128M "$TMP/disk"
kill -HUP "${PID[target]}"
guest_end
stop target
