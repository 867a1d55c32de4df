#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# doc/nas.md, command by command, on a NAS with systemd: its unit, and the script
# for System V init, which systemd starts, too; in page-others.sh, the same under
# Entware, and OpenWrt's, with a stand-in for procd.  Killed, the target comes
# back; switched off and on, it serves.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/box.sh"
. "$(dirname "$0")/../lib/page.sh"
box_needs

# ---- the NAS -----------------------------------------------------------------

# What the target needs is the tree's or comes with it.
ldd "$BUILD/aoe-target" | grep -o '/[^ ]*' | while read -r library; do
    [ -e "$BOX$library" ] || install -D "$library" "$BOX$library"
done
mkdir -p "$BOX/DataVolume" "$BOX/etc/rc.d" "$BOX/opt/etc/init.d"
page_share "$BOX"
# systemd would wait for a device that udev does not tell it of.
echo '/dev/md4 /DataVolume ext3 noauto 0 0' >"$BOX/etc/fstab"
install -m 755 "$ROOT/tests/lib/rc.common" "$BOX/etc/rc.common"
# What Entware's rc.unslung and OpenWrt's rc.d do.
cat >"$BOX/etc/systemd/system/others.service" <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -c 'for s in /opt/etc/init.d/S*; do [ ! -x $s ] || $s start; done; for s in /etc/rc.d/S*; do [ ! -x $s ] || $s boot; done'
ExecStop=sh -c 'for s in /opt/etc/init.d/S*; do [ ! -x $s ] || $s stop; done; for s in /etc/rc.d/K*; do [ ! -x $s ] || $s shutdown; done'
KillMode=process
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
END
ln -s ../others.service "$BOX/etc/systemd/system/multi-user.target.wants/"

on() {
    box_boot
    echo "$BOX_PID" >"$TMP/nas.pid"
    inside mknod /dev/md4 b 7 "$PAGE_MINOR" || fail "no /dev/md4"
}
on_nas_command() {
    exec nsenter --all --target "$(cat "$TMP/nas.pid")" env -i HOME=/root \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -e -c "$1"
}
goes_off() {
    box_off 60 && stopped_in_order
}
# The directory for it says how the target ended.
stopped_in_order() {
    cat "$BOX"/opt/var/aoe-target/*.boot "$BOX"/var/lib/aoe-target/*.boot \
        >"$TMP/boot" 2>/dev/null
    cat "$TMP/boot"
    grep -q '^aoe-boot 1 s ' "$TMP/boot"
}

# ---- the page ----------------------------------------------------------------

page_client nas host
page_disk
page_split "$ROOT/doc/nas.md"
on
on_nas <<'END' || fail "no share"
mount /DataVolume
/etc/init.d/samba start
END
for page_kind in ${PAGE_KINDS_HERE:-systemd script}; do
    rm -f "$PAGE"/*.was-run
    (on_nas_command 'cat >/DataVolume/photo') <"$TMP/photo" || fail "no photo"
    page_play which_binary free_the_disk
    rm -f "$BOX"/opt/var/aoe-target/*.boot "$BOX"/var/lib/aoe-target/*.boot
    page_story
done
on_nas <<<poweroff
check "the NAS goes off" box_off
