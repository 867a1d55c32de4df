#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe config, mask, reserve, ping and stat, with our target and with vblade;
# aoecfg judges what was set, tshark and tcpdump what was sent.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade aoecfg=aoetools aoeping=aoetools tshark tcpdump xxd
network 1500

truncate -s 1M "$TMP/disk"
OTHER=02:00:00:00:00:77
aoe() { # COMMAND ARGUMENT...
    host aoe "$1" e1.2 -i eth0 "${@:2}"
}
# prints TEXT COMMAND...: exactly that, and success.
prints() {
    local wanted=$1 got
    shift
    got=$("$@" 2>&1) || { echo "exit status $?: $got" && return 1; }
    [ "$got" = "$wanted" ] || { echo "printed \"$got\"" && return 1; }
}
aoecfg_says() {
    [ "$(host timeout 10 aoecfg -t 5 1 2 eth0)" = "$1" ]
}

# The string is long, or vblade's answer would be too short for aoecfg.
config() {
    check "$1: config: none at first" prints "" aoe config
    check "$1: config set" prints "the first disk of the lower shelf" aoe config set "the first disk of the lower shelf"
    check "$1: config get" prints "the first disk of the lower shelf" aoe config get
    check "$1: aoecfg reads it" aoecfg_says "the first disk of the lower shelf"
    check "$1: config set to the same again" prints "the first disk of the lower shelf" aoe config set "the first disk of the lower shelf"
    check "$1: config set over a different one" refuses 1 \
        '^aoe: config: e1\.2: .*another config string: "the first disk of the lower shelf"; force' \
        aoe config set "mine"
    check "$1: config force" prints "mine" aoe config force "mine"
    check "$1: config test" prints "mine" aoe config test "mine"
    check "$1: config test against a different one" refuses 1 '^aoe: config: e1\.2: no answer' \
        aoe config test "min"
    check "$1: config prefix" prints "mine" aoe config prefix "min"
    check "$1: control characters do not reach the terminal" prints 'a\x1b[2J\x5c\x0a' \
        aoe config force $'a\033[2J\\\n'
    check "$1: config force with an empty string" prints "" aoe config force ""
}

reserve() {
    check "$1: reserve: nobody at first" prints "" aoe reserve
    check "$1: reserve take" prints "$HOST_MAC" aoe reserve take
    check "$1: reserve list" prints "$HOST_MAC" aoe reserve list
    check "$1: reserve release" prints "" aoe reserve release
    ask 03 "02 01 ${OTHER//:/ }" >/dev/null
    check "$1: reserve shows others" prints "$OTHER" aoe reserve
    for word in take release; do
        check "$1: reserve $word from others" refuses 1 \
            '^aoe: reserve: e1\.2: it is reserved for others; .*force' \
            aoe reserve $word
    done
    check "$1: reserve force" prints "$HOST_MAC" aoe reserve force
    check "$1: ... and release" prints "" aoe reserve release
}

ping_and_stat() {
    check "$1: ping" says "^e1\.2 on eth0: 2: $NAS_MAC after [0-9.]+ ms" \
        aoe ping -c 2 --interval 0.1
    check "$1: ping prints a summary" \
        says '^e1\.2 on eth0: 3 sent, 3 answered, 0 % lost; min/avg/max [0-9.]+/[0-9.]+/[0-9.]+ ms$' \
        aoe ping -c 3 --interval 0
    check "$1: stat: identity" says '^size +1048576 \(1\.0 MB\)$' aoe stat
    check "$1: stat: the path" \
        says "^path +eth0 $NAS_MAC mtu 1500 payload 1024 buffers [0-9]+ window [0-9]+ rtt-us [1-9][0-9]* good" \
        aoe stat --reads 10
    check "$1: stat: counters" says '^reads +10$' aoe stat --reads 10
    check "$1: stat: nothing was lost" says '^retransmitted +0$' aoe stat
}

# ---- ours ----------------------------------------------------------------------

start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'serving'
capture sent host "$TMP/sent.pcap"
config aoe-target
reserve aoe-target
ping_and_stat aoe-target
check "mask: everyone at first" prints "" aoe mask
check "mask add that would lock us out" refuses 1 \
    "^aoe: mask: e1\.2: this host, $HOST_MAC, would be off the list.*--force" \
    aoe mask add $OTHER
check "... was not done" prints "" aoe mask list
check "mask add both" prints "$HOST_MAC"$'\n'"$OTHER" aoe mask add $HOST_MAC $OTHER
check "mask list" prints "$HOST_MAC"$'\n'"$OTHER" aoe mask list
check "mask del that would lock us out" refuses 1 \
    "^aoe: mask: e1\.2: this host, $HOST_MAC, " aoe mask del $HOST_MAC
