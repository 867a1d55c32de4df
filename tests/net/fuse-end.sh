#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# How a mount ends, and what happens when the disk goes: signals, busy files,
# kill -9, a target that stops and comes back with a larger disk.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
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

serve

# ---- the background ----------------------------------------------------------

# Who waits for the end of a pipe must not wait for the server.
from_pipe() {
    local said
    said=$(host aoe-fuse mount e1.2 "$MNT" -i eth0 2>&1) && mounted &&
        [ "$said" = "aoe-fuse: $MNT: mounted e1.2 (4194304 bytes)" ]
}
check "mount in the background lets go of its standard error" from_pipe
background() {
    ip netns pids "$HOST_NS"
}
server=$(background)
check "one process serves" test "$(echo "$server" | wc -w)" = 1
check "... from the root directory" test "$(readlink "/proc/$server/cwd")" = /
host aoe-fuse umount "$MNT"
gone() {
    [ -z "$(background)" ]
}
check "umount ends it" eventually gone
check "a disk that is not there: where and how long it was looked for" \
    refuses 1 '^aoe-fuse: .*e9\.9.*eth0.*0\.2 s' \
    host aoe-fuse mount e1.2 e9.9 "$MNT" -i eth0 --wait 0.2
check "... and nothing is mounted" not mounted

# ---- signals -----------------------------------------------------------------

for signal in TERM INT HUP; do
    mount_disks e1.2
    kill -s "$signal" "${PID[fuse]}"
    check "SIG$signal: it unmounts and ends with 0" unmounted
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
exec 9<>"$MNT/e1.2"
kill "${PID[fuse]}"
await fuse 'still in use'
kill "${PID[fuse]}"
check "the second signal ends it at once" finished fuse
check "... its user gets an error" not block 9
exec 9>&-

mount_disks e1.2
stop fuse KILL
check "after kill -9 the directory is dead" not ls "$MNT"
check "mount says what to do about it" refuses 1 '^aoe-fuse: .*umount' \
    host aoe-fuse mount e1.2 "$MNT" -i eth0
check "umount clears it away" host aoe-fuse umount "$MNT"
check "... and a new mount works" host aoe-fuse mount e1.2 "$MNT" -i eth0
check "umount" host aoe-fuse umount "$MNT"
check "... ends it" eventually gone

# ---- the disk ----------------------------------------------------------------

mount_disks e1.2 --timeout 2
stop target
check "without a target reading fails" not dd if="$MNT/e1.2" of=/dev/null
await fuse 'e1\.2: no answer'
check "the directory still answers" stat_is %s 4194304 "$MNT/e1.2"
mark fuse
truncate -s 6M "$DISK"
serve
await fuse 'e1\.2: answers again'
await fuse 'e1\.2: has 6291456 bytes'
check "the target back and larger: the size is seen" \
    stat_is '%s %b' "6291456 12288" "$MNT/e1.2"
check "... and all of it is read" cmp "$MNT/e1.2" "$DISK"
stop fuse
stop target
