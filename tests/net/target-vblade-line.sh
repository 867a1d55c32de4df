#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The line in a NAS's start script works with the name replaced: vblade's arguments and
# flags -b -d -l -m -o -r -s, one after the other, tested by hand with Debian's vblade
# and with our target alike.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade xxd losetup=util-linux
network 1500

# Sector n is full of the byte n.
for n in {0..255}; do
    head -c 512 /dev/zero | tr '\000' "\\$(printf %03o "$n")"
done >"$TMP/fresh"

PROGRAM=
# serve FLAGS...: starts $PROGRAM on a fresh copy of the disk.
serve() {
    cp "$TMP/fresh" "$TMP/disk"
    serve_file "$@" 1 2 eth0 "$TMP/disk"
}
serve_file() {
    start server nas "$PROGRAM" "$@"
    if [ "$PROGRAM" = vblade ]; then
        # It prints its line before it has its socket, and loses what arrives before
        # its filter is set; with -m it need not answer us at all.
        until nas grep -q 88a2 /proc/net/packet; do
            alive server || fail "vblade: ended: $(cat "$(log_of server)")"
        done
        answered >/dev/null || answered >/dev/null || answered >/dev/null
    else
        await server 'e1\.2: serving'
    fi
}
unserve() {
    if [ "$PROGRAM" = vblade ]; then
        end server
    else
        stop server
    fi
}
same() {
    cmp "$TMP/fresh" "$TMP/disk"
}
sector_of() { # FRAME: the value of its first data byte
    echo $((0x$(field "$1" 36 1)))
}

