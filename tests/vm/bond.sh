#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A slave of a bond, on the kernel's own bond: the target says which interface to
# name instead, at the start and when it becomes one, and that one works.

. "$(dirname "$0")/../lib/guest.sh"
guest_needs
guest_program aoe-target

guest 60 <<'END'
load dummy bonding
dd if=/dev/zero of=/tmp/disk bs=1M count=1 2>/dev/null
start() { # INTERFACE
    aoe-target 1 2 "$1" /tmp/disk >/tmp/log 2>&1 &
    target=$!
}
logged() {
    grep -q "$1" /tmp/log
}
stop() {
    kill "$target"
    wait "$target"
}
enslave() {
    ip link set dummy0 down && echo +dummy0 >/sys/class/net/bond0/bonding/slaves
}
ip link set dummy0 up
start dummy0
check "an interface of its own" eventually logged 'serving .* on dummy0'
check "which becomes a slave" enslave
check "the target says whose" eventually logged \
    'dummy0: is a slave of the bond bond0 and hears only a part; name bond0'
stop
start dummy0
check "... and at the start" eventually logged 'slave of the bond bond0'
stop
ip link set bond0 up
start bond0
check "what it names works" eventually logged 'serving .* on bond0'
check "... without a word about bonds" not logged 'is a slave'
stop
END
