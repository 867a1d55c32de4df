#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# File systems from fstab, mounted at boot, by automount in a session, and as
# the file of mount -t fuse.aoe-fuse: poweroff after writing.

. "$(dirname "$0")/../lib/box.sh"
box_needs
box_disk 1 2
box_disk 3 4
mkdir "$BOX/mnt/one" "$BOX/mnt/two"
cat >>"$BOX/etc/fstab" <<'END'
e1.2 /mnt/one aoe interface=eth0,fstype=ext4,_netdev,nofail 0 0
e3.4 /mnt/two aoe interface=eth0,fstype=ext4,_netdev,noauto,x-systemd.automount 0 0
END
box_boot
session user <<'END'
findmnt -no FSTYPE /mnt/one
until systemctl is-active --quiet mnt-one.mount; do sleep 0.1; done
cp /root/data /mnt/one/data && cp /root/data /mnt/two/data && echo written
systemctl poweroff
sleep infinity
END
await user '^written' 120
check "systemctl poweroff in a session" box_off
check "mounted at boot: every byte is on the NAS" whole e1.2
check "mounted by automount: every byte is on the NAS" whole e3.4
stop e1.2
stop e3.4
