#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-fuse behind mount(8) and fstab, as mount.fuse.aoe-fuse and by way of
# libfuse's mount.fuse3.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need mount findmnt=util-linux
network 1500
in_sbin "mount.fuse.aoe-fuse=$BUILD/aoe-fuse" "aoe-fuse=$BUILD/aoe-fuse"

DISK=$TMP/disk OTHER=$TMP/other
head -c 4M /dev/urandom >"$DISK"
head -c 1M /dev/urandom >"$OTHER"
start target nas aoe-target 1 2 eth0 "$DISK"
start other nas aoe-target 3 4 eth0 "$OTHER"
await target 'e1\.2: serving'
await other 'e3\.4: serving'
background() {
    ip netns pids "$HOST_NS"
}
gone() {
    [ -z "$(background)" ]
}
# Waits for the server to end, so that each look at the processes sees the next one.
all_gone() {
    check "$1: umount ends it" umount "$MNT"
    check "$1: ... and its server" eventually gone
}

# ---- mount -t ----------------------------------------------------------------

check "mount -t fuse.aoe-fuse" \
    host mount -t fuse.aoe-fuse e1.2 "$MNT" -o interface=eth0,timeout=5,wait=9
check "the disk is there" cmp "$MNT/e1.2" "$DISK"
check "the mount table calls it by its name" \
    says '^e1\.2 +fuse\.aoe-fuse$' findmnt -no SOURCE,FSTYPE "$MNT"
check "mounting it again is refused, with mount(8)'s status" \
    refuses 32 '^aoe-fuse: mount: .*mounted already' \
    host mount -t fuse.aoe-fuse e1.2 "$MNT" -o interface=eth0
check "remounting is refused, and says what to do" \
    refuses 1 '^aoe-fuse: mount: -o remount: .*unmount' \
    host mount -o remount,ro "$MNT"
all_gone "mount -t"

check "two disks" host mount -t fuse.aoe-fuse e1.2+e3.4 "$MNT" -o interface=eth0
check "both are there" cmp "$MNT/e3.4" "$OTHER"
all_gone "two disks"

# mount(8) passes on the path of a file that happens to have the disk's name.
misled() {
    touch "$TMP/e1.2"
    (cd "$TMP" && host mount -t fuse.aoe-fuse e1.2 "$MNT" -r -o interface=eth0)
}
check "a file of the same name does not mislead it" misled
check "mount -r" not dd if=/dev/zero of="$MNT/e1.2" count=1 conv=notrunc
all_gone "mount -r"

check "an error says what is wrong" refuses 1 '^aoe-fuse: mount: -o wait=soon: .*seconds' \
    host mount -t fuse.aoe-fuse e1.2 "$MNT" -o interface=eth0,wait=soon
check "... once" refuses 1 '^aoe-fuse: ' \
    host mount -t fuse.aoe-fuse e1.2 "$MNT" -o interface=
check "an option nobody knows is refused" refuses 1 '^aoe-fuse: .*frobnicate' \
    host mount -t fuse.aoe-fuse e1.2 "$MNT" -o interface=eth0,frobnicate
check "... and so is a disk that is not there" refuses 32 '^aoe-fuse: .*e9\.9.*eth0' \
    host mount -t fuse.aoe-fuse e9.9 "$MNT" -o interface=eth0,wait=0.2
check "mount -f only checks the options" \
    host mount -f -t fuse.aoe-fuse e9.9 "$MNT" -o interface=eth0
check "nothing is mounted" not mounted

# ---- fstab -------------------------------------------------------------------

# The lines of aoe-fuse(8).
fstab() {
    echo "$1 $MNT $2 interface=eth0,_netdev,nofail,x-systemd.device-timeout=9 0 0" \
        >"$TMP/fstab"
}
fstab e1.2 fuse.aoe-fuse
check "mount -a" host mount -a -T "$TMP/fstab"
check "the disk is there" cmp "$MNT/e1.2" "$DISK"
check "mount -a a second time finds it mounted" host mount -a -T "$TMP/fstab"
all_gone "fstab"

rm "$TMP/sbin/mount.fuse.aoe-fuse"
if [ -x /sbin/mount.fuse3 ]; then
    check "mount -a through mount.fuse3" host mount -a -T "$TMP/fstab"
    check "the disk is there" cmp "$MNT/e1.2" "$DISK"
    check "mount -a a second time finds it mounted" host mount -a -T "$TMP/fstab"
    all_gone "mount.fuse3"
    fstab 'aoe-fuse#e1.2' fuse
    check "aoe-fuse#e1.2" host mount -T "$TMP/fstab" "$MNT"
    check "the disk is there" cmp "$MNT/e1.2" "$DISK"
    all_gone "aoe-fuse#e1.2"
else
    skip_check "mount -a through mount.fuse3" "needs mount.fuse3 (package fuse3)"
fi

stop target
stop other
