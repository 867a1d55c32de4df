#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A switch that drops jumbo frames silently, in one direction or in both, between
# hosts with an MTU of 9000: from the beginning, in the middle of the work, and
# until it stops.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
. "$(dirname "$0")/../lib/wire.sh"
need vblade
bad_wire 9000

head -c 8M /dev/urandom >"$TMP/random"

carries_now() { # PAYLOAD
    grep -Eq "^path .* payload $1 " "$MNT/e1.2.info" && return
    cat "$MNT/e1.2.info"
    sleep 0.2
    return 1
}
# Writes and reads all of it, with requests of several frames and of one.
there_and_back() {
    dd if="$TMP/random" of="$MNT/e1.2" bs=256k conv=notrunc,fsync status=none &&
        cmp "$TMP/random" "$TMP/disk" || return
    dd if="$MNT/e1.2" bs=4k iflag=direct status=none | cmp - "$TMP/random"
}
# The same while the wire begins to drop long frames.
while_it_appears() { # DIRECTION
    local copy status
    there_and_back &
    copy=$!
    eventually busy
    wire_does "$1 max 1500"
    wait "$copy"
    status=$?
    not grep -q 'no longer answers' "$(log_of fuse)" || return
    return "$status"
}
busy() {
    local before
    before=$(frames)
    sleep 0.05
    [ "$(frames)" -gt $((before + 20)) ]
}
frames() {
    awk '$1 == "frames-sent" { print $2 }' "$MNT/e1.2.stats"
}

try() { # TARGET
    local way name
    for way in '>' '<' '> max 1500 <'; do
        case $way in
        '>') name="to the NAS" ;;
        '<') name="from the NAS" ;;
        *) name="both ways" ;;
        esac
        wire_does "$way max 1500"
        mount_disks e1.2 --timeout 20
        check "$1, a black hole $name: data is written and read" there_and_back
        check "... in short frames" carries_now 1024
        check "... and the log says why" seen fuse \
            "e1\.2: frames with 8192 bytes .* eth0 and $NAS_MAC; those with 1024"
        if [ "$name" = "both ways" ]; then
            wire_does "max 0"
            check "... in long ones when it is gone" eventually carries_now 8192
            check "... which the log says, too" seen fuse 'get through again'
        else
            stop fuse
            wire_does "max 0"
            mount_disks e1.2 --timeout 20
        fi
        check "... also when it appears in the middle of the work" while_it_appears "$way"
        check "... and afterwards" there_and_back
        check "... again in short frames" carries_now 1024
        stop fuse
        wire_does "max 0"
    done
    wire_does "max 5000"
    mount_disks e1.2
    check "$1: blocks of 4 KiB where nothing longer passes" eventually carries_now 4096
    check "... and the data is right" there_and_back
    stop fuse
    wire_does "max 0"
}

truncate -s 8M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
try aoe-target
stop target

start vblade nas vblade -b 32 1 2 eth0 "$TMP/disk"
try vblade
end vblade
stop wire
