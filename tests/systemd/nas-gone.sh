#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The NAS is gone when the machine is switched off with unwritten data: that is
# lost, but the machine switches off, even if requests are to wait for ever.

. "$(dirname "$0")/../lib/box.sh"
box_needs
box_disk 1 2
box_disk 3 4
# The time-outs of systemd and of our scope are short here; nothing else ends a request
# without a deadline.
mkdir -p "$BOX/etc/systemd/system.conf.d" \
    "$BOX/etc/systemd/system/aoe-fuse-.scope.d"
printf '[Manager]\nDefaultTimeoutStartSec=5\nDefaultTimeoutStopSec=5\n' \
    >"$BOX/etc/systemd/system.conf.d/short.conf"
printf '[Scope]\nTimeoutStopSec=5\n' \
    >"$BOX/etc/systemd/system/aoe-fuse-.scope.d/90-short.conf"
box_boot
session user <<'END'
mkdir -p /mnt/one /mnt/two
mount -t aoe e1.2 /mnt/one -o interface=eth0,timeout=4 &&
    mount -t aoe e3.4 /mnt/two -o interface=eth0,timeout=0 || exit
cp /root/data /mnt/one/data && cp /root/data /mnt/two/data && echo written
read -r _ </go
systemctl poweroff
sleep infinity
END
mkfifo "$BOX/go"
await user '^written' 120
stop e1.2 KILL
stop e3.4 KILL
echo >"$BOX/go"
check "systemctl poweroff without the NAS" box_off 100
