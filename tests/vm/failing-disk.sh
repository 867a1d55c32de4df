#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Disks that fail, made by the kernel of a guest (dm-flakey, dm-error,
# scsi_debug, md-faulty), under a target there, with its clients out here: a lost write
# is reported to each client that wrote, once; of several durable writes only the one
# that fails says so; a failed read says where; a file system becomes read-only where
# something was lost; and nothing is reported where nothing was.

. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/frames.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need xxd nbdsh=python3-libnbd mkfs.ext4=e2fsprogs losetup=mount
nbdsh=(env "PATH=/usr/bin:$PATH" nbdsh) # of several python3, the system's
"${nbdsh[@]}" -c pass >/dev/null 2>&1 ||
    skip "needs nbdsh to work (package python3-libnbd)"
nas_needs 9000
guest_program dmsetup mdadm

truncate -s 64M "$TMP/disk"
truncate -s 16M "$TMP/member"
nas_disk one "$TMP/disk"
nas_disk two "$TMP/member"
GUEST_DEVICES+=(-device "virtio-blk-pci,drive=one,serial=one"
    -device "virtio-blk-pci,drive=two,serial=two")
nas_start 230 <<'END'
export DM_DISABLE_UDEV=1
load virtio_blk dm-flakey sd_mod scsi_debug faulty
# /dev/mapper/bad is /dev/vda, or that with sectors 65536 to 73727 bad, or a device that
# fails every write and flush.
table() {
    case $1 in
    good) echo '0 131072 linear /dev/vda 0' ;;
    bad)
        printf '%s\n' '0 65536 linear /dev/vda 0' '65536 8192 error' \
            '73728 57344 linear /dev/vda 73728'
        ;;
    flaky) echo '0 131072 flakey /dev/vda 0 0 1 1 error_writes' ;;
    esac
}
# What is in the page cache stays there, for the new table.
becomes() {
    table "$1" | dmsetup load bad &&
        dmsetup suspend --noflush --nolockfs bad && dmsetup resume bad
}
table good | dmsetup create bad
scsi_disk() {
    ls /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*:*/block
}
END

becomes() {
    guest_does "becomes $1" || fail "the disk does not become $1"
}
# Writes back what is in the page cache, as any program there might.
guest_syncs() {
    guest_does 'blockdev --flushbufs /dev/mapper/bad'
}
GOOD=1000 BAD=65544 # sectors, of which only the second is on the bad part

# ---- three clients -----------------------------------------------------------

first() {
    "$@"
}
second() {
    local HOST_MAC=02:a0:e0:00:00:03
    "$@"
}
third() {
    local HOST_MAC=02:a0:e0:00:00:04
    "$@"
}
# Each request has a tag of its own: with the same one it would be a copy.
new() {
    local TAG
    TAG=$(printf '8%07x' $((SRANDOM & 0xfffffff)))
    ask 00 "$1"
}
flush() {
    new "$(ata 0 0 0 0xea 0)"
}
write() { # LBA BYTE
    new "$(ata 0x41 0 8 0x34 "$1") $2x4096"
}
write_fua() { # LBA BYTE
    new "$(ata 0x41 0 8 0x3d "$1") $2x4096"
}
read_at() { # LBA COUNT
    new "$(ata 0x40 0 "$2" 0x24 "$1")"
}

# accepted FRAME, failed FRAME: whether it has the error bit.
accepted() {
    is "40 00" "$(status "$1")"
}
failed() {
    echo "got \"$(status "$1")\""
    [ -n "$1" ] && [ $((0x$(field "$1" 27 1) & 1)) = 1 ]
}
# told CLIENT: a loss is reported to it once, and not again; spared CLIENT: never.
told() {
    failed "$($1 flush)" && accepted "$($1 flush)" && accepted "$($1 flush)"
}
spared() {
    accepted "$($1 flush)"
}
# on_medium LBA BYTE [IMAGE]: 4096 of them.
on_medium() {
    is "$2" "$(xxd -p -c 1 -s $(($1 * 512)) -l 4096 "${3:-$TMP/disk}" |
        sort -u | tr -d '\n')"
}
both_write() { # BYTE: the first one on the bad part
    accepted "$(first write $BAD "$1")" &&
        accepted "$(second write $GOOD "$1")" &&
        accepted "$(third read_at $GOOD 8)"
}
flushed_to() { # BYTE
    spared first && spared second && on_medium $BAD "$1" && on_medium $GOOD "$1"
}

# ---- the cache is lost -------------------------------------------------------

serving --commit 0 /dev/mapper/bad
check "a good disk: two clients write" both_write 11
check "... and flush, and it is on the medium" flushed_to 11

# loss KIND WHAT COMMAND...: two clients write, the disk fails, COMMAND.
loss() {
    local kind=$1 what=$2
    shift 2
    check "$what: two clients write" both_write 22
    becomes "$kind"
    "$@" >"$TMP/found" || fail "$what: $(cat "$TMP/found")"
    becomes good
    check "... the client whose data it was is told, once" told first
    check "... so is the other client that wrote, once" told second
    check "... a client that only read is not" spared third
    check "... both write again" both_write 33
    check "... which is flushed, and on the medium" flushed_to 33
}
loss flaky "a flush that fails finds it (dm-flakey)" third flush
loss bad "a flush that writes finds it (dm-error)" third flush
loss bad "somebody else's sync finds it" guest_syncs

