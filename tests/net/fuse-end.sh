#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# How a mount ends, and what happens when the disk goes away: signals, busy files,
# kill -9, a target that stops and comes back with a larger disk.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need tcpdump tshark fio
network 1500

DISK=$TMP/disk
head -c 4M /dev/urandom >"$DISK"
serve() {
    start target nas aoe-target 1 2 eth0 "$DISK"
    await target 'e1\.2: serving'
}
block() { # FD: reads 4 KiB there
    [ "$(head -c 4096 <&"$1" | wc -c)" = 4096 ]
}
fails_with() { # MESSAGE COMMAND...
    local message=$1
    shift
    "$@" 2>&1 | grep -q "$message" && [ "${PIPESTATUS[0]}" != 0 ]
}
flushed() { # FILE.pcap
    tshark -r "$TMP/$1" -Y 'aoe.response == 0 &&
        (aoe.ata.cmd == 0xe7 || aoe.ata.cmd == 0xea)' 2>/dev/null | grep -q .
}

serve

# ---- the background ----------------------------------------------------------

# A program that waits for the end of a pipe must not wait for the server.
from_pipe() {
    local said
    said=$(host aoe-fuse mount e1.2 "$MNT" -i eth0 2>&1) && mounted &&
        [ "$said" = "aoe-fuse: $MNT: mounted e1.2 (4194304 bytes)" ]
}
check "mount in the background closes its standard error" from_pipe
background() {
    ip netns pids "$HOST_NS"
}
two() {
    [ "$(background | wc -l)" = 2 ]
}
check "one process serves, another unmounts if the first dies" two
from_root() {
    local pid
    for pid in $(background); do
        [ "$(readlink "/proc/$pid/cwd")" = / ] || return
    done
}
check "... from the root directory" from_root
host aoe-fuse umount "$MNT"
gone() {
    [ -z "$(background)" ]
}
check "umount ends it" eventually gone
# What is opened next gets the numbers of closed descriptors.
from_nowhere() {
    host timeout 20 aoe-fuse mount e1.2 "$MNT" -i eth0 <&- >&- 2>&-
}
check "mount needs no standard input, output and error" from_nowhere
check "... nor does its server" cmp "$MNT/e1.2" "$DISK"
host aoe-fuse umount "$MNT"
check "... and it ends" eventually gone
check "a disk that is not there: the error says where it looked and for how long" \
    refuses 1 '^aoe-fuse: .*e9\.9.*eth0.*0\.2 s' \
    host aoe-fuse mount e1.2 e9.9 "$MNT" -i eth0 --wait 0.2
check "... and nothing is mounted" not mounted

# ---- signals -----------------------------------------------------------------

# With something written since the last flush: unmounting itself writes back a page
# that was dirtied through a mapping.
for signal in TERM INT HUP; do
    mount_disks e1.2 -o cache
    capture tcpdump host "$TMP/$signal.pcap"
    fio --name=dirty --ioengine=mmap --filename="$MNT/e1.2" --size=64k --bs=4k \
        --rw=write --buffer_pattern='"dirty"' --output="$TMP/fio.out"
    kill -s "$signal" "${PID[fuse]}"
    check "SIG$signal: it unmounts and ends with 0" unmounted
    capture_end tcpdump
    check "... after a FLUSH" flushed "$signal.pcap"
    check "... and what was written is on the NAS" grep -q dirtydirty "$DISK"
    head -c 4M /dev/urandom >"$DISK.new" && cat "$DISK.new" >"$DISK"
done

mount_disks e1.2
exec 9<>"$MNT/e1.2"
check "umount of a busy mount is refused" refuses 1 '^aoe-fuse: .*in use' \
    host aoe-fuse umount "$MNT"
check "... and changes nothing" cmp "$MNT/e1.2" "$DISK"
kill "${PID[fuse]}"
await fuse 'still in use'
check "a signal detaches a busy mount" not mounted
check "... its user is still served" block 9
exec 9>&-
check "... and with its last user the server ends" finished fuse

mount_disks e1.2
capture tcpdump host "$TMP/last.pcap"
exec 9<>"$MNT/e1.2" # after tcpdump has started, which would inherit it
umount -l "$MNT"
kill "${PID[fuse]}"
await fuse 'still in use'
head -c 4096 /dev/zero >&9
check "after umount -l and a signal its user is still served, too" block 9
exec 9>&-
check "... and with its last user the server ends" finished fuse
capture_end tcpdump
check "... after a FLUSH" flushed last.pcap

