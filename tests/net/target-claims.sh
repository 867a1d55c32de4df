#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What else uses a disk, and what a target does about it: mounted devices and
# partitions, files behind loop devices, other targets on the whole or a part.

. "$(dirname "$0")/../lib/net.sh"
need losetup=util-linux addpart=util-linux mkfs.ext4=e2fsprogs
network 1500
cd "$TMP" || exit 1
mkdir dir bind
truncate -s 4M disk
truncate -s 4M image

# It must print one line that names the file, and exit.
refused() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    refuses 1 "^aoe-target: $pattern" nas timeout 20 aoe-target --wait 0 "$@"
}
# It must serve.
served() { # ARGUMENTS...
    start "$1" nas aoe-target --wait 0 "${@:2}"
    seen "$1" 'serving'
}

# ---- files -------------------------------------------------------------------

served one 1 1 eth0 disk || fail "the first target"
check "the same file again is refused" refused "disk: another target exports it" \
    1 2 eth0 disk
check "also read-only" refused "disk: another target may write to it" \
    -r 1 2 eth0 disk
check "also a part of it" refused "disk: another target exports it" \
    -o 8 -l 8 1 2 eth0 disk
check "--force-address does not help" \
    refused "disk: another target exports it" --force-address 1 2 eth0 disk
check "--force says that it is now two options" \
    refuses 2 '--force-file .*--force-address' \
    nas aoe-target --wait 0 --force 1 2 eth0 disk
check "--force-file serves it, with a warning" served two --force-file 1 2 eth0 disk
check "... which says why" grep -q 'another target exports it .*--force-file' \
    "$(log_of two)"
stop two
stop one

check "read-only: the first" served one -r 1 1 eth0 disk
check "read-only: the second" served two -r 1 2 eth0 disk
check "a writer beside readers is refused" refused "disk: " 1 3 eth0 disk
stop one
stop two

check "a part" served one -l 1000 1 1 eth0 disk
check "the part behind it" served two -o 1000 1 2 eth0 disk
check "an overlapping part is refused" \
    refused "disk: another target exports it" -o 999 -l 2 1 3 eth0 disk
check "... and so is the whole, even read-only" \
    refused "disk: another target may write to it" -r 1 3 eth0 disk
stop one
check "when the part is free again, it can be served" served one -l 1000 1 1 eth0 disk
stop one
stop two

# ---- devices -----------------------------------------------------------------

loop=$(losetup --find --show image 2>/dev/null) ||
    skip "needs a loop device for the rest"
check "a file that is attached to a loop device is refused" \
    refused "image: attached to $loop" 1 1 eth0 image
addpart "$loop" 1 2048 6144 || fail "cannot make a partition"
part=${loop}p1
# A mount namespace that was created meanwhile has our mount in it, and the device is
# in use until that namespace ends.
at_exit eventually delpart "$loop" 1
at_exit umount dir
served_in_time() {
    local end=$((SECONDS + 20))
    until served "$@"; do
        finished "$1"
        [ "$SECONDS" -lt "$end" ] || return 1
    done
}
if [ ! -b "$part" ]; then # no udev here that makes nodes
    part=$TMP/part
    IFS=: read -r major minor <"/sys/block/${loop#/dev/}/${loop#/dev/}p1/dev"
    mknod "$part" b "$major" "$minor"
fi
mkfs.ext4 -q "$part"
mount "$part" dir || fail "cannot mount the partition"
check "a mounted partition is refused" refused "$part: mounted on $TMP/dir" \
    1 1 eth0 "$part"
check "a disk with a mounted partition is refused" \
    refused "$loop: a partition of it is mounted on $TMP/dir" 1 1 eth0 "$loop"
check "also read-only" refused "$loop: " -r 1 1 eth0 "$loop"
check "--force-file serves it" served one --force-file 1 1 eth0 "$loop"
stop one
umount dir

# Readers do not exclude each other.
check "the partition can be mounted read-only" mount -o ro "$part" dir
check "... and served read-only beside that" served one -r 1 1 eth0 "$part"
stop one
check "... and so can its disk" served one -r 1 1 eth0 "$loop"
stop one
check "... but not for writing" \
    refused "$part: mounted read-only on $TMP/dir" 1 1 eth0 "$part"
mount --bind dir bind || fail "cannot mount it again"
mount -o remount,rw "$part" dir || fail "cannot mount for writing"
check "nor where one mount is read-only and another is not" \
    refused "$part: mounted on " -r 1 1 eth0 "$part"
umount bind
mount -o remount,bind,ro dir
check "nor where only the mount is read-only and not the file system" \
    refused "$part: mounted on $TMP/dir" -r 1 1 eth0 "$part"
umount dir
truncate -s 4M sealed
sealed=$(losetup --find --show --read-only sealed) || fail "cannot attach read-only"
check "a file attached read-only is served read-only" served one -r 1 1 eth0 sealed
stop one
check "... but not for writing" \
    refused "sealed: attached read-only to $sealed" 1 1 eth0 sealed
let_go "$sealed"
check "when it is no longer mounted it is served" served_in_time one 1 1 eth0 "$part"
check "while it is served, it cannot be mounted" not mount "$part" dir
check "... nor served again" \
    refused "$part: in use by aoe-target \(pid ${PID[one]}\)" 1 2 eth0 "$part"
stop one
check "afterwards, it can be mounted" mount "$part" dir
umount dir

check "a part of a device" served one -l 1000 1 1 eth0 "$part"
check "the part behind it" served two -o 1000 1 2 eth0 "$part"
check "an overlapping part is refused" \
    refused "$part: another target exports it" -o 999 -l 2 1 3 eth0 "$part"
check "... and so is the whole" refused "$part: another target exports it" \
    1 3 eth0 "$part"
stop one
stop two
