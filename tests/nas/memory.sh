#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# How much memory the target with one disk has on a small NAS, an ARM926 with 32 MiB
# (or what GUEST_MACHINE says), with 16 requests in flight; and it goes on where a
# change of the MTU begins or ends the use of a receive ring.

GUEST_MACHINE=${GUEST_MACHINE:-arm926}
. "$(dirname "$0")/../lib/guest-nas.sh"
need jq
nas_needs 9000
# In memory: each request that waits for a disk has a thread, of 8 KiB.
nas_start 300 <<<'mkdir /tmpfs && mount -t tmpfs tmpfs /tmpfs &&
    dd if=/dev/zero of=/tmpfs/disk bs=1M count=4 2>/dev/null || echo "not ok - no disk"'

# KiB; at MTU 9000 the frames in flight alone may be 144.  The kernel of the ARMv7
# shares a ring of 448 KiB at MTU 1500.
case $GUEST_MACHINE in
arm926) LIMIT_1500=520 LIMIT_9000=640 RINGS=0 ;;
armv7) LIMIT_1500=1024 LIMIT_9000=1024 RINGS=1 ;;
esac

# process FILE: the target's, in the guest.
process() {
    # shellcheck disable=SC2016 # the guest expands it
    guest_does 'cat /proc/$target/'"$1"
}
# at BLOCK: it reads and writes.
at() {
    local way
    for way in --random "--write --destructive"; do
        # shellcheck disable=SC2086 # several words
        host aoe bench e1.2 -i eth0 --seconds 1 --depth 16 --block "$1" $way --json |
            jq -e '.operations_per_second > 0' || return
    done
}
resident() { # LIMIT
    local now
    now=$(process status | awk '$1 == "VmRSS:" { print $2 }')
    echo "$now KiB, at most $1"
    [ "$now" -le "$1" ]
}
has_rings() { # NUMBER
    process maps | grep -c 'socket:\[' | grep -qx "$1"
}
mtu() {
    mark guest
    host ip link set eth0 mtu "$1" && guest_does "ip link set eth0 mtu $1" &&
        await guest "MTU is $1"
}

guest_does 'ip link set eth0 mtu 1500' || fail "no MTU"
serving /tmpfs/disk
check "at MTU 1500 it reads and writes" at 1k
check "with at most $LIMIT_1500 KiB of memory" resident "$LIMIT_1500"
cat "$TMP/.check"
check "and $RINGS receive rings" has_rings "$RINGS"
mtu 9000
check "at MTU 9000 it goes on" at 8k
check "with at most $LIMIT_9000 KiB" resident "$LIMIT_9000"
cat "$TMP/.check"
check "and without a ring" has_rings 0
mtu 1500
check "and at MTU 1500 again" at 1k
check "with $RINGS rings" has_rings "$RINGS"
check "the target ends when it is told" guest_does served
nas_end
