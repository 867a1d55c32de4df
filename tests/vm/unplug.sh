#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk of the NAS (a guest) is pulled out under load and comes back, on three
# buses.  While it is gone, requests fail with a device fault and a reload says so; what
# was lost is reported; when it is back it is served again by itself; another disk in
# its place is refused and not changed.

. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
NUMBERED=$ROOT/tests/lib/numbered.py
/usr/bin/python3 -c 'import nbd' 2>/dev/null || skip "needs python3-libnbd"
nas_needs 9000

truncate -s 8M "$TMP/disk" "$TMP/other"
nas_disk one "$TMP/disk"
nas_disk two "$TMP/other"
GUEST_DEVICES+=(-device "virtio-scsi-pci,id=scsi" -device "qemu-xhci,id=usb")
nas_start 230 <<'END'
load virtio_blk virtio_scsi sd_mod xhci_pci usb-storage
# As udev would: /dev/slot is the disk that is there, whatever its name.
plugged() {
    name=$(ls /sys/block | grep -E '^(sd|vd)') && [ -b "/dev/$name" ] &&
        ln -sfn "/dev/$name" /dev/slot
}
unplugged() {
    ! ls /sys/block | grep -E '^(sd|vd)' && rm -f /dev/slot
}
CONTROL='--control /run/target.sock'
reload() {
    aoe-target ctl $CONTROL reload
}
END

# ---- in and out --------------------------------------------------------------

# plug_in NODE XX: a disk with these two digits in its name, on the bus of this
# round.
plug_in() {
    qmp device_add "{\"driver\": \"$DRIVER\", \"id\": \"plugged\", \"drive\": \"$1\",
        ${NAME/XX/$2}${BUS:+, \"bus\": \"$BUS\"}}" &&
        guest_does 'eventually plugged'
}
pull_out() {
    mark monitor
    qmp device_del '{"id": "plugged"}' &&
        seen monitor 'DEVICE_DELETED.*"plugged"' &&
        guest_does 'eventually unplugged'
}

# ---- what clients are told ---------------------------------------------------

# A device fault: no sector that could not be read, nor one beyond the end.
device_fault() {
    local answer
    answer=$(read_sectors "$1" 8)
    [ -n "$answer" ] || { echo "no answer" && return 1; }
    echo "registers: $(status "$answer")"
    [ $((0x$(field "$answer" 27 1) & 0x21)) = $((0x21)) ] &&
        [ $((0x$(field "$answer" 25 1) & 0x50)) = 0 ]
}
reads() {
    is "40 00" "$(status "$(read_sectors "$1" 8)")"
}
told() {
    sed -n 's/^flushed .* told \([0-9]*\)$/\1/p' "$(log_of load)" | tail -n 1
}
verify() {
    "$NUMBERED" verify "$TMP/record" "$TMP/disk"
}
begin() {
    serving --commit 0 --control /run/target.sock /dev/slot
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd.sock"
    await nbd 'serving'
    start load host "$NUMBERED" load "$TMP/record" \
        "nbd+unix:///e1.2?socket=$TMP/nbd.sock"
    await load '^flushed'
}
finish() {
    mark load
    check "$DRIVER: the load goes on" seen load '^flushed' 60
    stop load
    stop nbd
    guest_does served >/dev/null
    check "$DRIVER: what a flush covered is on the medium" verify
}

# ---- a disk on each bus ------------------------------------------------------

# bus DRIVER NAME [BUS]: NAME is the property that identifies the disk there.
bus() {
    DRIVER=$1 NAME=$2 BUS=${3:-}
    check "$DRIVER: a disk" plug_in one 11
    begin
    check "$DRIVER: it is pulled out under load" pull_out
    check "$DRIVER: a read is a device fault" device_fault 8000
    check "$DRIVER: a reload says that it is gone" reload_says 'is gone'
    mark guest
    check "$DRIVER: the same disk is plugged in again" plug_in one 11
}
comes_back() {
    check "$DRIVER: it is read again by itself" eventually reads 8000
}
# One without an identity could be any other.
comes_back_by_a_reload() {
    check "$DRIVER: the target says that it cannot identify it" \
        seen guest '^aoe-target: e1\.2: .*nothing tells whether' 30
    check "$DRIVER: nothing is served that may be another disk" device_fault 8000
    check "$DRIVER: a reload accepts it" guest_does reload
    check "$DRIVER: it is read again" eventually reads 8000
}
end_of_round() {
    check "$DRIVER: a reload succeeds" guest_does reload
    finish
    check "$DRIVER: the loss was reported" test "$(told)" -gt 0
    check "$DRIVER: it is pulled out again" pull_out
}

another() {
    check "$DRIVER: a disk" plug_in one 11
    begin
    check "$DRIVER: it is pulled out" pull_out
    mark guest
    cp "$TMP/other" "$TMP/other.before"
    check "$DRIVER: another one is plugged in" plug_in two 22
    check "$DRIVER: it is refused by name" \
        seen guest '^aoe-target: e1\.2: /dev/slot: another disk' 30
    check "$DRIVER: reads are a device fault" device_fault 8000
    check "$DRIVER: a reload says so, too" reload_says 'another disk'
    check "$DRIVER: it is pulled out" pull_out
    check "$DRIVER: the right one is plugged in" plug_in one 11
    comes_back
    finish
    check "$DRIVER: the other one is as it was" cmp "$TMP/other" "$TMP/other.before"
    check "$DRIVER: it is pulled out again" pull_out
}
# reload_says PATTERN: it fails, and the log says why.
reload_says() {
    mark guest
    ! guest_does reload && seen guest "^aoe-target: .*$1" 20
}

bus scsi-hd '"wwn": 57646075230342349XX' scsi.0 # NAA 5
comes_back
end_of_round
another
bus virtio-blk-pci '"serial": "XX"'
comes_back
end_of_round
bus virtio-blk-pci '"write-cache": "on"' # no name at all
comes_back_by_a_reload
end_of_round
bus usb-storage '"serial": "XX"' usb.0
comes_back
end_of_round
another
nas_end
