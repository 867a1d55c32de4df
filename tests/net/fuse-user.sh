#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-fuse without root: an ordinary user (nobody) with CAP_NET_RAW on the
# binary, the file system on the disk by fuse2fs, judged by e2fsck on the NAS;
# and a user namespace of that user's own.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need setpriv=util-linux setcap=libcap2-bin fusermount3=fuse3
[ -n "${AOEKIT_OWN_MOUNTS:-}" ] ||
    skip "needs a mount namespace of its own (unshare --mount)"
[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not setuid root here"
network 1500
# LeakSanitizer has to trace the program, which is forbidden for one with capabilities.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0

USER_DIR=$TMP/user
MNT=$USER_DIR/mnt FS=$USER_DIR/fs
mkdir "$USER_DIR" "$MNT" "$FS" && chown -R nobody "$USER_DIR"
user() {
    host setpriv --reuid=nobody --regid=nogroup --clear-groups \
        env PATH="$USER_DIR:$PATH" "$@"
}

# Debian's udev lets anyone open /dev/fuse; containers may differ.
if ! user test -w /dev/fuse; then
    mknod -m 666 "$TMP/dev-fuse" c 10 229
    mount --bind "$TMP/dev-fuse" /dev/fuse && at_exit umount /dev/fuse
    user sh -c ': </dev/fuse' 2>/dev/null ||
        skip "/dev/fuse cannot be made accessible to nobody"
fi

DISK=$TMP/disk
truncate -s 64M "$DISK"
start target nas aoe-target 1 2 eth0 "$DISK"
await target 'e1\.2: serving'

# ---- CAP_NET_RAW on the binary -----------------------------------------------

cp "$BUILD/aoe-fuse" "$USER_DIR/aoe-fuse"
check "without the capability it says what it lacks" \
    refuses 1 '^aoe-fuse: .*CAP_NET_RAW' \
    user aoe-fuse mount e1.2 "$MNT" -i eth0
setcap cap_net_raw+ep "$USER_DIR/aoe-fuse" 2>/dev/null ||
    skip "setcap does not work here"
check "with it, an ordinary user can mount" \
    user aoe-fuse mount e1.2 "$MNT" -i eth0
check "the disk is theirs" user dd if="$MNT/e1.2" of=/dev/null bs=1M count=1
check "... and nobody else's, not even root's" not ls "$MNT"

# ---- a file system without a block device ------------------------------------

background() {
    ip netns pids "$HOST_NS"
}
gone() {
    [ -z "$(background)" ]
}
fuse2fs_mounted() {
    grep -q " $FS fuse" /proc/self/mounts
}
with_fuse2fs() {
    start fuse2fs host setpriv --reuid=nobody --regid=nogroup --clear-groups \
        fuse2fs -f -o fakeroot "$MNT/e1.2" "$FS"
    eventually fuse2fs_mounted
}
TREE=/usr/include/linux
fill() {
    user cp -r "$TREE" "$FS/" &&
        user sh -c "head -c 9M /dev/urandom >'$FS/large' &&
            cd '$FS' && find . -type f -exec sha256sum {} +" >"$TMP/sums" &&
        [ "$(wc -l <"$TMP/sums")" -gt 100 ]
}
same() {
    user sh -c "cd '$FS' && sha256sum --quiet -c -" <"$TMP/sums"
}
if command -v fuse2fs >/dev/null; then
    check "mkfs.ext4" user mkfs.ext4 -q "$MNT/e1.2"
    check "fuse2fs mounts it" with_fuse2fs
    check "a tree of files" fill
    check "unmounted" user fusermount3 -u "$FS"
    check "... and fuse2fs has exited with 0" finished fuse2fs
    check "e2fsck, run by the user, finds it sound" user e2fsck -fn "$MNT/e1.2"
    check "umount" user aoe-fuse umount "$MNT"
    check "... ends the server" eventually gone
    check "e2fsck on the NAS agrees" e2fsck -fn "$DISK"
    check "mounted again" user aoe-fuse mount e1.2 "$MNT" -i eth0
    check "fuse2fs mounts it again" with_fuse2fs
    check "every file is the same" same
    check "unmounted" user fusermount3 -u "$FS"
    check "... and fuse2fs has exited with 0" finished fuse2fs
else
    skip_check "a file system by fuse2fs" "needs fuse2fs (package fuse2fs)"
fi

check "root may unmount it, and is told that only its server can flush it" \
    refuses 1 '^aoe-fuse: .*its server flushes it' host aoe-fuse umount "$MNT"
check "... which ends" eventually gone
check "mounted again" user aoe-fuse mount e1.2 "$MNT" -i eth0
for pid in $(background); do # the first is the server
    kill -KILL "$pid" && break
done
check "when the server is killed, the mount disappears here, too" \
    eventually not mounted
check "... and nothing is left" eventually gone

# ---- a user namespace --------------------------------------------------------

inside() {
    nsenter -t "${PID[inside]}" --user --net --mount -- "$@"
}
own_network() {
    inside ip link show lo && [ "$(inside id -u)" = 0 ] &&
        [ "$(readlink "/proc/${PID[inside]}/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
        [ "$(stat -c %i -L "/proc/${PID[inside]}/ns/net")" != \
            "$(stat -c %i "/run/netns/$HOST_NS")" ]
}
start inside host setpriv --reuid=nobody --regid=nogroup --clear-groups \
    unshare --user --map-root-user --net --mount sleep 1000
if eventually own_network >/dev/null 2>&1 &&
    ip -n "$NAS_NS" link add eth1 type veth peer name eth0 \
        netns "${PID[inside]}" 2>/dev/null; then
    ip -n "$NAS_NS" link set eth1 up && inside ip link set eth0 up
    stop target
    start target nas aoe-target 1 2 eth1 "$DISK"
    await target 'e1\.2: serving'
    check "in a user namespace: mount" \
        inside "$BUILD/aoe-fuse" mount e1.2 "$MNT" -i eth0
    check "... and the disk is there" inside cmp "$MNT/e1.2" "$DISK"
    check "... umount" inside "$BUILD/aoe-fuse" umount "$MNT"
else
    skip_check "in a user namespace" "an ordinary user cannot create one here"
fi
end inside
stop target
