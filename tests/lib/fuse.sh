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

# mount_disks DISK... [OPTION]...: runs in the foreground, as the program
# `fuse`.
mount_disks() {
    start fuse host aoe-fuse mount "$@" "$MNT" -i eth0 -f
    await fuse "^aoe-fuse: $MNT: mounted e"
}

# After `aoe-fuse umount` or a signal: the server has ended cleanly and left
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
# bypasses the page cache, and detaches the device afterwards.
with_loop() {
    local status
    LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.2") || return
    "$@"
    status=$?
    let_go "$LOOP" || return
    return "$status"
}

# in_sbin NAME=FILE...: puts programs into /sbin, the only place where mount(8)
# looks for its helpers, in this script's mount namespace only.
in_sbin() {
    local file word
    [ -n "${AOEKIT_OWN_MOUNTS:-}" ] ||
        skip "needs a mount namespace of its own (unshare --mount)"
    mkdir "$TMP/sbin" "$TMP/sbin-real"
    mount --bind /sbin "$TMP/sbin-real" || fail "cannot bind /sbin"
    for file in "$TMP/sbin-real"/*; do
        ln -s "$file" "$TMP/sbin/"
    done
    for word; do
        ln -sfn "${word#*=}" "$TMP/sbin/${word%%=*}"
    done
    mount --bind "$TMP/sbin" /sbin || fail "cannot bind over /sbin"
    at_exit umount -l /sbin
}
