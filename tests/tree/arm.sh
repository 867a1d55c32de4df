#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-target for a NAS with a 32-bit ARM processor: the cross compiler builds one static
# file, which serves under QEMU's emulation of such a machine.  aoecfg of Debian's
# aoetools judges.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need arm-linux-gnueabi-gcc=gcc-arm-linux-gnueabi make readelf=binutils xxd
CC=arm-linux-gnueabi-gcc
cd "$TMP" || exit
echo 'int main(void) { return 0; }' >none.c
$CC -static -s -o none none.c 2>/dev/null ||
    skip "needs a C library for ARM (package libc6-dev-armel-cross)"
network 1500

SMALL=$TMP/build/aoe-target
built() { # independent of the make that started this test
    env -u MAKEFLAGS -u MAKELEVEL -u SAN -u CFLAGS make -C "$ROOT" -j2 \
        target BUILD="$TMP/build" STATIC=1 CC=$CC
}
of_machine() {
    readelf -h "$SMALL" | grep 'Machine: *ARM' && ! readelf -l "$SMALL" | grep -q INTERP
}
below() { # LIMIT VALUE
    echo "$2 bytes"
    [ "$2" -lt "$1" ]
}

check "it is built" built || exit 1
check "it is one static file for ARM" of_machine
# glibc is Debian's only C library for this machine, and an empty program with it is
# larger than 400 KiB already.
SIZE=$(($(stat -c %s "$SMALL") - $(stat -c %s none)))
check "it adds less than 400 KiB to an empty program ($SIZE bytes)" \
    below $((400 * 1024)) "$SIZE"

if ! command -v qemu-arm-static >/dev/null; then
    skip_check "it serves" "needs qemu-arm-static (package qemu-user-static)"
    exit
fi
truncate -s 5T disk 2>/dev/null || truncate -s 3G disk
SECTORS=$(($(stat -c %s disk) / 512))
start target nas qemu-arm-static "$SMALL" 1 2 eth0 disk
await target 'e1\.2: serving'
if command -v aoecfg >/dev/null; then
    aoecfg() {
        host timeout 10 aoecfg -t 5 "$@" 1 2 eth0 | head -n 1
    }
    check "aoecfg sets a config string" is small "$(aoecfg -c set -s small)"
    check "... and reads it" is small "$(aoecfg)"
else
    skip_check "aoecfg finds it" "needs aoecfg (package aoetools)"
fi
check "it has all sectors of a disk whose bytes 32 bits cannot count" \
    is $SECTORS "$(sectors "$(identify)")"
check "a write to the last sector" \
    is "40 00" "$(status "$(write_sectors $((SECTORS - 1)) 1 abcdx256)")"
check "... is in the file" is abcd "$(xxd -p -s $(((SECTORS - 1) * 512)) -l 2 disk)"
check "... and is read back" is abcd "$(field "$(read_sectors $((SECTORS - 1)) 1)" 36 2)"
check "FLUSH CACHE EXT succeeds" is "40 00" "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
for i in {1..16}; do
    frame 00 "$(ata 0x40 0 2 0x24 $((i * 2)))"
done | host rawframe -p -n 16 eth0 >answers
check "16 requests at a time are answered" is 16 "$(wc -l <answers)"
stop target
