#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What happens to interfaces, at either end and with every kind of link, under a
# load that reads back what it wrote: another MTU, another address, removed and
# created again.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
. "$(dirname "$0")/../lib/load.sh"
need tcpdump

network 1500
truncate -s 16M "$TMP/disk"
chown 65534 "$TMP/disk"

# Long frames are used, in both directions.
long_frames() {
    one_passes out && one_passes in
}
one_passes() {
    host timeout 20 tcpdump -Z root -i eth0 -c 1 -Q "$1" \
        'ether proto 0x88a2 and greater 5000'
}
# mtu HOST NAS
mtu() {
    host ip link set eth0 mtu "$1"
    nas ip link set eth0 mtu "$2"
}
new_address() {
    "$1" ip link set eth0 address "$2"
}
again() {
    nas ip link del eth0
    cable "$1"
}
# step DESCRIPTION COMMAND...
step() {
    local what=$1
    shift
    "$@" || fail "$kind: $what: cannot do this"
    sleep 1.2 # nothing shows that a client has checked, which it does each second
    check "$kind: $what" load_goes_on
}
# The same, where long frames show it.
step_up() {
    local what=$1
    shift
    "$@" || fail "$kind: $what: cannot do this"
    check "$kind: $what: long frames pass" long_frames
    check "$kind: ... and the load goes on" load_goes_on
}

# walk KIND TARGET-OPTION...
walk() {
    kind=$1
    shift
    start target nas aoe-target --link "$kind" "$@" 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
    mount_disks e1.2 --link "$kind"
    load 16M --filename="$MNT/e1.2" --ioengine=libaio --direct=1 \
        --bsrange=512-128k --iodepth=16
    check "$kind: under load" load_goes_on
    step_up "MTU 9000 at both ends" mtu 9000 9000
    step "MTU 1500 at both ends" mtu 1500 1500
    step "MTU 9000 at the client's end" mtu 9000 1500
    step "MTU 9000 at the target's end alone" mtu 1500 9000
    step "MTU 4200 at the target's end" mtu 9000 4200
    step "another address of the client" new_address host 02:a0:e0:00:00:11
    step "another address of the target" new_address nas 02:a0:e0:00:00:12
    step "removed and made again, MTU 1500" again 1500
    step_up "MTU 9000 after that" mtu 9000 9000
    step_up "removed and made again, MTU 9000" again 9000
    step "MTU 1500 at last" mtu 1500 1500
    end load
    check "$kind: no request has failed" load_was_well
    check "$kind: no disk was reported as lost" not grep -q 'no longer answers' "$(log_of fuse)"
    check "$kind: unmounted" host aoe-fuse umount "$MNT"
    unmounted
    stop target
}

walk packet --user 65534:65534
walk socket
walk pcap
