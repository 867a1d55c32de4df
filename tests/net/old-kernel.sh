#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The static programs under kernels as old as Linux 2.6.17: a filter answers
# system calls as those would have (tests/helpers/oldkernel.c).  A disk is
# discovered, written, flushed, read and reloaded; every byte is compared.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need musl-gcc=musl-tools make xxd jq nbdcopy=libnbd-bin strace
[ "$(uname -m)" = x86_64 ] || skip "oldkernel knows 2.6.17's calls of x86-64, i386 and ARM"
network 1500
cd "$TMP" || exit

OLD=$TMP/build
built() { # on its own, whatever make this one was started by
    env -u MAKEFLAGS -u MAKELEVEL -u SAN make -C "$ROOT" -j2 STATIC=1 CC=musl-gcc \
        LTO= CFLAGS=-O1 BUILD="$OLD" all
}
check "the programs are built with musl" built || exit 1
"$HELPERS/oldkernel" 3.2 "$OLD/aoe-target" --version >/dev/null 2>trouble ||
    skip "a seccomp filter cannot be had here: $(head -n 1 trouble)"

SIZE=$((3 << 20))
head -c $SIZE /dev/urandom >random
old() { # nas|host COMMAND...
    local where=$1 program=$2
    shift 2
    "$where" oldkernel "$KERNEL" "$OLD/$program" "$@"
}
section() { # SLOT FILE [LINE...]
    printf '[e1.%s]\nfile = %s\ninterfaces = eth0\n' "$1" "$2"
    shift 2
    printf '%s\n' "$@"
}
found() { # FILTER
    old host aoe discover -i eth0 --wait 0.3 --json >answer && jq -e "$1" answer
}
copied() { # SLOT FILE: onto the disk, and back
    rm -f back
    old host aoe copy -q -i eth0 random "e1.$1" --destructive &&
        cmp random "$2" && old host aoe copy -q -i eth0 "e1.$1" back &&
        cmp random back
}
flushed() { # SLOT
    local DISK
    DISK=$(printf '0001 %02x' "$1")
    is "40 00" "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
}
through_nbd() {
    start bridge host oldkernel "$KERNEL" "$OLD/aoe-nbd" serve e1.2 -i eth0 --unix socket
    seen bridge 'socket' && nbdcopy 'nbd+unix:///?socket=socket' - | cmp - random &&
        nbdcopy --flush random 'nbd+unix:///?socket=socket' && cmp random disk2
    local status=$?
    stop bridge
    return $status
}
# Until 2.6.38 a hole that is asked for is allocated, and keeps its data.
trims_are_true() {
    local DISK="0001 02" supported
    supported=$((0x$(word "$(identify)" 169) & 1))
    echo "trim: $supported"
    if [ "$KERNEL" = 3.2 ]; then
        [ "$supported" = 1 ]
    else
        [ "$supported" = 0 ]
    fi
}
keeps_state() {
    local DISK="0001 02"
    ask 01 "$(config 4 "$KERNEL")" >/dev/null
    eventually grep -rq "^config $(printf %s "$KERNEL" | xxd -p)" "state-$KERNEL"
}

kernel() { # VERSION
    KERNEL=$1
    truncate -s 0 disk{2..5}
    truncate -s $SIZE disk{2..5}
    {
        section 2 disk2
        section 3 disk3 'direct = yes'
        section 4 disk4 'sync = yes'
    } >conf
    mkdir "state-$KERNEL"
    chown nobody "state-$KERNEL" disk5
    start target nas oldkernel "$KERNEL" "$OLD/aoe-target" --config conf \
        --control control --state-dir "state-$KERNEL" --user nobody
    await target 'e1\.4: serving'
    check "$KERNEL: all disks are found" \
        found '[.[].disk] == ["e1.2", "e1.3", "e1.4"]'
    check "... written and read" copied 2 disk2
    check "... flushed" flushed 2
    check "... with direct I/O" copied 3 disk3
    check "... flushed" flushed 3
    check "... every write by itself" copied 4 disk4
    check "... through NBD" through_nbd
    check "... what is trimmed is zero, or cannot be trimmed" trims_are_true
    check "... a config string is kept" keeps_state
    check "... no error was told" not grep -iE 'error|invalid|implemented' "$(log_of target)"
    section 5 disk5 >>conf
    kill -HUP "${PID[target]}"
    check "... SIGHUP brings a disk" seen target 'e1\.5: serving'
    check "... which is written and read" copied 5 disk5
    check "... ctl: exports" says 'e1\.5' old nas aoe-target ctl --control control exports
    stop target
    check "... SIGTERM ends it in order" grep -rq '^aoe-boot 1 s ' "state-$KERNEL"
}

for version in 2.6.17 2.6.24 2.6.32 3.2; do
    kernel "$version"
done

# ---- what is missing without a word ------------------------------------------

KERNEL=2.6.17
# Until 2.6.23, openat(2) ignores O_CLOEXEC.
closes_on_exec() {
    local descriptor
    descriptor=$(sed -n 's/.*openat([^,]*, "e1\.2[^"]*\.boot".* = \([0-9]*\)$/\1/p' calls)
    grep -E '\.boot|F_SETFD' calls
    [ -n "$descriptor" ] &&
        sed '1,/\.boot".* = [0-9]*$/d' calls |
        grep -q "fcntl($descriptor, F_SETFD, FD_CLOEXEC)"
}
mkdir state
start target nas strace -D -f -e trace=openat,fcntl -o calls \
    oldkernel $KERNEL "$OLD/aoe-target" --state-dir state 1 2 eth0 disk2
await target 'e1\.2: serving'
check "what is opened closes on exec, whatever the kernel does" closes_on_exec
stop target

# Until 2.6.27, sysfs does not list devices by their numbers.
if ! LOOP=$(losetup --show -f disk3 2>trouble); then
    skip_check "a device has its identity" "no loop device: $(head -n 1 trouble)"
    exit
fi
at_exit losetup -d "$LOOP"
serial() {
    start target nas oldkernel $KERNEL "$OLD/aoe-target" -r 1 2 eth0 "$LOOP"
    await target 'e1\.2: serving'
    found 'length == 1' >/dev/null && jq -r '.[0].serial' answer
    stop target
}
BEFORE=$(serial)
check "a device has a serial number" test -n "$BEFORE"
mount -t tmpfs none /sys/dev || fail "hiding /sys/dev"
check "... the same without /sys/dev" is "$BEFORE" "$(serial)"