# The mask list: the count, and the addresses in order.
mask_list() {
    local answer count
    answer=$(ask 02 "00 00 00 00") || return
    count=$(field "$answer" 27 1)
    echo "$count" "$(field "$answer" 28 $((0x$count * 8)) | fold -w 16 |
        cut -c 5-16 | sort | tr '\n' ' ')"
}
opened_direct() {
    local fd
    for fd in "/proc/${PID[server]}/fd"/*; do
        [ "$(readlink "$fd")" = "$TMP/disk" ] || continue
        # O_DIRECT is 040000 on x86 and most others, 0200000 on ARM and PowerPC.
        grep -Eq '^flags:.*[4-7][0-7]{4}$|^flags:.*[2367][0-7]{5}$' "${fd/\/fd\///fdinfo/}" &&
            return
        cat "${fd/\/fd\///fdinfo/}"
    done
    return 1
}

for PROGRAM in vblade aoe-target; do
    serve
    answer=$(ask 01 "$QUERY")
    check "$PROGRAM 1 2 eth0 FILE: at least 16 buffers" \
        test $((0x$(field "$answer" 24 2))) -ge 16
    check "$PROGRAM: 2 sectors per frame at MTU 1500" is 02 "$(field "$answer" 28 1)"
    check "$PROGRAM: all 256 sectors" is 256 "$(sectors "$(identify)")"
    check "$PROGRAM: reads sector 255" is 255 "$(sector_of "$(read_sectors 255 1)")"
    check "$PROGRAM: beyond the end is IDNF" \
        is "41 10" "$(status "$(read_sectors 256 1)")"
    write_sectors 3 2 "aax1024" >/dev/null
    check "$PROGRAM: writes sectors 3 and 4" is "$(printf 'aa%.0s' {1..16})" \
        "$(xxd -p -s 1536 -l 1024 "$TMP/disk" | tr -d '\n' | cut -c 1-32)"
    unserve
    check "$PROGRAM: wrote nothing else" is 1024 \
        "$(cmp -l "$TMP/fresh" "$TMP/disk" | wc -l)"

    serve -b 5
    check "$PROGRAM -b 5" is 0005 "$(field "$(ask 01 "$QUERY")" 24 2)"
    unserve

    serve -o 100
    check "$PROGRAM -o 100: the size" is 156 "$(sectors "$(identify)")"
    check "$PROGRAM -o 100: sector 0 is the file's 100" \
        is 100 "$(sector_of "$(read_sectors 0 1)")"
    unserve

    serve -o 0x10 -l 0x20
    check "$PROGRAM -o 0x10 -l 0x20: the size" is 32 "$(sectors "$(identify)")"
    check "$PROGRAM -o 0x10 -l 0x20: the last sector" \
        is 47 "$(sector_of "$(read_sectors 31 1)")"
    check "$PROGRAM -o 0x10 -l 0x20: nothing after it" \
        is "41 10" "$(status "$(read_sectors 32 1)")"
    write_sectors 31 2 "aax1024" >/dev/null
    unserve
    check "$PROGRAM -l: a write across the end changes nothing outside" \
        cmp <(tail -c +$((48 * 512 + 1)) "$TMP/fresh") \
        <(tail -c +$((48 * 512 + 1)) "$TMP/disk")

    serve -r
    check "$PROGRAM -r: reads" is 7 "$(sector_of "$(read_sectors 7 1)")"
    check "$PROGRAM -r: a write is aborted" \
        is "41 04" "$(status "$(write_sectors 7 1 "aax512")")"
    unserve
    check "$PROGRAM -r: the file is as it was" same

    serve -s
    write_sectors 9 1 "aax512" >/dev/null
    check "$PROGRAM -s: the write is there" is 170 \
        $((0x$(xxd -p -s $((9 * 512)) -l 1 "$TMP/disk")))
    unserve

    if dd if="$TMP/fresh" of=/dev/null bs=4096 iflag=direct status=none 2>/dev/null; then
        serve -d
        check "$PROGRAM -d: the file is open with O_DIRECT" opened_direct
        check "$PROGRAM -d: reads one sector" \
            is 7 "$(sector_of "$(read_sectors 7 1)")"
        write_sectors 9 2 "aax1024" >/dev/null
        check "$PROGRAM -d: the write is there" is 170 \
            $((0x$(xxd -p -s $((10 * 512 + 511)) -l 1 "$TMP/disk")))
        unserve
        check "$PROGRAM -d: wrote nothing else" is 1024 \
            "$(cmp -l "$TMP/fresh" "$TMP/disk" | wc -l)"
    else
        skip_check "$PROGRAM -d" "no direct I/O on the file system of $TMP"
    fi

    serve -m "$HOST_MAC"
    check "$PROGRAM -m MAC: it is answered" \
        is 00 "$(field "$(ask 01 "$QUERY")" 15 1)"
    check "$PROGRAM -m MAC: the mask list has it" \
        is "01 ${HOST_MAC//:/} " "$(mask_list)"
    unserve
    serve -m 02A0E0000001,02:00:00:00:00:77
    check "$PROGRAM -m: two, with and without colons, in either case" \
        is "02 020000000077 02a0e0000001 " "$(mask_list)"
    unserve
    serve -m 02:00:00:00:00:77
    check "$PROGRAM -m: a client that is not on the list is not answered" \
        not answered
    unserve

    serve -rb 4 -o 8 -l 16
    check "$PROGRAM -rb 4 -o 8 -l 16" \
        is "0004 16 8" "$(field "$(ask 01 "$QUERY")" 24 2) $(sectors "$(identify)") $(sector_of "$(read_sectors 0 1)")"
    unserve

    cp "$TMP/fresh" "$TMP/disk"
    if loop=$(losetup --find --show "$TMP/disk" 2>/dev/null); then
        serve_file 1 2 eth0 "$loop"
        check "$PROGRAM on a block device: the size" \
            is 256 "$(sectors "$(identify)")"
        write_sectors 3 2 "aax1024" >/dev/null
        check "$PROGRAM on a block device: reads what was written" \
            is 170 "$(sector_of "$(read_sectors 4 1)")"
        unserve
        let_go "$loop"
    else
        skip_check "$PROGRAM on a block device" "no loop device available"
    fi
done

# What only ours promises: the write cache is reported as it is.
PROGRAM=aoe-target
serve
check "IDENTIFY: the write cache is on" \
    is 32 $((0x$(word "$(identify)" 85) & 32))
unserve
serve -s
check "IDENTIFY with -s: it is off" is 0 $((0x$(word "$(identify)" 85) & 32))
unserve
