#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An ordinary user's disks.  Everything stays in the user's session: aoe-fuse, fuse2fs
# with a file system on one disk, and a program that has the other one open are told to
# end at the same time, by two signals each.

. "$(dirname "$0")/../lib/box.sh"
need setcap=libcap2-bin
box_needs
box_disk 1 2
box_disk 3 4
setcap cap_net_raw+ep "$BOX/usr/local/bin/aoe-fuse" 2>"$TMP/setcap" ||
    skip "cannot give a file capabilities here: $(cat "$TMP/setcap")"
box_boot
inside useradd -m -s /bin/bash anna || fail "useradd"
inside install -o anna "/root/data" /home/anna/data
session user anna <<'END'
mkdir aoe disk
aoe-fuse mount e1.2 e3.4 aoe -i eth0 && fuse2fs -o fakeroot aoe/e1.2 disk ||
    exit
# It writes what it had in memory as soon as it can.  Not in this shell, which su(1)
# kills after two seconds; what it has started by then ignores TERM, too, since systemd
# sends that until it finds no new process.
(
    exec 9<>aoe/e3.4
    trap '' HUP
    trap 'trap "" TERM; sleep 3; cat data >&9; exit' TERM
    touch opened
    while sleep 0.1; do :; done
) &
cp data disk/data && until [ -e opened ]; do sleep 0.1; done && echo written
wait
END
await user '^written' 120
inside systemctl poweroff
check "systemctl poweroff in the session" box_off
check "the file system: every byte is on the NAS" whole e1.2
check "the open disk: every byte is on the NAS" \
    cmp -n $((40 << 20)) "$TMP/e3.4" "$BOX/root/data"
stop e1.2
stop e3.4
