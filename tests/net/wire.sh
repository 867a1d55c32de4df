#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The fixture of the other scripts, tested with none of our programs: Debian's vblade
# at one end, frames written by hand at the other, and tshark to judge what passed.

. "$(dirname "$0")/../lib/net.sh"
need vblade tshark tcpdump
network 1500

truncate -s 1M "$TMP/disk"
capture wire host "$TMP/wire.pcap"
start vblade nas vblade 1 2 eth0 "$TMP/disk"
await wire 'AoE' # it announces itself

# Query config for every disk; the answer is e1.2's.
query="ffffffffffff $HOST_MAC 88a2 1000 ffff ff 01 80000001 00x36"
answer() {
    host rawframe -n 1 eth0 <<<"$query"
}
check "a query by hand is answered" \
    says "^02a0e00000[0-9a-f]*88a218000001020180000001" answer
capture_end wire
check "tshark saw the exchange" says '^0x80000001 0x0001 0x02$' \
    tshark -r "$TMP/wire.pcap" -Y 'aoe.tag == 0x80000001 && aoe.response == 1' \
    -T fields -E separator=' ' -e aoe.tag -e aoe.major -e aoe.minor
check "nobody answers for another shelf" not host rawframe -n 1 -w 200 eth0 \
    <<<"ffffffffffff $HOST_MAC 88a2 1000 0007 ff 01 80000002 00x36"
end vblade
