#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A file system on a disk: FUSE, a loop device, ext4, a tree of files, judged by
# e2fsck here and on the NAS.  With our target and with Debian's vblade.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need losetup=mount mkfs.ext4=e2fsprogs e2fsck=e2fsprogs fstrim=util-linux xxd

TREE=/usr/include/linux # a few hundred files that every build machine has
FS=$TMP/fs
mkdir "$FS"

# Many small files and a large one.
fill() {
    mkfs.ext4 -q "$LOOP" && mount "$LOOP" "$FS" &&
        cp -a "$TREE" "$FS/" &&
        head -c 20M /dev/urandom >"$FS/large" &&
        (cd "$FS" && find . -type f -exec sha256sum {} +) >"$TMP/sums" &&
        umount "$FS"
}
sound() {
    e2fsck -fn "$LOOP"
}
same() {
    local status
    mount "$LOOP" "$FS" || return
    (cd "$FS" && sha256sum --quiet -c "$TMP/sums")
    status=$?
    umount "$FS" && return "$status"
}
trimmed() {
    mount -o noatime "$LOOP" "$FS" || return
    rm -f "$FS/large"
    sync -f "$FS"
    fstrim "$FS"
    local status=$?
    umount "$FS" && return "$status"
}
dio() {
    losetup --list --noheadings --output DIO "$LOOP" | grep -q 1
}

# story: what a user does with a disk that is served as e1.2 from $TMP/disk.
story() {
    mount_disks e1.2
    check "$1: the loop device bypasses the page cache" with_loop dio
    check "$1: a file system is made and filled" with_loop fill
    check "$1: e2fsck finds it sound" with_loop sound
    check "$1: unmounted" host aoe-fuse umount "$MNT"
    check "$1: the server has ended" unmounted
    check "$1: e2fsck on the NAS agrees" e2fsck -fn "$TMP/disk"
    mount_disks e1.2
    check "$1: mounted again, every file is the same" with_loop same
}

network 1500
losetup --find >/dev/null 2>&1 || skip "no loop device available"
truncate -s 64M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
story aoe-target
blocks=$(stat -c %b "$TMP/disk")
check "aoe-target: fstrim reaches the NAS" with_loop trimmed
check "aoe-target: ... which gets its space back" \
    test "$(stat -c %b "$TMP/disk")" -lt "$blocks"
check "aoe-target: e2fsck finds it sound" with_loop sound
stop fuse
stop target

command -v vblade >/dev/null || {
    skip_check "vblade" "needs vblade (package vblade)"
    exit
}
rm "$TMP/disk"
truncate -s 64M "$TMP/disk"
start vblade nas vblade 1 2 eth0 "$TMP/disk"
eventually answered >/dev/null || fail "vblade: does not answer"
story vblade
stop fuse
end vblade
