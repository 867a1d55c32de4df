#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The server of a mounted /dev/nbd0 is killed under load: requests wait, a new
# server resumes the device, the load goes on as if nothing had happened, nothing that
# was synced is lost, and the file system is clean.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-nbd mkfs.ext4=e2fsprogs e2fsck=e2fsprogs

truncate -s 96M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

guest 110 <<'END'
load nbd ext4
check "connect --again: the first time" aoe-nbd connect e1.2 -i eth0 --again
check "... not beside a server" refuses "is /dev/nbd0 already" \
    aoe-nbd connect e1.2 -i eth0 --again
check "mkfs.ext4" mkfs.ext4 -q /dev/nbd0
check "mount" mount -t ext4 /dev/nbd0 /mnt

# Each file is synced before it is listed: the listed ones must all be there.
load_on() {
    n=0
    while [ ! -e /tmp/enough ]; do
        n=$((n + 1))
        dd if=/modules/xfs.ko of=/mnt/f$((n % 40)) bs=4k count=50 \
            skip=$((n % 97)) conv=fsync 2>/tmp/dd.err || exit 1
        echo "$((n % 40)) $((n % 97))" >>/tmp/written
    done
}
written() { wc -l </tmp/written; }
at_least() { [ "$(written)" -ge "$1" ]; }
: >/tmp/written
load_on &
load=$!
check "load" eventually at_least 20
pid=$(aoe-nbd list | awk '{ print $3 }')
kill -9 "$pid"
usleep 500000
check "list: no server" says '^/dev/nbd0 +e1.2 +- .* no-server' aoe-nbd list
check "it cannot be disconnected without one" refuses "server is gone" \
    aoe-nbd disconnect e1.2
check "no second device" refuses "is /dev/nbd0 already; its server is gone, --resume" \
    aoe-nbd connect e1.2 -i eth0
stood=$(written)
usleep 500000
check "the load waits" test "$(written)" = "$stood"
check "no resumption with --read-only, which would fail waiting requests" refuses "without" \
    aoe-nbd connect e1.2 -i eth0 --resume --read-only
check "resume" says '^/dev/nbd0$' aoe-nbd connect e1.2 -i eth0 --resume
resumed=$(cut -d. -f1 /proc/uptime)
check "list: serving" says '^/dev/nbd0 +e1.2 +[0-9]+ .* serving' aoe-nbd list
more() { [ "$(written)" -gt $((stood + 20)) ]; }
check "the load goes on" eventually more
echo "# after $(($(cut -d. -f1 /proc/uptime) - resumed)) s"

# Again, at once: the kernel may not have noticed yet when the new server starts.
kill -9 "$(aoe-nbd list | awk '{ print $3 }')"
check "resume at once, by its device" \
    aoe-nbd connect e1.2 /dev/nbd0 -i eth0 --resume
stood=$(written)
check "the load goes on" eventually more

# As a service manager starts it.
kill -9 "$(aoe-nbd list | awk '{ print $3 }')"
check "connect --again: resumes" says '^/dev/nbd0$' \
    aoe-nbd connect e1.2 -i eth0 --again
stood=$(written)
check "the load goes on" eventually more
: >/tmp/enough
check "no write failed" wait $load
check "unmount" umount /mnt
check "e2fsck" e2fsck -fn /dev/nbd0
check "disconnect" aoe-nbd disconnect e1.2
check "connect" aoe-nbd connect e1.2 -i eth0
check "mount" mount -t ext4 -r /dev/nbd0 /mnt
all_there() {
    tail -n 40 /tmp/written | while read -r file skip; do
        dd if=/modules/xfs.ko bs=4k count=50 skip="$skip" 2>/dev/null |
            cmp - "/mnt/f$file" || return 1
    done
}
check "every synced file is there" all_there
check "unmount" umount /mnt
check "disconnect" aoe-nbd disconnect e1.2

# No server comes: requests fail when the time is up, and force removes the device.
check "connect" aoe-nbd connect e1.2 -i eth0 --hold 1
kill -9 "$(aoe-nbd list | awk '{ print $3 }')"
# Requests that the old server had received would wait for a new one.
dead() { aoe-nbd list | grep -q no-server; }
check "the server is dead" eventually dead
check "without a server, requests fail in the end" \
    not dd if=/dev/nbd0 of=/dev/null bs=4k count=1 skip=5000
check "disconnect --force" aoe-nbd disconnect --force /dev/nbd0
check "the device is free" test ! -e /sys/block/nbd0/pid
complaints() { dmesg | grep -E 'WARNING|BUG|blocked for more|EXT4-fs error'; }
check "the kernel has logged no complaint" not complaints
END
stop target
