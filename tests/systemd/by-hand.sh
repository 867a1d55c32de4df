#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# File systems mounted by hand in a login session, written to, and `systemctl
# poweroff` at once: every byte is on the NAS.

. "$(dirname "$0")/../lib/box.sh"
box_needs
box_disk 1 2
box_disk 3 4
box_boot

session user <<'END'
mkdir /mnt/two
mount -t aoe e1.2 /mnt -o interface=eth0 && mkdir /mnt/two &&
    mount -t aoe e3.4 /mnt/two -o interface=eth0 || exit
for pid in $(pgrep -f 'oe-fuse mount'); do
    grep ^0: /proc/$pid/cgroup
done
cp /root/data /mnt/data && cp /root/data /mnt/two/data && echo written
systemctl poweroff
sleep infinity
END
await user '^written' 120
in_scopes() {
    grep -c '^0::/system\.slice/aoe-fuse-e[13]\.[24]-[0-9]*\.scope$' \
        "$(log_of user)" | grep -qx 4
}
check "each server, with the process that unmounts if it dies, is in a scope of its own" \
    in_scopes
check "systemctl poweroff in the session" box_off
check "every byte is on the NAS" whole e1.2
check "... also on the disk that is mounted inside it" whole e3.4
stop e1.2
stop e3.4
