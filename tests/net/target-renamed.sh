#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An interface that is renamed is followed, by the target and by a client; one
# that is a port of a bridge is said to hear nothing.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need nbdinfo=libnbd-bin xxd
network 1500
cd "$TMP" || exit
truncate -s 1M disk other
rename() { # WHERE FROM TO
    "$1" ip link set "$2" down && "$1" ip link set "$2" name "$3" &&
        "$1" ip link set "$3" up
}

start target nas aoe-target --status status 1 2 eth0 disk
await target 'e1\.2: serving'
start client host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd"
await client 'e1\.2: serving'
reads() {
    host timeout 20 nbdinfo --content "nbd+unix:///?socket=$TMP/nbd" >/dev/null &&
        host timeout 20 aoe copy e1.2 -i "$1" copy && rm copy
}
rename nas eth0 lan0
check "the target says that its interface has another name" \
    seen target 'eth0: is called lan0 now'
eventually has_carrier "$HOST_NS"
check "... and serves on" eventually reads eth0
check "a second target cannot have the address under the new name" \
    refuses 1 'aoe-target: e1\.2: aoe-target \(pid [0-9]*\) serves this address on lan0' \
    nas timeout 20 aoe-target --wait 0 1 2 lan0 other
rename host eth0 lan1
check "the client follows, too" eventually reads lan1
stop client
rename host lan1 eth0

# ---- a port of a bridge ------------------------------------------------------

client_says() {
    nas aoe discover -i lan0 --wait 0.1 2>&1 | grep -Eq "$1"
}
# A view of sysfs that is about the name space of the NAS.
nas mount -t sysfs none /sys || skip_check "a sysfs for the name space" "cannot be mounted"
if nas ip link add br0 type bridge 2>/dev/null && nas ip link set lan0 master br0; then
    check "the target says when its interface becomes a port of a bridge" \
        seen target 'lan0: is a port of the bridge br0 and hears nothing; name br0'
    check "... and ps" eventually grep -q 'eth0 is a port of the bridge br0' "/proc/${PID[target]}/cmdline"
    check "... and the status file" grep -q 'is a port of the bridge br0' status
    stop target
    nas ip link set br0 up
    start target nas aoe-target 1 2 lan0 disk
    check "... and at the start" seen target 'lan0: is a port of the bridge br0'
    stop target
    start target nas aoe-target 1 2 br0 disk
    await target 'e1\.2: serving'
    check "what it names works" eventually host aoe copy e1.2 -i eth0 copy
    check "a client says it as well" client_says \
        '^aoe: interface lan0: is a port of the bridge br0 and hears nothing; name br0$'
else
    skip_check "a port of a bridge" "this kernel has no bridge"
fi
stop target
