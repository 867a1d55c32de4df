#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A target does not serve an address that another disk has.  The other one is
# Debian's vblade, or one of ours, at the far end of the cable.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade tcpdump
network 1500

truncate -s 1M "$TMP/theirs" "$TMP/ours"
ours() {
    nas timeout 20 aoe-target "$@"
}
# serves ARGUMENT...: whether it does.
serves() {
    start ours nas aoe-target "$@"
    await ours 'serving'
    stop ours
}
# first_word PATTERN: our target's first response or announcement.
first_word() {
    grep -m1 Minor "$(log_of capture)" | grep "$1"
}

vblade_at() { # SLOT
    start first host vblade 1 "$1" eth0 "$TMP/theirs"
    # It prints its line before it has its socket.
    until host grep -q 88a2 /proc/net/packet; do
        alive first || fail "vblade ended: $(cat "$(log_of first)")"
    done
}
vblade_at 2
refused="^aoe-target: e1\.2: $HOST_MAC on eth0 serves another disk with this "
refused+="address, serial \"[^\"]+\"; .*--force-address"
start capture host tcpdump -Z root -l -nn -v -i eth0 --immediate-mode \
    "ether proto 0x88a2 and ether src $NAS_MAC and ether[14] & 8 != 0"
await capture 'listening on'
check "vblade has the address: refused, saying who and where" \
    refuses 1 "$refused" ours 1 2 eth0 "$TMP/ours"
check "another slot is free" serves 1 3 eth0 "$TMP/ours"
check "... and so is the same with --force-address" \
    serves --force-address 1 2 eth0 "$TMP/ours"
check "--force-file does not help" \
    refuses 1 "$refused" ours --force-file 1 2 eth0 "$TMP/ours"
# Its first frame on the network is e1.3's: none was sent for e1.2.
check "the refused one had not announced itself" \
    first_word 'Minor: 0x03'
end capture
end first

start first host aoe-target 1 2 eth0 "$TMP/theirs"
await first 'serving'
check "one of ours has it: refused" \
    refuses 1 "$refused" ours 1 2 eth0 "$TMP/ours"
check "... and the first one is still served" nas aoe discover -i eth0
stop first

# A second way to the same disk: the same file, so the same serial number.
start first host aoe-target -r 1 2 eth0 "$TMP/theirs"
await first 'serving'
check "another port of the same disk is served" \
    serves -r 1 2 eth0 "$TMP/theirs"
stop first

start first host aoe-target -m 02:00:00:00:00:99 1 2 eth0 "$TMP/theirs"
await first 'serving'
check "one that answers only others cannot be found" serves 1 2 eth0 "$TMP/ours"
stop first

nas ip link set eth0 down
start ours nas aoe-target 1 2 eth0 "$TMP/ours"
check "an interface that is down is not queried" seen ours 'serving'
stop ours

# ---- disks that a reload adds ------------------------------------------------

plug "$NAS_NS" && carries "$NAS_NS" && carries "$HOST_NS"
cd "$TMP" || exit
for n in 2 3 4; do
    truncate -s "${n}M" "disk$n"
done
# section ADDRESS FILE [LINE...]
section() {
    printf '[%s]\nfile = %s\ninterfaces = eth0\n' "$1" "$2"
    shift 2
    printf '%s\n' "$@"
}
ctl() {
    aoe-target ctl --control control "$@"
}
# reload SECTIONS...: makes them the configuration; settled when it returns.
reload() {
    "$@" >conf
    mark target
    ctl reload
}
refused_for() { # SLOT
    grep -q "e1\.$1: $HOST_MAC on eth0 serves another disk" \
        <(tail -n "+$((SEEN[target] + 1))" "$(log_of target)")
}

both() {
    section e1.2 disk2
    section e1.3 disk3
}
both >conf
start first host aoe-target 1 2 eth0 "$TMP/theirs"
await first 'serving'
start target nas aoe-target --config conf --control control
await target 'e1\.3: serving'
check "one of two disks is refused, the other is served" refused_for 2
check "... and ctl exports says so" \
    says '^e1\.2.*\(refused: another disk has the address\)' ctl exports

check "a reload checks again" \
    refuses 1 '^aoe-target: reloaded, but not every disk is served' reload both
check "... and refuses it again" refused_for 2
stop first
check "a reload after the other one is gone" reload both
check "... serves it" is "e1.2 e1.3" \
    "$(host aoe discover -i eth0 | grep -o '^e[0-9.]*' | xargs)"

stop target
start first host aoe-target 1 2 eth0 "$TMP/theirs"
await first 'serving'
both >conf
start target nas aoe-target --config conf --control control
await target 'e1\.3: serving'
forced() {
    section e1.2 disk2 'force-address = yes'
    section e1.3 disk3
}
check "a reload with force-address" reload forced
check "... serves the disk that was refused" \
    says '^e1\.2.*disk2$' ctl exports
check "... without checking for another" not refused_for 2
check "a reload without it leaves it alone" reload both
check "... it is still served" says '^e1\.2.*disk2$' ctl exports
check "nothing is forced for all" refuses 2 'with --config, .*belong in the file' \
    aoe-target --force-address --config conf
stop first

vblade_at 4
DISK="0001 03"
reading
added() {
    both
    section e1.4 disk4
}
check "a reload that adds a disk which vblade has" not reload added
check "... refuses it" refused_for 4
moved() {
    section e1.3 disk3
    section e1.4 disk2
}
check "a reload that moves a disk to such an address" not reload moved
check "... refuses it" refused_for 4
check "the disk that stayed answered every frame meanwhile" reading_end
end first

# No disk should be away for a check that is not needed.
start capture host tcpdump -Z root -l -nn -v -i eth0 --immediate-mode \
    "ether proto 0x88a2 and ether src $NAS_MAC and ether[14] & 8 == 0"
await capture 'listening on'
changed() {
    section e1.3 disk3 'read-only = yes'
    section e1.5 disk4
}
check "a reload that adds one and changes another" reload changed
check "... checks for the new one" seen capture 'Minor: 0x05'
check "... and not for the one that is already served" \
    not grep 'Minor: 0x03' "$(log_of capture)"
end capture
stop target
