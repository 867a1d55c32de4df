#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-target is small enough for the machines it is made for: one static file below 400
# KiB, and a peak of less than 4 MiB of memory while it serves, even with 16 disks.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need musl-gcc=musl-tools make readelf=binutils xxd
network 1500

# Independent of the make that started this test.
built() { # BUILD [VARIABLE=VALUE]...
    local where=$1
    shift
    env -u MAKEFLAGS -u MAKELEVEL -u SAN -u CFLAGS make -C "$ROOT" -j2 \
        target BUILD="$where" "$@"
}
peak() {
    awk '$1 == "VmHWM:" { print $2 }' "/proc/${PID[target]}/status"
}
SMALL=$TMP/build/aoe-target
needs_nothing() {
    ! readelf -l "$SMALL" | grep -q INTERP
}
stripped() {
    ! readelf -S "$SMALL" | grep -q '\.symtab'
}
below() { # WHAT LIMIT VALUE
    echo "$1: $3"
    [ "$3" -lt "$2" ]
}

check "it is built with musl" built "$TMP/build" STATIC=1 CC=musl-gcc || exit 1
check "it is one static file" needs_nothing
check "it is stripped" stripped
SIZE=$(stat -c %s "$SMALL")
check "it is smaller than 400 KiB ($SIZE bytes)" below bytes $((400 * 1024)) "$SIZE"

head -c 1048576 /dev/zero >"$TMP/disk"
start target nas "$SMALL" -b 64 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
for i in {1..64}; do
    frame 00 "$(ata 0x40 0 2 0x24 $((i * 2)))"
done | host rawframe -p -n 64 eth0 >"$TMP/answers"
check "it serves 64 requests at a time" test "$(wc -l <"$TMP/answers")" = 64
PEAK=$(peak)
check "its memory is below 4 MiB ($PEAK KiB)" below KiB 4096 "$PEAK"
stop target

printf '[defaults]\ninterfaces = eth0\nbuffer-count = 64\n' >"$TMP/conf"
for n in {1..16}; do
    cp "$TMP/disk" "$TMP/disk$n"
    printf '[e1.%d]\nfile = %s\n' "$n" "$TMP/disk$n"
done >>"$TMP/conf"
start target nas "$SMALL" --config "$TMP/conf"
await target 'e1\.16: serving'
for n in {1..16}; do
    DISK=$(printf '0001 %02x' "$n")
    for i in {1..64}; do
        frame 00 "$(ata 0x40 0 2 0x24 $((i * 2)))"
    done | host rawframe -p -n 64 eth0
done >"$TMP/answers"
check "16 disks serve" test "$(wc -l <"$TMP/answers")" = 1024
PEAK=$(peak)
check "their memory is below 4 MiB ($PEAK KiB)" below KiB 4096 "$PEAK"
stop target
