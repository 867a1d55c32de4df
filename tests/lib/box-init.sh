#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# box-init.sh ROOT GROUP: becomes systemd as the first process of namespaces
# over the tree ROOT, in the control group GROUP, with its messages on standard
# output.  See tests/lib/box.sh, which starts it.
#
# /proc/sys and /sys are this machine's, and read-only.  `container' keeps
# systemd from doing what only a real machine should, such as detaching all
# loop devices at shutdown.

set -e
root=$1 group=$2 stage=${3:-outside}

case $stage in
outside)
    dir=$(mktemp -d)
    mount -t cgroup2 none "$dir"
    mkdir -p "$dir/$group" # a box may be booted again
    echo $$ >"$dir/$group/cgroup.procs"
    umount "$dir"
    rmdir "$dir"
    # A terminal, to be the console.
    exec script -qfec "exec unshare --pid --mount --uts --ipc --cgroup --fork \
        --kill-child bash '$0' '$root' '$group' inside" /dev/null
    ;;
esac

mount --make-rprivate /
mount --rbind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty fuse loop-control; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for ((i = 0; i < 128; i++)); do
    mknod "dev/loop$i" b 7 "$i"
done
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
touch dev/console
mount --bind "$(tty)" dev/console
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp
mount -t cgroup2 cgroup2 sys/fs/cgroup
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    /sbin/init --log-level=info --log-target=console --show-status=1
