#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Our initiator against our target: discovery and data, at both usual MTUs, and
# over two cables.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
. "$(dirname "$0")/../lib/initiator.sh"
need jq xxd nbdcopy=libnbd-bin qemu-io=qemu-utils
network 1500

truncate -s 8M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
discovery 16 1024
config_string
data
stop target

nas ip link set eth0 mtu 9000
host ip link set eth0 mtu 9000
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
discovery 16 8704
data

# ---- several disks and cables ------------------------------------------------

truncate -s 1M "$TMP/other"
start other nas aoe-target 65534 254 eth0 "$TMP/other"
await other 'e65534\.254: serving'
check "two disks, in order" \
    found '[.[].disk] == ["e1.2", "e65534.254"]'
stop other

ip -n "$NAS_NS" link add eth1 type veth peer name eth1 netns "$HOST_NS"
nas ip link set eth1 up
host ip link set eth1 up
start other nas aoe-target 3 4 eth1 "$TMP/other"
await other 'e3\.4: serving'
everywhere() {
    host "$@" --json | jq -ce '[.[] | [.disk, .interface]]'
}
check "two interfaces: each shows its disk" \
    says '^\[\["e1.2","eth0"\],\["e3.4","eth1"\]\]$' \
    everywhere aoe discover -i eth0 -i eth1
check "AOE_INTERFACES names them as well" \
    says '^\[\["e1.2","eth0"\],\["e3.4","eth1"\]\]$' \
    everywhere env AOE_INTERFACES=eth0,eth1 aoe discover
check "only the named interfaces are queried" \
    says '^\[\["e3.4","eth1"\]\]$' everywhere aoe discover -i eth1
stop other

# ---- reserved for another ----------------------------------------------------

reads() {
    # shellcheck disable=SC2016 # $uri is aoe-nbd's
    host aoe-nbd serve e1.2 -i eth0 --timeout 3 \
        --run 'qemu-io -r -f raw -c "read 0 4096" "$uri"'
}
ask 03 "01 01 020000000077" >/dev/null
check "a disk reserved for another host is shown" found '.[0].size == 8388608'
check "... but not read" not reads
ask 03 "02 00" >/dev/null
check "... until it is released" reads
stop target
