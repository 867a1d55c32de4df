#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What happens to a target in its life: a stop, a pulled cable, an interface that is
# deleted and comes back, another MTU, a second target on its file, a crash while a
# client reads.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need tcpdump xxd nbdcopy=libnbd-bin
network 1500

head -c 32M /dev/urandom >"$TMP/disk"
serve() {
    start target nas aoe-target 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
# Captures what the target sends unasked.
listen() {
    start capture host tcpdump -Z root -l -nn -e -i eth0 --immediate-mode \
        'ether proto 0x88a2 and ether broadcast'
    await capture 'listening on'
}
announced() {
    seen capture "$NAS_MAC > (ff:ff:ff:ff:ff:ff|Broadcast).*Response"
}
# answers SECTORS: whether e1.2 answers a query now, and accepts this many sectors per
# frame (two digits).
answers() {
    local frames
    frames=$(answered 2>/dev/null) &&
        [ "$(field "${frames##*$'\n'}" 28 1)" = "$1" ]
}

listen
serve
check "it announces itself" announced
check "it answers" answers 02

# ---- stopping ----------------------------------------------------------------

write_sectors 5 2 "aax1024" >/dev/null
stop target TERM
check "SIGTERM: what was written is in the file" is "$(printf 'aa%.0s' {1..8})" \
    "$(xxd -p -s 2560 -l 8 "$TMP/disk")"
serve
stop target INT
serve

# ---- the cable ---------------------------------------------------------------

nas ip link set eth0 down
mark capture
nas ip link set eth0 up
check "link down and up: it announces itself again" announced
check "... and answers" eventually answers 02

host ip link set eth0 down # the carrier goes, as when the plug is pulled
host ip link set eth0 up
check "plug pulled and put back: it answers" eventually answers 02

for mtu in 9000 1500; do
    mark capture
    nas ip link set eth0 mtu $mtu
    host ip link set eth0 mtu $mtu
    check "MTU $mtu: it says how many sectors fit" eventually answers \
        "$(printf %02x $(((mtu - 36) / 512)))"
done
check "a changed MTU is announced" announced

end capture
nas ip link del eth0
cable 1500
check "interface deleted and created again: it answers" eventually answers 02
check "... and reads" is "aa" "$(field "$(read_sectors 5 1)" 36 1)"
alive target || fail "the target ended"

# ---- another one -------------------------------------------------------------

check "a second target on the same file is refused" \
    refuses 1 '^aoe-target: .*disk.*' \
    nas timeout 20 aoe-target --wait 0 1 3 eth0 "$TMP/disk"
check "the first one still answers" answers 02
stop target
truncate -s 1M "$TMP/small"
start one nas aoe-target -r 1 4 eth0 "$TMP/small"
await one 'e1\.4: serving'
stop one

# ---- a crash -----------------------------------------------------------------

serve
# The client's copy stops in the middle, since nobody reads the pipe.
# shellcheck disable=SC2016 # $uri is aoe-nbd's
exec {copy}< <(exec nsenter --net="/run/netns/$HOST_NS" -- \
    aoe-nbd serve e1.2 -i eth0 --run 'nbdcopy "$uri" -' 2>"$TMP/copy.log")
client=$!
head -c 4M <&"$copy" >"$TMP/copy"
stop target KILL
check "nobody answers after a crash" not answers 02
serve
cat <&"$copy" >>"$TMP/copy"
exec {copy}<&-
wait "$client"
check "a client that was reading continues when the target is back" is 0 $?
check "... and what it read is the disk" cmp "$TMP/disk" "$TMP/copy"
stop target
