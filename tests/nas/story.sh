#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a small NAS is bought for: its init starts the targets at boot, and again
# when one is killed; a client finds the disk, makes a file system on it, copies.
# The power fails while clients write to disks served with -s, and all that was
# answered is on them.

# shellcheck disable=SC2034 # guest.sh uses it
GUEST_MACHINE=arm926
. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need mkfs.ext4=e2fsprogs e2fsck=e2fsprogs losetup=mount hdparm
NUMBERED=$ROOT/tests/lib/numbered.py
/usr/bin/python3 -c 'import nbd' 2>/dev/null || skip "needs python3-libnbd"
nas_needs 1500

truncate -s 24M "$TMP/files.img"
truncate -s 8M "$TMP/numbers.img"
for disk in files numbers; do
    nas_disk "$disk" "$TMP/$disk.img"
    GUEST_DEVICES+=(-device "$(machine_disk "$disk")")
done
GUEST_DEVICES+=(-action reboot=reset) # after the reset it boots
nas_inittab <<'END'
::respawn:/bin/aoe-target -s 1 2 eth0 /dev/vda
::respawn:/bin/aoe-target -s 1 3 eth0 /dev/vdb
END
nas_start 350 </dev/null

discovered() {
    host aoe discover -i eth0 --wait 1 >"$TMP/discovered" &&
        grep -q '^e1\.2 ' "$TMP/discovered" && grep -q '^e1\.3 ' "$TMP/discovered"
}
# Each looks first whether somebody else has the address, and the machine is slow.
check "init has started a target for each disk" in_a_minute discovered

# ---- a file system ---------------------------------------------------------------

FS=$TMP/fs
mkdir "$FS"
head -c 6M /dev/urandom >"$TMP/data"
mount_disks e1.2 --timeout 120
copy_files() {
    mkfs.ext4 -q "$LOOP" && mount "$LOOP" "$FS" && cp "$TMP/data" "$FS/data" &&
        umount "$FS" && e2fsck -fn "$LOOP" && mount "$LOOP" "$FS" &&
        cmp "$FS/data" "$TMP/data"
}
LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.2") || skip "no loop device"
check "a client makes a file system, copies and reads back" copy_files

# shellcheck disable=SC2016 # the guest expands it
check "the targets are killed" guest_does 'kill -9 $(pidof aoe-target)'
cp "$TMP/data" "$FS/again" && sync -f "$FS/again"
umount "$FS" || fail "no umount"
check "init starts them again, and the client goes on" e2fsck -fn "$LOOP"
check "hdparm -t reads" hdparm -t "$LOOP"
cat "$TMP/.check"
let_go "$LOOP"
check "all is unmounted" aoe-fuse umount "$MNT"
finished fuse

# ---- the power fails -------------------------------------------------------------

start bridge host aoe-nbd serve e1.3 -i eth0 --timeout 120 --unix "$TMP/sock"
await bridge serving
start numbers host "$NUMBERED" load "$TMP/record" "nbd+unix:///e1.3?socket=$TMP/sock"
await numbers '^flushed'
head -c 20M /dev/urandom >"$TMP/copied"
start copy host aoe copy "$TMP/copied" e1.2 --destructive --timeout 120 -i eth0
in_the_middle() {
    cmp -s -n 5000000 "$TMP/copied" "$TMP/files.img" && alive copy
}
check "the power fails in the middle of a copy" eventually in_the_middle
# What the guest has not given to its disks is lost: the images are what the
# machine finds when it comes up.
qmp stop || fail "the guest cannot be stopped"
cp "$TMP/record" "$TMP/record.then"
cp "$TMP/numbers.img" "$TMP/numbers.then"
mark guest
qmp system_reset || fail "no reset"
qmp cont || fail "it does not go on"
all_answered_is_there() {
    "$NUMBERED" verify "$TMP/record.then" "$TMP/numbers.then" >"$TMP/verified"
    cat "$TMP/verified"
    grep -x 'answered and not there: 0' "$TMP/verified"
}
check "all that was answered is there" all_answered_is_there
await guest '^guest: ready' 120
mark numbers
check "it boots, and the clients go on" seen numbers '^flushed' 60
check "the copy succeeds" finished copy 120
check "and is complete" cmp -n 20971520 "$TMP/copied" "$TMP/files.img"
stop numbers
check "nobody was told of a loss" \
    says '^ended: told 0 failed 0' cat "$(log_of numbers)"
stop bridge

nas_end
