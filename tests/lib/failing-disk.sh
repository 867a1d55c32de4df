# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Disks that fail where a test chooses, without a guest: a loop device over a
# file on a full tmpfs.  A hole punched into the file has no space to be
# written to.  Source it after net.sh:
#
#     failing_disk bad 16M               # sets $bad, the loop device
#     start target nas aoe-target 1 2 eth0 "$bad"
#     fail_at bad 65536 4096             # what is written there is lost
#     heal bad                           # and now no longer
#
# The writeback fails, not the write before it: pwrite(2) succeeds and
# fdatasync(2) returns EIO; with O_DIRECT pwrite(2) returns ENOSPC.  What was
# there before fail_at is gone from the medium and reads as zeroes, though the
# page cache of the device may still have it.  Reads do not fail.  Offsets and
# lengths are in bytes and whole pages (4096).

# The sparse file and the device over it are in $TMP/failing-NAME.
failing_dir() {
    echo "$TMP/failing-$1"
}

# failing_disk NAME SIZE: a disk of that size (in truncate's notation, in whole
# pages), healthy at first; its device is in the variable NAME.
failing_disk() {
    local name=$1 bytes dir loop
    dir=$(failing_dir "$name")
    mkdir "$dir" || fail "$name: cannot make $dir"
    bytes=$(numfmt --from=iec "$2") || fail "$name: not a size: $2"
    # Any slack does not matter: fail_at fills it.
    mount -t tmpfs -o "size=$((bytes + 65536))" failing "$dir" ||
        skip "cannot mount a tmpfs"
    at_exit umount -l "$dir"
    fallocate -l "$bytes" "$dir/disk" || fail "$name: no space for $bytes bytes"
    loop=$(losetup --find --show "$dir/disk") || skip "no free loop device"
    at_exit losetup --detach "$loop"
    printf -v "$name" %s "$loop"
}

# A write in progress may reallocate the page before the tmpfs is full again;
# then punching once more frees it.
failing_hole() {
    local disk blocks
    disk=$(failing_dir "$1")/disk
    fallocate --punch-hole -o "$2" -l "$3" "$disk" || return
    dd if=/dev/zero bs=4096 of="${disk%/*}/full" \
        oflag=append conv=notrunc 2>/dev/null # until it is full
    blocks=$(stat -c %b "$disk")
    fallocate --punch-hole -o "$2" -l "$3" "$disk" &&
        [ "$(stat -c %b "$disk")" = "$blocks" ]
}

# fail_at NAME OFFSET LENGTH: from now on no write reaches the medium there.
# It may be called again for other ranges.
fail_at() {
    eventually failing_hole "$@" || fail "$1: no hole at $2"
}

# heal NAME: the medium takes everything again.
heal() {
    rm -f "$(failing_dir "$1")/full"
}

# medium NAME OFFSET LENGTH: prints the bytes that are on the medium, bypassing
# the device's page cache.
medium() {
    dd if="$(failing_dir "$1")/disk" bs=4096 skip="$2" count="$3" \
        iflag=skip_bytes,count_bytes 2>/dev/null
}
