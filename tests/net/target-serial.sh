#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk keeps its serial number as long as it is the same disk, wherever it is plugged
# in, and no other disk has it.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need aoeping=aoetools losetup=util-linux mkfs.ext4=e2fsprogs
network 1500

# serial SLOT FILE FLAGS...: what Debian's aoeping reads.
serial() {
    local slot=$1 file=$2
    shift 2
    start target nas aoe-target "$@" 1 "$slot" eth0 "$file"
    await target 'serving'
    host timeout 20 aoeping -s 5 -I 1 "$slot" eth0 >"$TMP/identity" 2>&1
    stop target
    sed -n 's/.*[Ss]erial.*\(aoe-[0-9a-f]*\).*/\1/p' "$TMP/identity" | head -n 1
}
same() {
    [ -n "$1" ] && is "$1" "$2"
}
# One line for each, no two alike and none empty.
all_differ() {
    printf '%s\n' "$@"
    [ "$(printf '%s\n' "$@" | grep -c '^aoe-')" = $# ] &&
        [ -z "$(printf '%s\n' "$@" | sort | uniq -d)" ]
}

truncate -s 2M "$TMP/disk" "$TMP/other"
first=$(serial 1 "$TMP/disk")
check "the same disk has the same number" same "$first" "$(serial 1 "$TMP/disk")"
ln "$TMP/disk" "$TMP/name"
check "... by another name" same "$first" "$(serial 1 "$TMP/name")"
check "... read-only" same "$first" "$(serial 1 "$TMP/disk" -r)"
check "another file, slot or part of the file has another" all_differ "$first" \
    "$(serial 1 "$TMP/other")" "$(serial 2 "$TMP/disk")" \
    "$(serial 1 "$TMP/disk" -o 8)"

loop() { # IMAGE: attaches it
    losetup --find --show "$1" || fail "no loop device"
}
device=$(loop "$TMP/disk")
first=$(serial 1 "$device")
let_go "$device"
taken=$(loop "$TMP/other") # most likely the same device
device=$(loop "$TMP/disk")
check "a loop device has the number of the file attached to it" \
    same "$first" "$(serial 1 "$device")"
check "... and not of the one before" all_differ "$first" "$(serial 1 "$taken")"
let_go "$device"
let_go "$taken"

# A file on a file system of its own, which may be another device after a reboot.
mkdir "$TMP/mnt"
moves() { # KIND
    local device before taken
    device=$(loop "$TMP/image")
    mount -o noatime "$device" "$TMP/mnt" || fail "cannot mount $1"
    truncate -s 1M "$TMP/mnt/disk"
    before=$(serial 1 "$TMP/mnt/disk")
    umount "$TMP/mnt"
    let_go "$device"
    taken=$(loop "$TMP/other")
    device=$(loop "$TMP/image")
    mount "$device" "$TMP/mnt" || fail "cannot mount $1 again"
    check "$1 on another device: the same number" \
        same "$before" "$(serial 1 "$TMP/mnt/disk")"
    umount "$TMP/mnt"
    let_go "$device"
    let_go "$taken"
}
truncate -s 16M "$TMP/image"
mkfs.ext4 -qF "$TMP/image"
moves ext4
if command -v mkfs.xfs >/dev/null && grep -qw xfs /proc/filesystems; then
    rm "$TMP/image"
    truncate -s 320M "$TMP/image"
    mkfs.xfs -q "$TMP/image"
    moves XFS
else
    skip_check "XFS on another device" "needs mkfs.xfs (package xfsprogs)"
fi
