#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A target does not become the second of its address.  The first is Debian's
# vblade, or one of ours, on the other end of the cable.

. "$(dirname "$0")/../lib/net.sh"
need vblade tcpdump
network 1500

truncate -s 1M "$TMP/theirs" "$TMP/ours"
ours() {
    nas timeout 20 aoe-target "$@"
}
# serves ARGUMENT...: whether it comes to that.
serves() {
    start ours nas aoe-target "$@"
    await ours 'serving'
    stop ours
}
# first_word PATTERN: the first answer or announcement of ours.
first_word() {
    grep -m1 Minor "$(log_of ear)" | grep "$1"
}

start first host vblade 1 2 eth0 "$TMP/theirs"
# It prints its line before its socket is there.
until host grep -q 88a2 /proc/net/packet; do
    alive first || fail "vblade ended: $(cat "$(log_of first)")"
done
refused="^aoe-target: e1\.2: $HOST_MAC on eth0 serves another disk of this "
refused+="address, serial \"[^\"]+\"; .*--force"
start ear host tcpdump -Z root -l -nn -v -i eth0 --immediate-mode \
    "ether proto 0x88a2 and ether src $NAS_MAC and ether[14] & 8 != 0"
await ear 'listening on'
check "vblade has the address: refused, saying who and where" \
    refuses 1 "$refused" ours 1 2 eth0 "$TMP/ours"
check "another slot is free" serves 1 3 eth0 "$TMP/ours"
check "... and so is the same with --force" \
    serves --force 1 2 eth0 "$TMP/ours"
# Its first word on the network is that of e1.3: nothing was said for e1.2.
check "who was refused had not announced itself" \
    first_word 'Minor: 0x03'
end ear
end first

start first host aoe-target 1 2 eth0 "$TMP/theirs"
await first 'serving'
check "one of ours has it: refused" \
    refuses 1 "$refused" ours 1 2 eth0 "$TMP/ours"
check "... and the first one serves on" nas aoe discover -i eth0
stop first

# A second way to the same disk: the same file, so the same serial number.
start first host aoe-target -r 1 2 eth0 "$TMP/theirs"
await first 'serving'
check "another port of the same disk is welcome" \
    serves -r 1 2 eth0 "$TMP/theirs"
stop first

start first host aoe-target -m 02:00:00:00:00:99 1 2 eth0 "$TMP/theirs"
await first 'serving'
check "one that talks to others only cannot be seen" serves 1 2 eth0 "$TMP/ours"
stop first

nas ip link set eth0 down
start ours nas aoe-target 1 2 eth0 "$TMP/ours"
check "an interface that is down is not asked" seen ours 'serving'
stop ours
