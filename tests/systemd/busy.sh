#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A service that writes to the disk until it is stopped, and is slow to end: the file
# system is still busy when systemd would unmount it.

. "$(dirname "$0")/../lib/box.sh"
box_needs
box_disk 1 2
cat >"$BOX/usr/local/bin/writer" <<'END'
#!/bin/bash
# It writes the last part when it is told to end, and some time after.  systemd sends
# TERM until it finds no new process: what is started here ignores it, too.
trap 'trap "" TERM; sleep 3; cp /root/data /mnt/data; exit' TERM
exec 9>/mnt/open
echo writing
while sleep 0.1; do :; done
END
chmod 755 "$BOX/usr/local/bin/writer"
box_boot
session user <<'END'
mount -t aoe e1.2 /mnt -o interface=eth0 &&
    systemd-run --quiet --unit=writer writer &&
    until [ -e /mnt/open ]; do sleep 0.1; done && echo written
systemctl poweroff
sleep infinity
END
await user '^written' 120
check "systemctl poweroff in a session" box_off
check "every byte is on the NAS" whole e1.2
stop e1.2