# A durable write must not take the error from the others.
check "two clients write" both_write 44
becomes bad
guest_syncs
durable=$(first write_fua $((GOOD + 64)) 44)
becomes good
durable_or_flush() {
    if failed "$durable"; then spared first; else told first; fi
}
check "... a FUA write elsewhere, or the flush after it, reports the loss" \
    durable_or_flush
check "... to the other client, too" told second
check "... a client that only read is not" spared third
becomes bad
check "a FUA write on the bad part fails" failed "$(first write_fua $BAD 55)"
becomes good
first flush >/dev/null
guest_does served

# The target's own commit finds it, which is logged once a minute.
commit_fails() {
    mark guest
    # What was written before may have been committed.
    second write $((GOOD + 8)) 66
    first write $((BAD + 8)) 66
    await guest '^aoe-target: e1\.2: .*Input/output error'
    guest_syncs # that commit may have come before the second write
}
commit_fails_and_reload() {
    commit_fails
    guest_does 'aoe-target ctl --control /run/target.sock reload'
}
for found in commit_fails commit_fails_and_reload; do
    serving --commit 0.2 --control /run/target.sock /dev/mapper/bad
    loss flaky "${found//_/ }" "$found"
    guest_does served
done

# ---- -s ----------------------------------------------------------------------

# Fourteen good writes and a bad one, the Nth, at once: tags and status.
at_once() { # N BYTE
    local n
    round=$((round + 1))
    for n in {1..15}; do
        TAG=$(printf '8%03x%04x' "$round" "$n") frame 00 "$(ata 0x41 0 8 0x34 \
            $((n == $1 ? BAD : GOOD + 8 * n))) $2x4096"
    done | host rawframe -p -n 15 eth0 | cut -c 41-48,55-56
}
only_the_bad_one() { # BYTE
    local i
    for i in {1..15}; do
        at_once "$i" "$1" >"$TMP/answers"
        is "$(printf '%04x' "$i")" \
            "$(grep -v '40$' "$TMP/answers" | cut -c 5-8)" || return
        is 14 "$(grep -c '40$' "$TMP/answers")" || return
    done
    on_medium $((GOOD + 8)) "$1"
}
byte=70 round=0
for options in -s '-s -d'; do
    # shellcheck disable=SC2086 # words
    serving $options /dev/mapper/bad
    becomes bad
    byte=$((byte + 1))
    check "$options: of fifteen writes at once the bad one fails" \
        only_the_bad_one "$byte"
    becomes good
    guest_does served
done

# ---- reads -------------------------------------------------------------------

# uncorrectable LBA COUNT: UNC, from a sector of the first bad page on.
uncorrectable() {
    local answer lba
    answer=$(read_at "$1" "$2")
    is "41 40" "$(status "$answer")" || return
    lba=$((0x$(field "$answer" 30 1)$(field "$answer" 29 1)$(field "$answer" 28 1)))
    [ $((lba / 8)) = $((FIRST_BAD / 8)) ] || { echo "at $lba" && return 1; }
}
serving --commit 0 /dev/mapper/bad
FIRST_BAD=65536
becomes bad
guest_does 'echo 3 >/proc/sys/vm/drop_caches'
check "a read of bad sectors is UNC" uncorrectable 65536 2
check "... so is one that begins before them" uncorrectable 65535 2
check "... beside them it works" accepted "$(read_at 65534 2)"
check "... no flush fails for it" spared first
becomes good
check "... when the disk is good again, reading works" accepted "$(read_at 65536 2)"
guest_does served

# ---- a SCSI disk, an array ---------------------------------------------------

guest_does 'echo 2 >/sys/module/scsi_debug/parameters/opts'
guest_does 'eventually scsi_disk >/dev/null 2>&1; scsi_disk' >"$TMP/sd" ||
    fail "no SCSI disk: $(cat "$TMP/sd")"
sd=/dev/$(cat "$TMP/sd")
serving --commit 0 "$sd"
FIRST_BAD=$((0x1234)) # the driver's own choice, and the nine after it
check "a SCSI disk's medium error is UNC" uncorrectable $((0x1234)) 2
check "... before it, reading works" accepted "$(read_at $((0x1228)) 2)"
check "... and so does writing elsewhere" accepted "$(first write 4000 77)"
check "... and flushing" spared first
check "... a client writes" accepted "$(first write 4096 78)"
guest_does 'echo 1 >/sys/module/scsi_debug/parameters/wp'
guest_does "blockdev --flushbufs $sd"
guest_does 'echo 0 >/sys/module/scsi_debug/parameters/wp'
check "... when the disk accepts no write, its flush fails, once" told first
guest_does served

