#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk of the NAS (a guest) that is named by its serial number: pulled out, it
# comes back under another letter and is served again without a word from
# anybody, while a disk that has got its old letter is never touched.

. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
nas_needs 1500

head -c 8M /dev/urandom >"$TMP/disk"
head -c 8M /dev/urandom >"$TMP/other"
cp "$TMP/other" "$TMP/other.before"
nas_disk one "$TMP/disk"
nas_disk two "$TMP/other"
truncate -s 8M "$TMP/ide"
nas_disk ide "$TMP/ide"
GUEST_DEVICES+=(-device "virtio-scsi-pci,id=scsi" -device "ide-hd,drive=ide,serial=WD-8")
nas_start 150 <<'END'
load virtio_blk virtio_scsi sd_mod
# disks HOW-MANY
disks() {
    [ "$(ls /sys/block | grep -cE '^(sd|vd)')" = "$1" ]
}
letters() {
    ls /sys/block | grep -E '^(sd|vd)'
}
END

# plug_in NODE SERIAL HOW-MANY: a disk on the bus of this round; so many are
# there then.
plug_in() {
    qmp device_add "{\"driver\": \"$DRIVER\", \"id\": \"$1\", \"drive\": \"$1\",
        \"serial\": \"$2\"${BUS:+, \"bus\": \"$BUS\"}}" &&
        guest_does "eventually disks $3"
}
pull_out() { # NODE HOW-MANY
    mark monitor
    qmp device_del "{\"id\": \"$1\"}" &&
        seen monitor "DEVICE_DELETED.*\"$1\"" &&
        guest_does "eventually disks $2"
}
# What a client reads at sector 8000 is what the image has there.
reads_it() {
    local answer
    answer=$(read_sectors 8000 2)
    is "40 00" "$(status "$answer")" &&
        is "$(xxd -p -s $((8000 * 512)) -l 1024 "$TMP/disk" | tr -d '\n')" \
            "$(field "$answer" 36 1024)"
}
device_fault() {
    local answer
    answer=$(read_sectors 8000 2)
    [ -n "$answer" ] && [ $((0x$(field "$answer" 27 1) & 0x21)) = $((0x21)) ]
}
untouched() {
    cmp "$TMP/other" "$TMP/other.before"
}

# bus DRIVER [BUS]
bus() {
    DRIVER=$1 BUS=${2:-}
    check "$DRIVER: a disk" plug_in one WD-7 1
    serving --commit 0 serial:WD-7
    check "$DRIVER: is served by its serial number" reads_it

    # While nobody asks for anything.
    mark guest
    check "$DRIVER: it is pulled out" pull_out one 0
    check "$DRIVER: another one is plugged in" plug_in two WD-70 1
    check "$DRIVER: ... which is not it" device_fault
    check "$DRIVER: it is plugged in again" plug_in one WD-7 2
    check "$DRIVER: it is served again by itself" \
        seen guest '^aoe-target: e1\.2: serial:WD-7 is back and is served again' 30
    check "$DRIVER: ... and is the same" reads_it
    check "$DRIVER: a write to it" is "40 00" \
        "$(status "$(write_sectors 100 2 "5ax1024")")"
    check "$DRIVER: the other one is pulled out" pull_out two 1

    # Without a request meanwhile: the first one finds it.
    mark guest
    check "$DRIVER: out again" pull_out one 0
    check "$DRIVER: in again" plug_in one WD-7 1
    check "$DRIVER: it is served again though nobody asked" \
        seen guest '^aoe-target: e1\.2: serial:WD-7 is back and is served again' 30
    check "$DRIVER: no request fails" reads_it
    guest_does served >/dev/null
    check "$DRIVER: what was written is there" is "$(printf '5a%.0s' {1..16})" \
        "$(xxd -p -s $((100 * 512)) -l 16 "$TMP/disk")"
    check "$DRIVER: the other disk is as it was" untouched
    check "$DRIVER: out" pull_out one 0
}

bus virtio-blk-pci
bus scsi-hd scsi.0

# What old kernels have no attribute for, the disk is asked.
hide_serial() {
    guest_does 'load ata_piix && eventually disks 1' &&
        guest_does 'mount --bind /dev/null /sys/block/sda/device/vpd_pg80'
}
check "a disk whose serial number sysfs does not have" hide_serial
mark guest
guest_does 'serve serial:WD-8'
check "... is served by it" seen guest '^aoe-target: e1\.2: serving serial:WD-8' 30
guest_does served >/dev/null
nas_end
