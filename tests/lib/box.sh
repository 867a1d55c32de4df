# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A machine to shut down: systemd as the first process of its own namespaces
# (pid, mount, uts, ipc, cgroup, and the network of `host`), over a Debian tree
# that debootstrap makes once.  It boots in seconds, has login sessions
# (pam_systemd, logind), and `systemctl poweroff` ends it like a real machine,
# except for the last step: in a container systemd-shutdown(8) leaves mounts
# and loop devices to the kernel.  Source it instead of net.sh:
#
#     . "$(dirname "$0")/../lib/box.sh"
#     box_needs                             # or the script is skipped
#     box_disk 1 2                          # e1.2, with an ext4, and its target
#     box_boot
#     session poweroff <<'END'              # bash of root, logged in
#     mount -t aoe e1.2 /mnt -o interface=eth0
#     systemctl poweroff
#     END
#     check "it is off" box_off
#
# $BOX is its root directory, as seen from here.  `inside COMMAND...` runs a
# command in it, outside any session.

# tests/lib/guest.sh may have sourced it already.
declare -F network >/dev/null || . "$(dirname "${BASH_SOURCE[0]}")/net.sh"

# Next to the builds, which share it; `make clean` removes it, too.
BOX_CACHE=$ROOT/build/box
BOX_PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,procps,util-linux,mount,e2fsprogs,fuse3,fuse2fs,iproute2
BOX=$TMP/box
BOX_PID=''

# ---- the tree ----------------------------------------------------------------

box_release() {
    # shellcheck disable=SC1091 # every system has it
    (. /etc/os-release && echo "$VERSION_CODENAME")
}

# The tree's name depends on its contents: another list makes another tree.
box_tree() {
    echo "$BOX_CACHE/$(box_release)-$(cksum <<<"$BOX_PACKAGES" | cut -d' ' -f1)"
}

