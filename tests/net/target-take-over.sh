#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk that was refused because another has its address is served when that one is
# gone, and not while it may still be there.  The others are Debian's vblade.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade tcpdump
network 1500
ip link add eth1 netns "$NAS_NS" type veth peer name eth1 netns "$HOST_NS"
ip -n "$NAS_NS" link set eth1 up
ip -n "$HOST_NS" link set eth1 up
cd "$TMP" || exit
truncate -s 1M theirs2 theirs3
truncate -s 2M ours2 ours3 ours4

vblade_at() { # SLOT INTERFACE
    start "vblade$1" host vblade 1 "$1" "$2" "$TMP/theirs$1"
}
listening() { # HOW-MANY
    [ "$(host grep -c 88a2 /proc/net/packet)" -ge "$1" ]
}
vblade_at 2 eth0
vblade_at 3 eth1
eventually listening 2 || fail "vblade did not start"

for n in 2 3 4; do
    printf '[e1.%d]\nfile = ours%d\ninterfaces = eth%d\n' $n $n $((n == 3))
done >conf
start capture host tcpdump -Z root -l -nn -v -i eth0 --immediate-mode \
    "ether proto 0x88a2 and ether src $NAS_MAC and ether[14] & 8 == 0"
await capture 'listening on'
start target nas aoe-target --config conf --control control --take-over 1
await target 'e1\.4: serving'
said() { # TIMES PATTERN
    is "$1" "$(grep -Ec "$2" "$(log_of target)")"
}
check "two disks are refused" said 2 'serves another disk with this address'

# Nine silent checks would be enough.
looked() {
    [ "$(grep -c 'Minor: 0x02' "$(log_of capture)")" -ge "$1" ]
}
check "it checks for the others again and again" eventually looked 40
check "... without logging it" said 2 'serves another disk with this address'
check "... and without serving" said 1 serving
check "ctl exports says why" \
    says '^e1\.2.*\(refused: another disk has the address\)' \
    aoe-target ctl --control control exports

# Where nothing can be heard, silence means nothing.
ip -n "$NAS_NS" link set eth0 down
end vblade2
end vblade3
check "the other one is gone: served" seen target 'e1\.3: serving'
check "... which is logged" said 1 'e1\.3: the other disk with this address is gone'
check "one whose interface is down is not" said 0 'e1\.2: serving'
ip -n "$NAS_NS" link set eth0 up
check "... but after that" seen target 'e1\.2: serving'
carries "$NAS_NS" && carries "$HOST_NS"
check "all of them are found" is "e1.2 e1.3 e1.4" \
    "$(host aoe discover -i eth0,eth1 | grep -o '^e[0-9.]*' | sort | xargs)"
DISK="0001 02"
check "ours accepts a write" is "40 00" "$(status "$(write_sectors 0 1 abcdx256)")"
check "... to our file" is abcd "$(head -c 2 ours2 | od -An -tx1 | tr -d ' ')"
stop target
end capture

# A reload forces the address while a check is in progress, as there nearly always is
# here: its late result must not withdraw the disk.
vblade_at 2 eth0
eventually listening 1 || fail "vblade did not start"
start target nas aoe-target --config conf --control control --take-over 0.08
await target 'e1\.4: serving'
check "refused again" said 1 'serves another disk with this address'
sed -i '/e1.2/a force-address = yes' conf
mark target
kill -HUP "${PID[target]}"
check "forced: it is served at once" seen target 'e1\.2: serving'
sleep 0.6 # a check takes 0.3 s
check "... and still is when the check has ended" \
    says '^e1\.2[^(]*$' aoe-target ctl --control control exports
check "... without a line about the other one" \
    said 1 'serves another disk with this address'
stop target

check "--take-over with a bad number" \
    refuses 2 '^aoe-target: --take-over: "soon": ' \
    aoe-target --take-over soon 1 2 eth0 ours2
