#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-fuse by hand in a session, a loop device on its file, and a file system on
# that: poweroff after writing.  Nothing tells systemd that this file system needs the
# network; that of a second disk has _netdev, which systemd may notice too late.

. "$(dirname "$0")/../lib/box.sh"
box_needs
box_disk 1 2
box_disk 3 4
box_boot
session user <<'END'
mkdir /mnt/aoe /mnt/one /mnt/two
aoe-fuse mount e1.2 e3.4 /mnt/aoe -i eth0 || exit
loop() { losetup --direct-io=on --find --show /mnt/aoe/"$1"; }
mount "$(loop e1.2)" /mnt/one && mount "$(loop e3.4)" /mnt/two -o _netdev &&
    cp /root/data /mnt/one/data && cp /root/data /mnt/two/data && echo written
systemctl poweroff
sleep infinity
END
await user '^written' 120
check "systemctl poweroff in a session" box_off
check "every byte is on the NAS" whole e1.2
check "... and on the other disk" whole e3.4
stop e1.2
stop e3.4