check "mask del" prints "$HOST_MAC" aoe mask del ${OTHER//:/}
check "mask del of the last lets everyone in" prints "" aoe mask del $HOST_MAC
check "mask add --force does lock us out" aoe mask add --force $OTHER
check "... the target is silent" refuses 1 \
    '^aoe: mask: e1\.2: no answer on eth0 within 0\.5 s' aoe mask --wait 0.5
check "... stat says so, too" refuses 1 '^aoe: stat: e1\.2: no answer' \
    aoe stat --wait 0.5
check "... and ping" not aoe ping -c 1 --wait 0.2
check "... with its summary" says '1 sent, 0 answered, 100 % lost$' \
    sh -c "! nsenter --net=/run/netns/$HOST_NS aoe ping e1.2 -i eth0 -c 1 -w 0.2"
capture_end sent
stop target

malformed() {
    tshark -r "$TMP/sent.pcap" -Y '_ws.malformed' 2>/dev/null
}
# asked COMMAND: requests of that command, as tshark counts them.
asked() {
    tshark -r "$TMP/sent.pcap" -Y "aoe.response == 0 && aoe.cmd == $1" 2>/dev/null |
        wc -l
}
check "tshark finds nothing malformed" test -z "$(malformed)"
for command in 1 2 3; do
    check "tshark has seen command $command" test "$(asked $command)" -gt 3
done
# tcpdump takes padding for a broken frame.
unpad <"$TMP/sent.pcap" | tcpdump -r - -nn -v >"$TMP/sent.txt" 2>/dev/null
check "tcpdump -v finds nothing invalid" not grep -E 'invalid|\[\|aoe\]|MBZ' "$TMP/sent.txt"
for text in "Query Config" "MAC Mask List" "Reserve/Release" "$OTHER"; do
    check "tcpdump -v reads $text" grep -q "$text" "$TMP/sent.txt"
done
check "no frame is shorter than 60 bytes" test -z "$(tshark -r "$TMP/sent.pcap" \
    -Y "eth.src == $HOST_MAC && frame.len < 60" 2>/dev/null)"

# ---- two interfaces, one disk ----------------------------------------------------

ip -n "$NAS_NS" link add eth1 address 02:a0:e0:00:01:02 type veth \
    peer name eth1 address 02:a0:e0:00:01:01 netns "$HOST_NS" || fail "cannot make a second cable"
ip -n "$NAS_NS" link set eth1 up
ip -n "$HOST_NS" link set eth1 up
second_carries() {
    nas ip -o link show eth1 2>/dev/null | grep -q 'state UP'
}
eventually second_carries
start target nas aoe-target 1 2 eth0,eth1 "$TMP/disk"
await target 'serving'
# A busy machine may answer by the second interface after stat has done its reads.
two_paths() {
    [ "$(host aoe stat e1.2 -i eth0,eth1 |
        grep -c '^path .* rtt-us [1-9][0-9]* good$')" = 2 ]
}
check "stat shows two paths" eventually two_paths
check "reserve takes it for both interfaces" says '^02:a0:e0:00:01:01$' \
    host aoe reserve e1.2 -i eth0,eth1 take
check "... of which either may release it" says '^e1\.2 at 02:a0:e0:00:01:02 on eth1:$' \
    host aoe reserve e1.2 -i eth0,eth1 release
check "ping asks on each" is 2 "$(host aoe ping e1.2 -i eth0,eth1 -c 1 |
    grep -c '1 answered')"
stop target

# Another disk with the same address on the second cable.
truncate -s 2M "$TMP/another"
start one nas aoe-target 1 2 eth0 "$TMP/disk"
start two nas aoe-target --force-address 1 2 eth1 "$TMP/another"
await one 'serving'
await two 'serving'
check "two disks with one address are refused, in a line that names both" \
    eventually refuses 1 \
    '^aoe: stat: e1\.2: two disks answer as e1\.2: .* (2048 .* 4096|4096 .* 2048) sectors at ' \
    host aoe stat e1.2 -i eth0,eth1
check "... but either alone is fine" host aoe stat e1.2 -i eth1
stop one
stop two

# ---- vblade ----------------------------------------------------------------------

# It has mask lists, but a deletion may crash it and an addition may overwrite
# entries: only what it survives is tested.
start vblade nas vblade 1 2 eth0 "$TMP/disk"
eventually answered >/dev/null || fail "vblade: does not answer"
config vblade
reserve vblade
ping_and_stat vblade
check "vblade: mask add" prints "$HOST_MAC" aoe mask add $HOST_MAC
check "vblade: mask list" prints "$HOST_MAC" aoe mask list
end vblade

# ---- wrong usage -------------------------------------------------------------------

for command in stat ping config mask reserve; do
    check "$command: no disk" refuses 2 "^aoe: $command: name one disk" \
        host aoe $command -i eth0
    check "$command: not a disk" refuses 2 "^aoe: $command: disk eth0: " \
        host aoe $command eth0 -i eth0
    check "$command: no interface" refuses 2 '^aoe: no interface named' \
        host aoe $command e1.2
    check "$command: nobody answers" not host aoe $command e1.2 -i eth0 --wait 0.1
done
check "config: unknown command" refuses 2 '^aoe: config: command put: ' \
    aoe config put x
check "config: set without a string" refuses 2 '^aoe: config: set takes one' \
    aoe config set
check "config: get with a string" refuses 2 '^aoe: config: get takes no' \
    aoe config get x
check "config: a string that is too long" refuses 2 '^aoe: config: .*longer than 1024' \
    aoe config set "$(printf 'x%.0s' {1..1025})"
check "mask: add nothing" refuses 2 '^aoe: mask: add takes at least one' aoe mask add
check "mask: not an address" refuses 2 '^aoe: mask: add 02:00: ' aoe mask add 02:00
check "mask: a group address" refuses 2 '^aoe: mask: add ff:ff:ff:ff:ff:ff: ' \
    aoe mask add ff:ff:ff:ff:ff:ff
check "reserve: unknown command" refuses 2 '^aoe: reserve: command give: ' \
    aoe reserve give
check "ping: a bad number" refuses 2 '^aoe: ping: --count 0: ' aoe ping -c 0
