#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest swaps to /dev/nbd0: its programs hold more than it has memory for, and
# a page is freed only when the server of the device can send its frames.

. "$(dirname "$0")/../lib/guest.sh"
guest_sanitized && skip "AddressSanitizer makes mlockall do nothing"
guest_needs
guest_program aoe-nbd

ip -n "$NAS_NS" link set tap0 mtu 9000
truncate -s 400M "$TMP/disk"
start target nas aoe-target 1 2 tap0 "$TMP/disk"
await target 'serving'

GUEST_MEMORY=192
guest 220 <<'END'
ip link set eth0 mtu 9000
load nbd
check "connect" says '/dev/nbd0$' aoe-nbd connect e1.2 -i eth0 --swap
server=$(aoe-nbd list | awk '{ print $3 }')
check "the server may use the kernel's reserve" \
    test "$(awk '{ print $41 }' "/proc/$server/stat")" = 1
check "... which is large enough" \
    test "$(cat /proc/sys/vm/min_free_kbytes)" -ge 8192
check "... and stays where it is" \
    test "$(cat /proc/sys/vm/watermark_boost_factor)" = 0
mkswap /dev/nbd0 >/tmp/mkswap
check "swapon" swapon /dev/nbd0
check "a device with swap on it stays" refuses "in use as swap" \
    aoe-nbd disconnect e1.2

# Each holds this many bytes at once before it passes them on.
BYTES=21000000
stream() {
    while cat /modules/xfs.ko; do :; done 2>/dev/null | head -c $BYTES
}
hold() {
    stream | dd bs=$BYTES iflag=fullblock 2>/dev/null | md5sum >"/tmp/sum.$1"
}
stream | md5sum >/tmp/sum
holding=
for n in 1 2 3 4 5; do
    hold $n &
    holding="$holding $!"
done
swapped() {
    [ "$(awk '/^pswpout/ { print $2 }' /proc/vmstat)" -gt 1000 ]
}
check "swapping" eventually swapped
check "programs start" says '^/dev/nbd0 .* serving' aoe-nbd list
wait $holding
for n in 1 2 3 4 5; do
    check "every byte is there" cmp /tmp/sum /tmp/sum.$n
done
echo "# at $(cut -d. -f1 /proc/uptime) s: $(grep pswp /proc/vmstat | tr '\n' ' ')"
check "swapoff" swapoff /dev/nbd0
check "disconnect" aoe-nbd disconnect e1.2
complaints() { dmesg | grep -E 'WARNING|BUG|blocked for more|Out of memory'; }
check "the kernel has logged no complaint" not complaints
END
stop target
