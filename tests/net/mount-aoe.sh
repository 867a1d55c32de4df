#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# mount -t aoe: from e1.2 to a file system and back, by hand and from fstab,
# judged by e2fsck on the NAS; and no disk is ever mounted twice.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need losetup=mount mkfs.ext4=e2fsprogs e2fsck=e2fsprogs resize2fs=e2fsprogs \
    flock=util-linux findmnt=util-linux
network 1500
losetup --find >/dev/null 2>&1 || skip "no loop device available"

# It uses the host's locks and directories, and perhaps programs that are installed
# there; this copy uses ours.
sed -e "s,^STATE=/run/aoe ,STATE=$TMP/run ," -e "s,^PATH=/,PATH=$TMP/sbin:/," \
    "$ROOT/dist/mount.aoe" >"$TMP/mount.aoe"
chmod +x "$TMP/mount.aoe"
grep -q "^STATE=$TMP/run " "$TMP/mount.aoe" || fail "the line that says where its locks are has changed"
in_sbin "mount.aoe=$TMP/mount.aoe" "aoe-fuse=$BUILD/aoe-fuse" \
    "aoe-nbd=$BUILD/aoe-nbd"

DISK=$TMP/disk
truncate -s 64M "$DISK"
# Loop devices are the host's, and other tests may be using some: this test's disk has
# a name of its own.
SHELF=$(($$ % 65000))
ID=e$SHELF.2
start target nas aoe-target "$SHELF" 2 eth0 "$DISK"
await target "$ID: serving"
TREE=/usr/include/linux
OTHER=$TMP/other
mkdir "$OTHER"

background() {
    ip netns pids "$HOST_NS"
}
all_gone() {
    [ -z "$(background)" ] && [ -z "$(device)" ]
}
# The loop device of the disk: its file has no directory any more.
device() {
    losetup --list --noheadings --output NAME,BACK-FILE,DIO |
        awk -v id="/$ID" 'substr($2, length($2) - length(id) + 1) == id'
}
of_type() { # TYPE OPTION
    [ "$(findmnt -no FSTYPE "$MNT")" = "$1" ] &&
        findmnt -no OPTIONS "$MNT" | tr , '\n' | grep -qx "$2"
}
same() {
    (cd "$MNT" && sha256sum --quiet -c "$TMP/sums")
}
fill() {
    cp -a "$TREE" "$MNT/" && head -c 9M /dev/urandom >"$MNT/large" &&
        (cd "$MNT" && find . -type f -exec sha256sum {} +) >"$TMP/sums"
}
# unmounted_whole WHAT: umount, and nothing is left.
unmounted_whole() {
    check "$1: umount" umount "$MNT"
    check "$1: ... takes loop device and server with it" eventually all_gone
    check "$1: ... and leaves no directory" \
        test -z "$(find "$TMP/run" -mindepth 1 -type d)"
    check "$1: e2fsck on the NAS finds it sound" e2fsck -fn "$DISK"
}

# ---- a new disk ---------------------------------------------------------------

check "a new disk as a file" host aoe-fuse mount "$ID" "$MNT" -i eth0
check "... gets its file system" mkfs.ext4 -q "$MNT/$ID"
check "... and is unmounted" host aoe-fuse umount "$MNT"

# ---- by hand -----------------------------------------------------------------

check "mount -t aoe" host mount -t aoe "$ID" "$MNT" \
    -o interface=eth0,fstype=ext4,noatime
check "the file system is there, with its options" of_type ext4 noatime
check "the loop device bypasses the page cache" \
    test "$(device | awk '{ print $3 }')" = 1
check "a tree of files" fill
check "mounted already: it says so and exits with 0" \
    says "$ID is mounted on .*mnt already" \
    host mount -t aoe "$ID" "$MNT" -o interface=eth0
check "... also with leading zeros in its name" \
    says "$ID is mounted on .*mnt already" \
    host mount -t aoe "e00$SHELF.02" "$MNT" -o interface=eth0
check "elsewhere: refused" refuses 32 "^mount\.aoe: $ID: mounted elsewhere" \
    host mount -t aoe "$ID" "$OTHER" -o interface=eth0
check "the first mount is unaffected" same
unmounted_whole "mount -t"

again() {
    host mount -t aoe "/dev/etherd/$ID" "$MNT" -o interface=eth0,ro &&
        umount "$MNT" && host mount -t aoe "$ID" "$MNT" -o interface=eth0,ro
}
check "unmounted and mounted at once, read-only" again
check "the type is detected" of_type ext4 ro
check "every file is the same" same
check "no writing" not touch "$MNT/new"
unmounted_whole "read-only"

# ---- two at once, as an automount beside mount -a ------------------------------

running() { # PROGRAM
    local pid
    for pid in $(background); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || return 0
    done
    return 1
}
# both DIR: the second mount begins, and waits for the first, which looks for its
# disk until the target is there.
both() {
    stop target
    start first host mount -t aoe "$ID" "$MNT" -o interface=eth0,wait=20
    eventually running aoe-fuse || return
    start second host mount -t aoe "$ID" "$1" -o interface=eth0
    eventually running flock || return
    start target nas aoe-target "$SHELF" 2 eth0 "$DISK"
    await target "$ID: serving"
    finished first 40
}
check "two at once: the first mounts it" both "$MNT"
check "... the second exits with 0" finished second
check "... and says why" grep -q "mounted on .* already" "$(log_of second)"
check "... it is mounted once" test "$(device | wc -l)" = 1
unmounted_whole "two at once"
refused() {
    finished second
    [ $? = 32 ]
}
check "two at once on two directories: the first mounts it" both "$OTHER"
check "... the second is refused" refused
unmounted_whole "two directories"