faulty() { # LAYOUT
    guest_does "mdadm --grow /dev/md0 --level=faulty --layout=$1" >/dev/null ||
        fail "md-faulty: no $1"
}
guest_does 'mdadm -q --build /dev/md0 --level=faulty --raid-devices=1 /dev/vdb'
serving --commit 0 /dev/md0
check "md-faulty: a client writes" accepted "$(first write $GOOD 88)"
faulty wp1
guest_does 'blockdev --flushbufs /dev/md0'
faulty clear
faulty flush
check "... its flush fails, once" told first
check "... it writes again" accepted "$(first write $GOOD 89)"
check "... and flushes" spared first
check "... and it is on the medium" \
    on_medium $GOOD 89 "$TMP/member"
guest_does served
guest_does 'mdadm -q --stop /dev/md0'

# ---- through the bridges -----------------------------------------------------

serving --commit 0 /dev/mapper/bad
NBD="nbd+unix:///e1.2?socket=$TMP/nbd.sock"
nbd_serve() {
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd.sock" "$@"
    await nbd '^aoe-nbd: e1\.2: serving'
}
# beside COMMAND...: it writes, says so through the gate, and is told through it when
# what was written is lost and the disk is good again.
beside() {
    local pid
    rm -f "$TMP/gate"
    mkfifo "$TMP/gate" || return
    "$@" &
    pid=$!
    timeout 20 cat "$TMP/gate"
    becomes bad
    guest_syncs
    becomes good
    timeout 20 tee "$TMP/gate" <<<"go on"
    wait "$pid"
}
both_connections() {
    NBD=$NBD GATE=$TMP/gate "${nbdsh[@]}" -c - <<'END'
import os, sys
a, b, reader = nbd.NBD(), nbd.NBD(), nbd.NBD()
for c in a, b, reader:
    c.connect_uri(os.environ["NBD"])
a.pwrite(b"a" * 4096, 65544 * 512)
b.pwrite(b"b" * 4096, 1000 * 512)
reader.pread(4096, 0)
open(os.environ["GATE"], "w").write("written\n")
open(os.environ["GATE"]).read()

def failures(c):
    n = 0
    for i in range(3):
        try:
            c.flush()
        except nbd.Error as e:
            assert e.errno == "EIO", e.errno
            n += 1
    return n

# A client may have many connections and flush by any of them.
told = [failures(c) for c in (a, b, reader)]
assert told[:2] == [1, 1] and told[2] <= 1, told
END
}
nbd_serve
check "NBD: two connections that wrote are told once each" \
    beside both_connections
stop nbd

# The first flush may fail; the one that succeeds has put it on the medium.
replayed() {
    NBD=$NBD GATE=$TMP/gate "${nbdsh[@]}" -c - <<'END'
import os, sys
c = nbd.NBD()
c.connect_uri(os.environ["NBD"])
c.pwrite(b"\x99" * 4096, 65544 * 512)
open(os.environ["GATE"], "w").write("written\n")
open(os.environ["GATE"]).read()
for i in range(3):
    try:
        c.flush()
        break
    except nbd.Error as e:
        assert e.errno == "EIO", e.errno
else:
    sys.exit("no flush succeeds")
END
}
nbd_serve --replay 16
check "NBD with --replay: a flush succeeds after a loss" beside replayed
check "... and the data is on the medium" on_medium $BAD 99
stop nbd

# ---- ext4 --------------------------------------------------------------------

FS=$TMP/fs
mkdir "$FS"
FILE=$FS/file
make_fs() {
    mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$LOOP" &&
        mount -o errors=remount-ro "$LOOP" "$FS" &&
        dd if=/dev/zero of="$FILE" bs=64k count=16 conv=fsync status=none
}
# Written and answered, but not flushed yet.
overwrite() {
    tr '\0' x </dev/zero |
        dd of="$FILE" bs=64k count=16 iflag=fullblock oflag=direct conv=notrunc \
            status=none
}
# It is lost, and another client that wrote is told first.
lose() {
    second write 131000 aa >/dev/null
    becomes flaky
    failed "$(second flush)"
    becomes good
}
new_file() {
    echo new | dd of="$FS/new" conv=fsync status=none
}
read_only() {
    not touch "$FS/after" && not new_file && grep " $FS ext4 " /proc/mounts
}
end_fs() {
    umount "$FS"
    let_go "$LOOP"
    host aoe-fuse umount "$MNT"
    check "... aoe-fuse ends" unmounted
}
mount_fs() { # OPTION...
    mount_disks e1.2 "$@"
    LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.2") ||
        skip "no loop device available"
    check "ext4 ${*:-without replay}: a file" make_fs
    check "... is overwritten" overwrite
    check "... which is lost, and reported to another client" lose
}
mount_fs
check "... ext4 is told, too" not new_file
check "... and is read-only" read_only
end_fs

mount_fs --replay 64
check "... ext4 continues, since the data is written again" new_file
end_fs
guest_does served
is_all_x() {
    debugfs -R "dump /file $TMP/dump" "$TMP/disk" && is x "$(tr -s x <"$TMP/dump")"
}
check "... and it is on the medium" is_all_x
nas_end