# As at the end of a session, and as init scripts do it: every process gets SIGTERM,
# and SIGHUP, and SIGTERM again, before file systems are unmounted.
mount_disks e1.2
exec 9<>"$MNT/e1.2"
for signal in TERM HUP INT TERM; do
    mark fuse
    kill -s "$signal" "${PID[fuse]}"
    await fuse 'still in use'
    check "in use, SIG$signal: its user is still served" block 9
done
head -c 4096 /dev/urandom | tee "$TMP/late" >&9
exec 9>&-
check "... and with its last user the server ends" finished fuse
check "... with what was written last" \
    cmp "$TMP/late" <(tail -c +16385 "$DISK" | head -c 4096)

# In the background there is no terminal to hang up.
host aoe-fuse mount e1.2 "$MNT" -i eth0
for pid in $(background); do
    kill -HUP "$pid"
done
check "SIGHUP ends nothing in the background" cmp "$MNT/e1.2" "$DISK"
check "... and the command line begins with an @" \
    grep -q '^@' "/proc/$(background | head -n 1)/cmdline"
check "SIGTERM does" kill "$(background | head -n 1)"
check "... and leaves nothing behind" eventually gone
check "... nor a mount" not mounted

# Debian's init scripts spare the processes on a list.
mkdir "$TMP/run"
mount --rbind /run "$TMP/run"
mount --make-rprivate "$TMP/run"
mount -t tmpfs run /run
mount --make-private /run
mkdir /run/sendsigs.omit.d /run/netns
mount --rbind "$TMP/run/netns" /run/netns
mount_disks e1.2
on_the_list() {
    sort /run/sendsigs.omit.d/aoe-fuse.* | cmp - <(background | sort)
}
check "the server and its guard are on the list of sendsigs" eventually on_the_list
stop fuse
check "... until it ends" test -z "$(ls /run/sendsigs.omit.d)"
umount -l /run
umount -l "$TMP/run"

mount_disks e1.2
exec 9<>"$MNT/e1.2"
stop fuse KILL
check "after kill -9 the mount disappears" eventually not mounted
check "... its user gets an error" not block 9
exec 9>&-
check "... and the process that unmounted it is gone, too" eventually gone

# Both processes, which is also what happens on other systems.
mount_disks e1.2
for pid in $(background); do
    [ "$pid" = "${PID[fuse]}" ] || kill -KILL "$pid"
done
stop fuse KILL
check "when both are killed the directory is unusable" not ls "$MNT"
check "mount says what to do about it" refuses 1 '^aoe-fuse: .*umount' \
    host aoe-fuse mount e1.2 "$MNT" -i eth0
check "umount clears it" host aoe-fuse umount "$MNT"
check "... and a new mount works" host aoe-fuse mount e1.2 "$MNT" -i eth0
check "umount" host aoe-fuse umount "$MNT"
check "... ends it" eventually gone

# ---- the disk ----------------------------------------------------------------

mount_disks e1.2 --timeout 2
stop target
# What is on the wire cannot be taken back, not even for a reader that was killed:
# it ends at the deadline, like one that gets EIO.
(exec dd if="$MNT/e1.2" of=/dev/null bs=4k count=1 2>/dev/null) &
PID[reader]=$!
asked() {
    grep -qs fuse "/proc/${PID[reader]}/wchan" ||
        grep -qs fuse "/proc/${PID[reader]}/stack"
}
eventually asked
kill -KILL "${PID[reader]}"
killed() {
    finished reader
    [ $? = 137 ]
}
check "without a target, a reader that is killed ends at the deadline" killed
check "without a target, reading fails with EIO" \
    fails_with 'Input/output error' dd if="$MNT/e1.2" of=/dev/null
await fuse 'e1\.2: no longer answers'
check "the directory still answers" stat_is %s 4194304 "$MNT/e1.2"
mark fuse
truncate -s 6M "$DISK"
serve
await fuse 'e1\.2: answers again'
await fuse 'e1\.2: has 6291456 bytes'
check "the target is back with a larger disk: the new size is seen" \
    stat_is '%s %b' "6291456 12288" "$MNT/e1.2"
check "... and all of it is read" cmp "$MNT/e1.2" "$DISK"
stop fuse

# What was not flushed is lost with the target: the end must not look like a success.
mount_disks e1.2 --timeout 1
exec 9<>"$MNT/e1.2"
head -c 4096 /dev/zero >&9
stop target KILL
exec 9>&-
check "without a target, umount says what may be lost" \
    refuses 1 '^aoe-fuse: umount .*may be lost' host aoe-fuse umount "$MNT"
ended_badly() {
    finished fuse
    [ $? = 1 ]
}
check "... and so does the server, which ends" ended_badly
