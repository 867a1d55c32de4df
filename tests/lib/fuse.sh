# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Disks as files, for the network tests: $MNT is where aoe-fuse shows them.
# Source it after net.sh.

command -v aoe-fuse >/dev/null ||
    skip "aoe-fuse is not built here: see what make says"
[ -c /dev/fuse ] || skip "there is no /dev/fuse"

MNT=$TMP/mnt
mkdir "$MNT"

# mount_disks DISK... [OPTION]...: in the foreground, as the program `fuse`.
mount_disks() {
    start fuse host aoe-fuse mount "$@" "$MNT" -i eth0 -f
    await fuse "^aoe-fuse: $MNT: mounted e"
}

# After `aoe-fuse umount` or a signal: the server has ended well and left
# nothing behind.
unmounted() {
    finished fuse && not mounted
}
mounted() {
    grep -q " $MNT fuse.aoe-fuse " /proc/self/mounts
}

# stat_is FORMAT WANTED FILE
stat_is() {
    local got
    got=$(stat -c "$1" "$3") || return
    [ "$got" = "$2" ] || { echo "wanted $2, got $got" && return 1; }
}

# with_loop COMMAND...: runs it with $LOOP, a loop device on the disk e1.2 that
# bypasses the page cache, and takes the device away again.
with_loop() {
    local status
    LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.2") || return
    "$@"
    status=$?
    let_go "$LOOP" || return
    return "$status"
}