# ---- who may lock it ------------------------------------------------------------

private() {
    local mode
    for mode in $(stat -c %a "$TMP/run"/*); do
        [ "$mode" = 600 ] || { stat -c '%a %n' "$TMP/run"/* && return 1; }
    done
}
check "nobody else can open a lock" private
chmod 644 "$TMP/run/$ID.lock"
check "one that others could open" \
    host mount -t aoe "$ID" "$MNT" -o interface=eth0,ro
check "... is made private again" private
unmounted_whole "locks"
# A program of that name in a directory of the caller's PATH is not run.
mkdir "$TMP/evil"
printf '#!/bin/sh\ntouch %s/run-by-root\n' "$TMP" >"$TMP/evil/flock"
chmod +x "$TMP/evil/flock"
check "the caller's PATH" \
    host env PATH="$TMP/evil:$PATH" /sbin/mount.aoe "$ID" "$MNT" -o interface=eth0
check "... is not used" not test -e "$TMP/run-by-root"
unmounted_whole "PATH"

# ---- what is wrong -----------------------------------------------------------

wrong() { # STATUS PATTERN DISK OPTIONS
    refuses "$1" "$2" host mount -t aoe "$3" "$MNT" -o "$4"
}
check "not a disk" wrong 1 '^mount\.aoe: sda1: not the name' sda1 interface=eth0
check "nor is this" wrong 1 '^mount\.aoe: /etc/e1\.2: not' /etc/e1.2 interface=eth0
check "a disk that is not there" \
    wrong 32 '^aoe-fuse: .*e9\.9' e9.9 interface=eth0,wait=0.2
check "neither fuse nor nbd" wrong 1 'via=usb: must be' "$ID" interface=eth0,via=usb
if [ -d /sys/module/nbd ] || modprobe -n nbd 2>/dev/null; then
    skip_check "no nbd driver" "there is one here"
else
    check "no nbd driver" wrong 32 '^aoe-nbd: .*driver is not loaded' \
        "$ID" interface=eth0,via=nbd
fi
check "no interface" wrong 32 '^aoe-fuse: .*interface' "$ID" ro
check "a file system of another type" not \
    host mount -t aoe "$ID" "$MNT" -o interface=eth0,fstype=xfs
check "nothing is mounted" not mountpoint "$MNT"
check "... and nothing is left" eventually all_gone
check "mount -f checks the options" \
    host mount -f -t aoe e9.9 "$MNT" -o interface=eth0
check "... and finds what is wrong" refuses 1 'fstype' \
    host mount -f -t aoe e1.2 "$MNT" -o fstype=

# ---- fstab -------------------------------------------------------------------

# The line of mount.aoe(8).
echo "$ID $MNT aoe interface=eth0,fstype=ext4,_netdev,nofail 0 0" >"$TMP/fstab"
check "mount -a" host mount -a -T "$TMP/fstab"
check "every file is the same" same
check "mount -a again" host mount -a -T "$TMP/fstab"
check "it is mounted once" test "$(device | wc -l)" = 1
check "mount -o remount,ro by the fstab" \
    host mount -T "$TMP/fstab" -o remount,ro "$MNT"
check "... it is read-only" of_type ext4 ro
check "mount -o remount,rw,noatime" \
    host mount -T "$TMP/fstab" -o remount,rw,noatime "$MNT"
check "... it is not" of_type ext4 rw
check "... and has the other option" of_type ext4 noatime
check "it is not remounted where it is not mounted" \
    refuses 32 "^mount\.aoe: $ID: not mounted on" \
    host mount -t aoe "$ID" "$OTHER" -o remount,ro
check "umount by the fstab" umount "$MNT"
check "... takes loop device and server with it" eventually all_gone

# ---- a server that dies ------------------------------------------------------

check "mounted again" host mount -t aoe "$ID" "$MNT" -o interface=eth0
for pid in $(background); do
    kill -KILL "$pid"
done
check "a server that is killed: reading fails" not cat "$MNT/large"
check "... umount still works" umount "$MNT"
check "... and takes the loop device with it" eventually all_gone
check "... and the disk can be mounted again" \
    host mount -t aoe "$ID" "$MNT" -o interface=eth0
check "every file is the same" same

# ---- a disk that has grown ---------------------------------------------------

LOOP=$(device | awk '{ print $1 }')
grown() {
    losetup --set-capacity "$LOOP" &&
        [ "$(cat "/sys/block/${LOOP##*/}/size")" = $((96 * 2048)) ]
}
stop target
truncate -s 96M "$DISK"
start target nas aoe-target "$SHELF" 2 eth0 "$DISK"
await target "$ID: serving"
check "a disk that has grown: the loop device grows, too" eventually grown
CAPABILITIES=0x$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
if ((CAPABILITIES >> 24 & 1)); then
    check "... and so does the file system" resize2fs "$LOOP"
else
    skip_check "... and so does the file system" "needs CAP_SYS_RESOURCE"
fi
check "every file is the same" same
unmounted_whole "the end"
stop target
