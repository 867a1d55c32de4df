#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# doc/nas.md, command by command, on a NAS with BusyBox: its init is the first
# process of namespaces, over a tree with nothing but BusyBox and vblade in it.
# Killed, the target comes back; switched off and on, it serves.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/page.sh"
. "$(dirname "$0")/../lib/busybox-nas.sh"
need busybox=busybox-static vblade
network 1500

# ---- the NAS -----------------------------------------------------------------

NAS=$TMP/nas
busybox_tree "$NAS" "$(command -v busybox)" <<<'mount -t proc proc /proc'
# e2fsck is what the box's own fsck would be; vblade is what it served with.
with_libraries() { # PROGRAM PATH
    local library
    cp "$1" "$NAS$2"
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$NAS$library" ] || install -D "$library" "$NAS$library"
    done
}
with_libraries "$(command -v vblade)" /usr/sbin/vblade
with_libraries "$(command -v e2fsck)" /sbin/fsck
# The target is put there by the page, but its libraries are not the page's.
with_libraries "$BUILD/aoe-target" /tmp/aoe-target
rm "$NAS/tmp/aoe-target"

cat >"$TMP/boot" <<'END'
#!/bin/bash
set -e
root=$1 minor=$2
mount --make-rprivate /
mount --rbind "$root" "$root"
cd "$root"
mount -t tmpfs -o mode=755 dev dev
for node in null zero random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mknod dev/md4 b 7 "$minor"
: >dev/console
mount --bind "$(tty)" dev/console
mkdir -p mnt
pivot_root . mnt
exec env -i PATH=/bin:/sbin:/usr/bin:/usr/sbin /bin/busybox chroot . /bin/busybox sh -c \
    'umount -l /mnt; exec /sbin/init'
END
# on: switches the NAS on.
on() {
    rm -f "$NAS/tmp/up" "$TMP/nas.pid"
    start busybox nas script -qfec "exec unshare --pid --mount --uts --ipc --fork \
        --kill-child bash '$TMP/boot' '$NAS' $PAGE_MINOR" /dev/null
    eventually first_process || fail "no init has started"
    eventually test -e "$NAS/tmp/up" || fail "the NAS does not come up"
}
first_process() {
    local pid
    sleep 0.1
    for pid in $(ip netns pids "$NAS_NS" 2>/dev/null); do
        [ "$(awk '/^NSpid/ { print NF, $NF }' "/proc/$pid/status" 2>/dev/null)" = "3 1" ] &&
            [ "$(cat "/proc/$pid/comm")" = init ] &&
            echo "$pid" >"$TMP/nas.pid" && return
    done
    return 1
}
on_nas_command() {
    exec nsenter --pid --mount --uts --ipc --net --root --wd \
        --target "$(cat "$TMP/nas.pid")" env -i \
        PATH=/bin:/sbin:/usr/bin:/usr/sbin:/opt/sbin sh -e -c "$1"
}
# How the first process of a namespace ends is the kernel's secret.
goes_off() {
    hook pull_the_plug
    finished busybox 30
    [ $? != 124 ]
}

# ---- the page ----------------------------------------------------------------

# tests/systemd/page-sysvinit.sh has another init, and pulls the plug.
hook other_init
page_client host nas
page_disk
on
busybox_story "${PAGE_KIND:-busybox}"
