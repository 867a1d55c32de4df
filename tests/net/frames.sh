#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Everything that our programs send, judged by other people's dissectors:
# tshark (which knows ATA and Query Config) and tcpdump -v (all four commands).

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need tshark tcpdump xxd nbdcopy=libnbd-bin
network 1500

truncate -s 4M "$TMP/disk"
head -c 4M /dev/urandom >"$TMP/random"

# by_hand: requests that no program of ours sends, and what is refused.
by_hand() {
    ask 01 "$(config 3 nas1)" &&
        ask 01 "$(config 3 nas2)" && # error 4: it has one
        ask 01 "$(config 4 "$(printf 'x%.0s' {1..1024})")" &&
        ask 01 "$(config 9 "")" && # error 2: no such subcommand
        ask 02 "00 00 00 00" &&
        ask 02 "00 01 00 02 00 01 $HOST_MAC 00 01 020000000077" &&
        ask 02 "00 01 00 01 00 07 020000000077" && # no such directive
        ask 02 "00 01 00 02 00 02 020000000077 00 02 $HOST_MAC" &&
        ask 03 "00 00" &&
        ask 03 "01 01 $HOST_MAC" &&
        ask 03 "02 08 ${HOST_MAC}x8" && # long enough to need no padding
        HOST_MAC=020000000088 ask 00 "$(ata 0 0 1 0x20 0)" && # error 6
        ask 03 "02 00" &&
        ask 77 "" &&                            # error 1
        ask 00 "$(ata 0x40 0 1 0x24 99999999)" && # beyond the end
        ask 00 "$(ata 0 0 0 0xb0 0)" &&         # SMART: aborted
        ask 00 "$(ata 0 0 0 0xea 0)"            # flush
}

# session MTU: each kind of request once, into $TMP/MTU.pcap.
session() {
    local pcap=$TMP/$1.pcap
    capture wire host "$pcap"
    start target nas aoe-target 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
    check "MTU $1: discover" says 'e1\.2' host aoe discover -i eth0
    # shellcheck disable=SC2016 # $uri is aoe-nbd's
    check "MTU $1: write" host aoe-nbd serve e1.2 -i eth0 \
        --run 'nbdcopy --flush '"$TMP"'/random "$uri"'
    # shellcheck disable=SC2016
    check "MTU $1: read" host aoe-nbd serve e1.2 -i eth0 \
        --run 'nbdcopy "$uri" '"$TMP"'/copy'
    check "MTU $1: what was written was read" cmp "$TMP/random" "$TMP/copy"
    check "MTU $1: every request by hand is answered" by_hand
    stop target
    capture_end wire
}

# shown FILTER: what tshark shows of it.
shown() {
    tshark -r "$pcap" -Y "$1" "${@:2}" 2>/dev/null
}
none() {
    local lines
    lines=$(shown "$1") || return
    [ -z "$lines" ] || { head -n 10 <<<"$lines" && return 1; }
}
some() {
    [ -n "$(shown "$1" | head -n 1)" ]
}
# Every tag that the initiator used came back; a frame may have been sent twice.
all_answered() {
    shown 'aoe.response == 0 && aoe.cmd == 0' -T fields -e aoe.tag | sort -u >"$TMP/asked"
    shown 'aoe.response == 1 && aoe.cmd == 0' -T fields -e aoe.tag | sort -u >"$TMP/answered"
    [ -s "$TMP/asked" ] && [ -z "$(comm -23 "$TMP/asked" "$TMP/answered" | tee /dev/stderr)" ]
}
# What tcpdump prints for a frame it does not like, and for reserved bits.
tcpdump_is_content() {
    unpad <"$pcap" >"$TMP/unpadded.pcap" &&
        tcpdump -r "$TMP/unpadded.pcap" -nn -v >"$TMP/text" 2>/dev/null &&
        ! grep -nE -B 6 'invalid|\[\|aoe\]|MBZ' "$TMP/text"
}
tcpdump_names() {
    grep -q "Command: $1" "$TMP/text"
}

for mtu in 1500 9000; do
    nas ip link set eth0 mtu "$mtu"
    host ip link set eth0 mtu "$mtu"
    session "$mtu"
    pcap=$TMP/$mtu.pcap
    check "MTU $mtu: tshark finds no frame malformed" \
        none '_ws.malformed || _ws.expert'
    check "MTU $mtu: no frame is shorter than 60 bytes" none 'frame.len < 60'
    check "MTU $mtu: none is longer than the MTU" none "frame.len > $((mtu + 14))"
    check "MTU $mtu: all speak version 1" none 'aoe.version != 1'
    check "MTU $mtu: our requests avoid the kernel driver's tags" \
        none 'aoe.response == 0 && aoe.tag < 0x80000000'
    check "MTU $mtu: no answer comes from a group address" none 'eth.src.ig == 1'
    check "MTU $mtu: every request was answered" all_answered
    check "MTU $mtu: IDENTIFY was seen" some 'aoe.ata.cmd == 0xec && aoe.response == 0'
    check "MTU $mtu: READ and WRITE EXT were seen, with the W flag where it belongs" \
        some 'aoe.ata.cmd == 0x34 && aoe.aflags.w == 1 && aoe.aflags.e == 1'
    check "MTU $mtu: no READ has the W flag" \
        none 'aoe.ata.cmd == 0x24 && aoe.response == 0 && aoe.aflags.w == 1'
    check "MTU $mtu: the announcement was seen" \
        some 'aoe.cmd == 1 && aoe.response == 1 && aoe.tag == 0 && eth.dst == ff:ff:ff:ff:ff:ff'
    check "MTU $mtu: tcpdump -v finds nothing invalid" tcpdump_is_content
    for command in "Issue ATA Command" "Query Config" "MAC Mask List" "Reserve/Release"; do
        check "MTU $mtu: tcpdump -v decodes $command" tcpdump_names "$command"
    done
done