box_make_tree() { # TREE
    rm -rf --one-file-system "$1.new"
    mkdir -p "$BOX_CACHE" &&
        debootstrap --variant=minbase --include="$BOX_PACKAGES" \
            "$(box_release)" "$1.new" &&
        rm -rf "$1.new"/var/cache/apt/archives/*.deb && mv "$1.new" "$1"
}

# Skips where a box is impossible; makes the network and $BOX.
box_needs() {
    need script=bsdutils
    [ -c /dev/fuse ] || skip "there is no /dev/fuse"
    losetup --find >/dev/null 2>&1 || skip "no free loop device"
    network 1500
    box_root
}

# Makes $BOX, with the programs of this build.
box_root() {
    local tree
    need debootstrap mkfs.ext4=e2fsprogs debugfs=e2fsprogs e2fsck=e2fsprogs
    command -v aoe-fuse >/dev/null || skip "aoe-fuse is not built here"
    grep -qw overlay /proc/filesystems || skip "the kernel has no overlayfs"
    tree=$(box_tree)
    mkdir -p "$BOX_CACHE" || skip "cannot make $BOX_CACHE"
    exec 8>"$BOX_CACHE/lock"
    flock 8
    [ -d "$tree" ] || box_make_tree "$tree" >"$TMP/debootstrap.log" 2>&1 ||
        skip "no tree for the box: $(tail -n 1 "$TMP/debootstrap.log")"
    exec 8>&-
    mkdir -p "$BOX" "$TMP/upper" "$TMP/work"
    mount -t overlay -o "lowerdir=$tree,upperdir=$TMP/upper,workdir=$TMP/work" \
        box "$BOX" || skip "cannot mount an overlay"
    box_programs
}

# The programs of this build, with the libraries that the tree lacks.
box_programs() {
    local program library
    sed "s,^PATH=,PATH=/usr/local/bin:," "$ROOT/dist/mount.aoe" \
        >"$BOX/usr/sbin/mount.aoe"
    chmod 755 "$BOX/usr/sbin/mount.aoe"
    ln -s /usr/local/bin/aoe-fuse "$BOX/usr/sbin/mount.fuse.aoe-fuse"
    for program in aoe aoe-fuse aoe-nbd; do
        cp "$BUILD/$program" "$BOX/usr/local/bin/" || fail "no $program"
        ldd "$BUILD/$program" | grep -o '/[^ ]*' | while read -r library; do
            [ -e "$BOX$library" ] ||
                install -D "$library" "$BOX$library"
        done
    done
    echo box >"$BOX/etc/hostname"
    # It would hang up the console.
    ln -s /dev/null "$BOX/etc/systemd/system/console-getty.service"
    box_network
    head -c 40M /dev/urandom >"$BOX/root/data"
}

# The interface goes down early at shutdown, as with Debian's ifupdown: this is
# networking.service with the commands of one interface.
box_network() {
    cat >"$BOX/etc/systemd/system/networking.service" <<'END'
[Unit]
DefaultDependencies=no
Wants=network.target
After=local-fs.target network-pre.target systemd-sysctl.service
Before=network.target shutdown.target network-online.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link set eth0 up
ExecStop=ip link set eth0 down
END
    mkdir -p "$BOX/etc/systemd/system"/{multi-user,network-online}.target.wants
    ln -s ../networking.service \
        "$BOX/etc/systemd/system/multi-user.target.wants/"
    ln -s ../networking.service \
        "$BOX/etc/systemd/system/network-online.target.wants/"
}

# ---- disks -------------------------------------------------------------------

# box_disk SHELF SLOT [NETIF]: a new disk with an ext4 on it, $TMP/eSHELF.SLOT,
# served by the program of that name.
box_disk() {
    local id=e$1.$2 netif=${3:-eth0}
    truncate -s 128M "$TMP/$id"
    mkfs.ext4 -q -F "$TMP/$id" || fail "mkfs.ext4"
    start "$id" nas aoe-target "$1" "$2" "$netif" "$TMP/$id"
    await "$id" "$id: serving"
}

# whole ID [NAME]: judges what has arrived on the NAS: the file system is
# sound, and NAME on it equals /root/data.
whole() {
    e2fsck -fn "$TMP/$1" || return
    debugfs -R "dump /${2:-data} $TMP/arrived" "$TMP/$1" 2>/dev/null
    cmp "$TMP/arrived" "$BOX/root/data"
}

# ---- on and off --------------------------------------------------------------

box_boot() {
    start box host bash "$ROOT/tests/lib/box-init.sh" "$BOX" "aoekit-box-$$"
    at_exit box_unplug
    eventually box_find || fail "no init has started"
    eventually box_is_up || fail "the box does not come up: $(cat "$TMP/boot.log")"
}

# The first process of a pid namespace in the network of `host`.
box_find() {
    local pid
    sleep 0.1
    for pid in $(ip netns pids "$HOST_NS" 2>/dev/null); do
        [ "$(awk '/^NSpid/ { print NF, $NF }' "/proc/$pid/status" 2>/dev/null)" = "3 1" ] &&
            [ "$(cat "/proc/$pid/comm")" = systemd ] && BOX_PID=$pid && return
    done
    return 1
}

# Running, or degraded where a unit of Debian's fails in a container.
box_is_up() {
    sleep 0.1 # until it accepts queries at all
    inside timeout 60 systemctl is-system-running --wait >"$TMP/boot.log" 2>&1
    grep -Eqx 'running|degraded' "$TMP/boot.log"
}

inside() {
    nsenter --all --target "$BOX_PID" "$@"
}

# session NAME: runs the script on standard input with bash in a login session
# of its own; its output goes to log_of NAME.
session() {
    local name=$1 user=${2:-root}
    cat >"$BOX/$name.sh"
    chmod 755 "$BOX/$name.sh"
    : >"$BOX/$name.log"
    chmod 666 "$BOX/$name.log"
    ln -sf "$BOX/$name.log" "$(log_of "$name")"
    SEEN[$name]=0
    PID[$name]=$BOX_PID
    inside systemd-run --quiet --unit="login-$name" -p KillMode=process \
        su -l "$user" -c "exec bash /$name.sh >/$name.log 2>&1"
}

# Waits until the first process has ended.
box_off() { # [SECONDS]
    finished box "${1:-60}"
    [ ! -e "/proc/$BOX_PID" ] || return
    BOX_PID=''
}

# A loop device outlives the box, and so does its backing file, whose server is
# dead.
box_loops() {
    local file id
    for file in /sys/block/loop*/loop/backing_file; do
        id=$(basename "$(cat "$file" 2>/dev/null)" 2>/dev/null)
        [[ $id = e*.* && -e $TMP/$id ]] || continue
        file=${file#/sys/block/} file=/dev/${file%%/*}
        dd if="$file" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null ||
            losetup --detach "$file"
    done
}

box_unplug() {
    local group
    if [ -n "$BOX_PID" ]; then
        kill -KILL "$BOX_PID" 2>/dev/null
        eventually test ! -e "/proc/$BOX_PID"
    fi
    box_loops
    group=$(mktemp -d) && mount -t cgroup2 none "$group" || return
    [ ! -d "$group/aoekit-box-$$" ] ||
        eventually find "$group/aoekit-box-$$" -depth -type d -exec rmdir {} +
    umount "$group"
    rmdir "$group"
}
