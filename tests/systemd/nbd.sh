#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-nbd connect by hand in a session, and mount -t aoe -o via=nbd: poweroff
# after writing.  A guest with the box's tree, whose kernel has /dev/nbdN, and which
# really switches off.

. "$(dirname "$0")/../lib/guest.sh"
. "$(dirname "$0")/../lib/box.sh"
guest_needs
box_root
box_disk 1 2 tap0
box_disk 3 4 tap0

# All of it has to fit into the guest's memory.
rm -rf "$BOX"/usr/share/{doc,man,locale,i18n,info,zoneinfo,perl*} \
    "$BOX"/usr/lib/x86_64-linux-gnu/{perl*,gconv} "$BOX"/var/lib/{apt,dpkg} \
    "$BOX"/var/cache/*
truncate -s 8M "$BOX/root/data"
mkdir "$BOX/modules"
GUEST_ROOT=$BOX
GUEST_MEMORY=1280
GUEST_APPEND=" rdinit=/lib/systemd/systemd systemd.log_target=console"
cat >"$BOX/load.sh" <<'END'
for module in virtio_pci virtio_net nbd ext4; do
    while read -r file; do
        busybox insmod "/modules/$file" 2>/dev/null
    done <"/modules/$module.list"
done
until [ -e /sys/class/net/eth0 ]; do busybox usleep 100000; done
END
cat >"$BOX/etc/systemd/system/load.service" <<'END'
[Unit]
DefaultDependencies=no
Before=networking.service

[Service]
Type=oneshot
ExecStart=sh /load.sh
END
cat >"$BOX/etc/systemd/system/session.service" <<'END'
[Unit]
After=systemd-user-sessions.service networking.service

[Service]
ExecStart=su -l root -c "exec sh /test.sh >/dev/ttyS1 2>&1"
KillMode=process
END
for unit in load session; do
    ln -s "../$unit.service" "$BOX/etc/systemd/system/multi-user.target.wants/"
done

guest_start 330 <<'END'
mkdir /mnt/one /mnt/two
aoe-nbd connect e1.2 -i eth0 && mount /dev/nbd0 /mnt/one &&
    mount -t aoe e3.4 /mnt/two -o interface=eth0,via=nbd || exit
for pid in $(pgrep aoe-nbd); do
    echo "aoe-nbd is in $(cat "/proc/$pid/cgroup")"
done
cp /root/data /mnt/one/data && cp /root/data /mnt/two/data && echo written
systemctl poweroff
sleep infinity
END
await guest '^written' 270
in_scopes() {
    grep -c 'in 0::/system\.slice/aoe-nbd-e[13]\.[24]-[0-9]*\.scope' \
        "$(log_of guest)" | grep -qx 2
}
check "each server is in a scope of its own" in_scopes
check "systemctl poweroff in the session" finished guest 120
check "by hand: every byte is on the NAS" whole e1.2
check "mount -t aoe -o via=nbd: every byte is on the NAS" whole e3.4
stop e1.2
stop e3.4
