#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Two different disks with one address: on two interfaces and on one, before a disk
# is used and while it is.  The user is told which two they are.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need vblade qemu-io=qemu-utils jq
network 1500
ip -n "$NAS_NS" link add eth1 type veth peer name eth1 netns "$HOST_NS"
nas ip link set eth1 up
host ip link set eth1 up

head -c 1M /dev/urandom >"$TMP/one"
truncate -s 2M "$TMP/two"
BYTES='serial ".* (1048576 bytes at .* on eth0|2097152 bytes at .* on eth[01])'
BOTH="e1\.2: $BYTES; and $BYTES; give"
ONE='(2048 sectors at .* on eth0|4096 sectors at .* on eth[01])'
SECTORS="serial \".* $ONE; (and|the one in use is) serial \".* $ONE"

discovers() {
    host aoe discover -i eth0 -i eth1 --wait 0.5 >"$TMP/table" 2>"$TMP/said"
    local status=$?
    cat "$TMP/table" "$TMP/said"
    [ "$status" = 1 ] && [ "$(grep -c '^e1\.2 ' "$TMP/table")" = 2 ] &&
        grep -Eq "^aoe: discover: two disks answer as $BOTH" "$TMP/said"
}
answers() { # INTERFACE COUNT
    [ "$(host aoe discover -i "$1" --wait 0.3 --json 2>/dev/null |
        jq length)" = "$2" ]
}
nobody_opens_it() { # WHERE
    check "$1: discovery shows both and says so" discovers
    check "$1: aoe stat names both" refuses 1 \
        "^aoe: stat: e1\.2: two disks .* e1\.2: $SECTORS" \
        host aoe stat e1.2 -i eth0 -i eth1
    check "$1: aoe-nbd names both and ends" refuses 1 \
        "^aoe-nbd: serve: e1\.2: two disks .* e1\.2: $SECTORS" \
        host aoe-nbd serve e1.2 -i eth0 -i eth1 --unix "$TMP/nbd.sock"
    check "$1: aoe-fuse names both and ends" refuses 1 \
        "^aoe-fuse: mount: e1\.2: two disks .* e1\.2: $SECTORS" \
        host aoe-fuse mount e1.2 "$MNT" -i eth0 -i eth1
}

# Their serial numbers are the same: vblade derives them from the host name.  A
# program that opens a disk waits only 50 ms for a second one to answer; on a busy
# machine the second vblade needs a higher priority for that.
vblade_1_2() {
    start "$1" nas nice -n -15 vblade 1 2 "$2" "$TMP/$1"
}
vblade_1_2 one eth0
vblade_1_2 two eth1
eventually answers eth0 1 || fail "vblade: does not answer"
eventually answers eth1 1 || fail "vblade: does not answer"
nobody_opens_it "on two interfaces"
end two

vblade_1_2 two eth0
eventually answers eth0 2 || fail "vblade: does not answer"
nobody_opens_it "on one"
end two
end one

# ---- while it is in use ------------------------------------------------------

start one nas aoe-target 1 2 eth0 "$TMP/one"
await one 'e1\.2: serving'
start fuse host aoe-fuse mount e1.2 "$MNT" -i eth0 -i eth1 -f
await fuse 'mounted e1\.2'
start two nas vblade 1 2 eth1 "$TMP/two"
await fuse "only the disk that was first is used: another disk answers as e1\.2: $SECTORS"
writes() {
    printf '%04096d' "$1" | dd of="$MNT/e1.2" bs=4096 seek="$1" \
        conv=notrunc status=none
}
all_write() {
    local i
    for i in 1 2 3 4 5 6 7 8 9; do
        writes "$i" || return
    done
}
check "another one appears on a second interface: the first is used" all_write
check "... and only that" cmp "$TMP/two" <(head -c 2M /dev/zero)
end two

start two nas vblade 1 2 eth0 "$TMP/two"
await fuse "requests are refused: another disk answers as e1\.2: $SECTORS"
check "... on the same interface: nothing is written" not writes 1
end two
mark fuse
await fuse 'e1\.2: answers again'
check "... until it is gone" writes 1
check "it has never been written to" cmp "$TMP/two" <(head -c 2M /dev/zero)
stop fuse
check "the right one has been" cmp <(printf '%04096d' 1) \
    <(head -c 8192 "$TMP/one" | tail -c 4096)
stop one
