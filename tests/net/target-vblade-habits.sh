#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What people bring from vblade and from init: many disks, numbers with a zero
# before them, SIGHUP to everything, a line for each interface.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 1500
ip link add eth1 netns "$NAS_NS" type veth peer name eth1 netns "$HOST_NS"
ip -n "$NAS_NS" link set eth1 up
ip -n "$HOST_NS" link set eth1 up
cd "$TMP" || exit
truncate -s 1M disk

# ---- numbers -----------------------------------------------------------------

zero="a number with a leading zero may be meant as octal"
for words in "-o 010 1 2 eth0 disk" "-l 0100 1 2 eth0 disk" "01 2 eth0 disk" \
    "1 02 eth0 disk" "-b 016 1 2 eth0 disk" "--commit 05 1 2 eth0 disk" \
    "--wait 01 1 2 eth0 disk"; do
    # shellcheck disable=SC2086 # words
    check "aoe-target $words" refuses 2 "$zero" nas timeout 20 aoe-target $words
done
check "a client's numbers, too" refuses 2 "$zero" aoe discover -i eth0 --wait 010
start target nas aoe-target -o 0x10 1 2 eth0 disk
await target 'e1\.2: serving disk \(1040384 bytes\)'

# ---- SIGHUP ------------------------------------------------------------------

truncate -s 2M disk
kill -HUP "${PID[target]}"
check "SIGHUP reloads a disk of the command line" \
    seen target 'e1\.2: serving disk \(2088960 bytes\)'
check "... and the target lives" alive target

# ---- two lines for one disk --------------------------------------------------

check "a second line for another interface: the error names the form that works" \
    refuses 1 'name both in one line: 1 2 eth0,NETIF FILE$' \
    nas timeout 20 aoe-target --wait 0 1 2 eth1 disk
stop target
start target nas aoe-target 1 2 eth0,eth1 disk
check "... which works" seen target 'e1\.2: serving .* on eth0, eth1'
stop target
printf '[e1.2]\nfile = disk\ninterfaces = %s\n[again]\nshelf = 1\nslot = 2\nfile = disk\ninterfaces = %s\n' \
    eth0 eth1 >conf
check "two sections, too" \
    refuses 1 'conf:4: the disk in line 1 again; .* name both there: interfaces = eth0, eth1' \
    nas aoe-target --config conf --check

# ---- many disks --------------------------------------------------------------

for n in {1..60}; do
    truncate -s 64K "disk$n"
    printf '[e1.%d]\nfile = disk%d\ninterfaces = eth0\ndirect = yes\n' "$n" "$n"
done >conf
few() {
    ulimit -S -n 40
    exec nsenter --net="/run/netns/$NAS_NS" -- aoe-target --config conf
}
(few) >"$(log_of many)" 2>&1 </dev/null &
PID[many]=$! SEEN[many]=0
check "the soft limit of descriptors is raised" seen many 'e1\.60: serving'
stop many
