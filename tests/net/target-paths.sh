#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# One disk on two interfaces: by either it is the same disk, in the same state.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd jq
network 1500
second=02:a0:e0:00:01:02
ip -n "$NAS_NS" link add eth1 mtu 9000 address $second type veth \
    peer name eth1 mtu 9000 address 02:a0:e0:00:01:01 netns "$HOST_NS" ||
    fail "cannot make a second cable"
ip -n "$NAS_NS" link set eth1 up
ip -n "$HOST_NS" link set eth1 up
second_carries() {
    nas ip -o link show eth1 | grep -q 'state UP'
}
eventually second_carries

head -c 1M /dev/urandom >"$TMP/disk"
start target nas aoe-target 1 2 eth0,eth1 "$TMP/disk"
await target 'e1\.2: serving .* \(1048576 bytes\) on eth0, eth1'

# The same by the other interface; its client has the same address in the frame.
ask1() {
    NAS_MAC=$second frame "$@" | host rawframe -p -n 1 eth1
}
string() { # FRAME
    field "$1" 32 $((0x$(field "$1" 30 2))) | xxd -r -p
}
ask 01 "$(config 3 mine)" >/dev/null
check "the config string" is mine "$(string "$(ask1 01 "$QUERY")")"
check "each interface answers from its own address" is "${second//:/}" \
    "$(field "$(ask1 01 "$QUERY")" 6 6)"
check "... with its own sector count" is "02 11" \
    "$(field "$(ask 01 "$QUERY")" 28 1) $(field "$(ask1 01 "$QUERY")" 28 1)"
ask 03 "01 01 02 00 00 00 00 77" >/dev/null
check "the reservation" is 06 "$(field "$(ask1 00 "$(ata 0x40 0 1 0x24 0)")" 15 1)"
ask1 03 "02 00" >/dev/null
check "its release" is "40 00" "$(status "$(read_sectors 0 1)")"
ask1 00 "$(ata 0x41 0 1 0x34 9) a7x512" >/dev/null
check "what is written" is a7 "$(field "$(read_sectors 9 1)" 36 1)"
identity() {
    field "$1" 56 60 # serial number, firmware, model
}
check "its identity" is "$(identity "$(identify)")" \
    "$(identity "$(ask1 00 "$(ata 0 0 1 0xec 0)")")"

check "aoe sees one disk with two paths" is 2,1 \
    "$(host aoe discover -i eth0,eth1 --json |
        jq -r '"\(length),\([.[].serial] | unique | length)"')"
nas ip link set eth1 down
check "one cable pulled: the other still works" is a7 "$(field "$(read_sectors 9 1)" 36 1)"
nas ip link set eth1 up
eventually second_carries
check "... and the first one comes back" eventually ask1 01 "$QUERY"
ask 02 "00 01 00 01 00 01 02 00 00 00 00 77" >/dev/null
check "the mask list" not host timeout 1 rawframe -p -n 1 eth1 \
    <<<"$(NAS_MAC=$second frame 01 "$QUERY")"
stop target

check "an interface named twice" refuses 2 '^aoe-target: .*eth0.*twice' \
    nas aoe-target 1 3 eth0,eth0 "$TMP/disk"
check "one of several does not exist" refuses 1 '^aoe-target: eth7: no such' \
    nas aoe-target 1 3 eth0,eth7 "$TMP/disk"
