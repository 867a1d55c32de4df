#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a client writes is in the file, byte for byte, in each way in which the file can
# be used; and what it trims is freed.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd nbdcopy=libnbd-bin

head -c 8M /dev/urandom >"$TMP/image"
# serve_on FILE FLAGS...
serve_on() {
    local file=$1
    shift
    start target nas aoe-target "$@" 1 2 eth0 "$file"
    await target 'e1\.2: serving'
}
copies() {
    # shellcheck disable=SC2016 # $uri is aoe-nbd's
    host aoe-nbd serve e1.2 -i eth0 --run "nbdcopy --flush $1" >"$TMP/copy.log" 2>&1 ||
        { cat "$TMP/copy.log" && return 1; }
}
round_trip() { # FILE FLAGS...
    serve_on "$@"
    # shellcheck disable=SC2016
    copies "$TMP/image "'"$uri"' && cmp "$TMP/image" "$1" &&
        copies '"$uri" '"$TMP/back" && cmp "$TMP/image" "$TMP/back"
    local same=$?
    stop target
    return $same
}

network 9000
for mtu in 9000 1500; do
    nas ip link set eth0 mtu $mtu
    host ip link set eth0 mtu $mtu
    for flags in "" "-d" "-s" "-d -s"; do
        head -c 8M /dev/zero >"$TMP/disk"
        # shellcheck disable=SC2086 # a list of words
        check "MTU $mtu, flags \"$flags\": written and read" \
            round_trip "$TMP/disk" $flags
    done
done

if shm=$(mktemp -p /dev/shm aoekit-XXXXXX 2>/dev/null); then
    at_exit rm -f "$shm"
    truncate -s 8M "$shm"
    check "a file in memory" round_trip "$shm"
fi
truncate -s 8M "$TMP/disk"
for size in 512 4096; do
    if loop=$(losetup --find --show -b $size "$TMP/disk" 2>/dev/null); then
        at_exit losetup -d "$loop"
        check "a device with sectors of $size bytes" round_trip "$loop"
        check "... with direct I/O" round_trip "$loop" -d
        losetup -d "$loop"
    else
        skip_check "a device with sectors of $size bytes" "no loop device"
    fi
done

# ---- what IDENTIFY says of it ------------------------------------------------

cp "$TMP/image" "$TMP/disk"
serve_on "$TMP/disk"
page=$(identify)
check "it has a write cache, which is on" is "0020 0020" \
    "$(word "$page" 82) $(word "$page" 85)"
trim=$(word "$page" 169)
if [ "$trim" = 0001 ]; then
    before=$(stat -c %b "$TMP/disk")
    # One range: 4096 sectors from 1024 on.
    answer=$(ask 00 "$(ata 0x01 1 1 0x06 0) 0004 0000 0000 0010 00x504")
    check "DATA SET MANAGEMENT: trim" is "40 00" "$(status "$answer")"
    check "... frees the space" test "$(stat -c %b "$TMP/disk")" -lt "$before"
    check "... and reads zero" is 00000000 "$(field "$(read_sectors 1024 1)" 36 4)"
    check "... only there" cmp -n 524288 "$TMP/image" "$TMP/disk"
else
    skip_check "DATA SET MANAGEMENT" "this file system cannot punch holes"
fi
serial=$(field "$page" 56 20)
stop target
serve_on "$TMP/disk" -s
page=$(identify)
check "-s: the write cache is off" is 0000 "$(word "$page" 85)"
check "the serial number stays the same" is "$serial" "$(field "$page" 56 20)"
check "... and a client cannot switch the cache on" is "41 04" \
    "$(status "$(ask 00 "$(ata 0 2 0 0xef 0)")")"
stop target
serve_on "$TMP/image"
check "another file has another" not is "$serial" "$(field "$(identify)" 56 20)"
stop target
serve_on "$TMP/disk" -r
check "-r: nothing is trimmed" is 0000 "$(word "$(identify)" 169)"
check "-r: nothing is written" is "41 04" "$(status "$(write_sectors 0 1 aax512)")"
stop target
