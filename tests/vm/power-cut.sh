#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The power of the NAS (a guest) is cut under load, again and again: what a flush had
# covered is on its disks each time, before anyone writes again.  Three
# disks at once: a client that writes and flushes, one with --replay, and ext4
# that fsyncs.  AOEKIT_CUTS says how often (5; make check-vm-long: 50).

. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need mkfs.ext4=e2fsprogs e2fsck=e2fsprogs debugfs=e2fsprogs losetup=mount
NUMBERED=$ROOT/tests/lib/numbered.py
/usr/bin/python3 -c 'import nbd' 2>/dev/null || skip "needs python3-libnbd"
CUTS=${AOEKIT_CUTS:-5}
nas_needs 9000

truncate -s 8M "$TMP/plain.img" "$TMP/replay.img"
truncate -s 128M "$TMP/ext4.img"
for disk in plain replay ext4; do
    nas_disk "$disk" "$TMP/$disk.img"
    GUEST_DEVICES+=(-device "virtio-blk-pci,drive=$disk,serial=$disk")
done
GUEST_DEVICES+=(-action reboot=reset) # after a power cut it boots again
# Nothing reaches the disks except by a flush.
nas_start $((100 + CUTS * 60)) <<'END'
load virtio_blk
serve_all() {
    for word in 2:vda 3:vdb 4:vdc; do
        printf '[e1.%s]\nfile = /dev/%s\ninterfaces = eth0\ncommit = 0\n' \
            "${word%:*}" "${word#*:}"
    done >/tmp/conf
    aoe-target --config /tmp/conf >/dev/ttyS1 2>&1 &
    target=$!
}
END
serve_all() {
    mark guest
    guest_does serve_all || fail "the guest serves no disk"
    await guest '^aoe-target: e1\.4: serving' 30
}

# ---- the clients -------------------------------------------------------------

# numbered NAME DISK [OPTION...]: a bridge, and a load through it.
numbered() {
    local name=$1 disk=$2
    shift 2
    start "nbd-$name" host aoe-nbd serve "$disk" -i eth0 --timeout 120 \
        --unix "$TMP/$name.sock" "$@"
    await "nbd-$name" 'serving'
    start "$name" host "$NUMBERED" load "$TMP/$name.record" \
        "nbd+unix:///$disk?socket=$TMP/$name.sock"
    await "$name" '^begun'
}

FS=$TMP/fs
mkdir "$FS" "$TMP/dumped"
: >"$TMP/synced"
# Each file is listed once it is synced.
files() {
    local n=0
    while [ ! -e "$TMP/enough" ]; do
        n=$((n + 1))
        head -c $((n % 17 * 4096 + 100)) /dev/urandom >"$TMP/file"
        dd if="$TMP/file" of="$FS/f$n" bs=16k conv=fsync status=none || return
        echo "$(sha256sum <"$TMP/file" | cut -d' ' -f1)  f$n" >>"$TMP/synced"
        rm -f "$FS/f$((n - 100))"
    done
}
mount_ext4() {
    mount_disks e1.4 --replay 64 --timeout 120
    LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.4") ||
        skip "no loop device available"
    # If the NAS does not come back, nothing must wait for it in the file system.
    at_exit kill -KILL "${PID[fuse]}"
    mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$LOOP" ||
        fail "cannot make the ext4"
    mount -o errors=remount-ro "$LOOP" "$FS" || fail "cannot mount the ext4"
}

# ---- the cuts ----------------------------------------------------------------

# What was synced is in the copy, once its journal has been replayed, and it is clean.
synced_is_there() {
    local copy=$TMP/copy
    tail -n 50 "$TMP/synced" >"$TMP/sums"
    cp --sparse=always "$TMP/ext4.img" "$copy" && journal_replayed "$copy" &&
        e2fsck -fn "$copy" || return
    rm -rf "$TMP/dumped"/*
    debugfs -R "rdump / $TMP/dumped" "$copy" >"$TMP/rdump" 2>&1
    (cd "$TMP/dumped" && sha256sum --quiet -c "$TMP/sums")
}
# e2fsck exits with 1 after repairs, and replaying the journal counts as one.
journal_replayed() {
    e2fsck -p -E journal_only "$1"
    [ $? -le 1 ]
}
under_load() {
    mark plain
    mark replay
    files_before=$(wc -l <"$TMP/synced")
    seen plain '^flushed' 60 && seen replay '^flushed' 60 &&
        eventually more_files
}
more_files() {
    [ "$(wc -l <"$TMP/synced")" -gt $((files_before + 3)) ]
}
lost=0
power_cut() {
    local n=$1 name
    check "cut $n: all three are under load" under_load
    mark guest
    qmp system_reset || fail "cannot reset the guest"
    await guest '^guest: ready' 120
    # No target runs: the clients wait, and the disks are as the cut left them.
    for name in plain replay; do
        check "cut $n: $name: what was flushed is there" \
            "$NUMBERED" verify "$TMP/$name.record" "$TMP/$name.img"
        ! grep -q 'not there: [1-9]' "$TMP/.check" || lost=$((lost + 1))
    done
    check "cut $n: ext4: what was synced is there, and the journal is sound" \
        synced_is_there
    serve_all
}

serve_all
numbered plain e1.2
numbered replay e1.3 --replay 16
mount_ext4
files &
FILES=$!
at_exit touch "$TMP/enough"
for ((n = 1; n <= CUTS; n++)); do
    power_cut "$n"
done
check "the cuts took what was not flushed" test "$lost" -gt 0
check "after the last one the load goes on" under_load

# ---- the end -----------------------------------------------------------------

stop plain
stop replay
told() {
    sed -n 's/^ended: told \([0-9]*\) failed .*/\1/p' "$(log_of "$1")"
}
check "no loss without a client that is told" test "$(told plain)" -gt 0
check "with --replay no loss is reported" \
    grep '^ended: told 0 failed 0' "$(log_of replay)"
touch "$TMP/enough"
check "ext4: no fsync has failed" wait "$FILES"
check "ext4: unmounted" umount "$FS"
let_go "$LOOP"
host aoe-fuse umount "$MNT"
check "aoe-fuse ends" unmounted
stop nbd-plain
stop nbd-replay
guest_does served
check "in the end: plain: what was flushed is there" \
    "$NUMBERED" verify "$TMP/plain.record" "$TMP/plain.img"
check "in the end: replay: everything is there" says 'not there: 0' \
    "$NUMBERED" verify "$TMP/replay.record" "$TMP/replay.img"
check "in the end: ext4 is clean" e2fsck -fn "$TMP/ext4.img"
check "in the end: ext4 has what was synced" synced_is_there
nas_end
