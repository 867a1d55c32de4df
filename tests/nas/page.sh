#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# doc/nas.md, command by command, on the machine that it is written for: an
# ARM926 with 32 MiB and BusyBox's init on a disk of its own, from a vblade and a
# share to the static target and back.  Killed, the target comes back; switched
# off and on, it serves.

GUEST_MACHINE=${GUEST_MACHINE:-arm926}
. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/page.sh"
. "$(dirname "$0")/../lib/busybox-nas.sh"
need busybox=busybox-static mkfs.ext4=e2fsprogs
nas_needs 1500

# ---- its disks ---------------------------------------------------------------

# With vblade and e2fsck, whose libraries are in /lib.
GUEST_SYSTEM=$TMP/system
# shellcheck disable=SC2030 # it is meant
(
    GUEST_ROOT=$GUEST_SYSTEM
    busybox_tree "$GUEST_ROOT" "$MACHINE_BUSYBOX" <<'END'
mount -t proc proc /proc
mount -t sysfs sys /sys
# shellcheck disable=SC2046 # two numbers
mknod /dev/md4 b $(tr : ' ' </sys/class/block/vdb/dev)
ip link set lo up
ip link set eth0 up
END
    echo '::respawn:/etc/init.d/orders' >>"$GUEST_ROOT/etc/inittab"
    foreign_packages "$MACHINE_ARCH" libc6 e2fsprogs libext2fs2 libcom-err2 \
        libblkid1 libuuid1 >&2 || skip "no e2fsprogs for $MACHINE_ARCH"
    file=$(machine_program e2fsck=e2fsprogs) && guest_take "$file" /sbin/fsck &&
        file=$(machine_program vblade) && guest_take "$file" /usr/sbin/vblade
) >"$TMP/system.log" 2>&1 || skip "no programs for the guest: $(tail -n 1 "$TMP/system.log")"

# Orders from out here, as guest-init.sh takes them: a line of shell each.
cat >"$GUEST_SYSTEM/etc/init.d/orders" <<'END'
#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
exec >"$SAYS" 2>&1
stty -F "$SAYS" -onlcr
stty -F "$ORDERS" raw -echo
echo 'guest: ready'
while read -r id order; do
    (eval "$order") >/tmp/.answer 2>&1
    status=$?
    awk -v id="$id" '{ print id "| " $0 }' /tmp/.answer
    echo "guest: did $id $status"
done <"$ORDERS"
END
chmod 755 "$GUEST_SYSTEM/etc/init.d/orders"
truncate -s 32M "$TMP/system.img"
mkfs.ext4 -q -F -d "$GUEST_SYSTEM" "$TMP/system.img" || fail "mkfs.ext4"

# What the guest boots: it hands over to init on the first disk.
# shellcheck disable=SC2031 # here the other is meant
cat >"$GUEST_ROOT/nas-init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t ext4 /dev/vda /mnt
/bin/busybox mount --move /dev /mnt/dev
exec /bin/busybox switch_root /mnt /sbin/init
END
# shellcheck disable=SC2031
chmod 755 "$GUEST_ROOT/nas-init"
# shellcheck disable=SC2034 # of guest.sh
GUEST_APPEND=' rdinit=/nas-init'

# ---- the machine -------------------------------------------------------------

# What ssh would carry, on a disk of its own.
truncate -s 4M "$TMP/carried.img"
on() {
    rm -f "$TMP/guest-kernel.log"
    start monitor host cat "$TMP/qmp.out"
    guest_start 300 </dev/null
    qmp qmp_capabilities || fail "no monitor"
    await guest '^guest: ready' 120
    # ssh is a process of its own.
    { declare -f on_nas_command guest_does alive seen log_of && declare -p PID SEEN; } >"$TMP/way"
}
# The board has no power switch: the kernel stops, and we pull the plug.
goes_off() {
    eventually grep -q 'System halted\|Power down' "$TMP/guest-kernel.log" || return
    qmp quit || true
    finished guest
    end monitor
}
# on_nas_command COMMAND: with this script's standard input.
on_nas_command() {
    local size
    cat >"$TMP/.carried"
    size=$(stat -c %s "$TMP/.carried")
    dd if="$TMP/.carried" of="$TMP/carried.img" conv=notrunc status=none
    # It has read the disk before.
    guest_does "echo 3 >/proc/sys/vm/drop_caches; head -c $size /dev/vdc | sh -e -c '${1//\'/\'\\\'\'}'"
}
on_nas() {
    local script
    script=$(base64 -w 0)
    guest_does "echo $script | base64 -d >/tmp/.script; sh -e /tmp/.script </dev/null"
}
on_nas_foreground() { # COMMAND
    mark guest
    guest_does "$1 >\$SAYS 2>&1 </dev/null & true" || return
    await guest '^aoe-target: e1\.2: serving /dev/md4 \([0-9]* bytes\) on eth0' 30
}
after_try_it_by_hand() {
    on_nas <<<"kill -INT $(targets)" # Ctrl-C
    check "$page_kind: Ctrl-C ends it" eventually not targets
}

# ---- the page ----------------------------------------------------------------

page_client host nas
truncate -s 16M "$TMP/md4.img"
mkdir "$TMP/share"
head -c 1M /dev/urandom >"$TMP/photo"
cp "$TMP/photo" "$TMP/share/"
mkfs.ext3 -q -F -d "$TMP/share" "$TMP/md4.img" || fail "mkfs.ext3"
for disk in system md4 carried; do
    nas_disk "$disk" "$TMP/$disk.img"
    GUEST_DEVICES+=(-device "$(machine_disk "$disk")")
done
PAGE_TARGET=$(machine_target)
on
busybox_story busybox
on_nas <<<poweroff
check "the NAS goes off" goes_off
