#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The main job, on one machine and in under a minute: a NAS exports a disk, a
# client discovers it, mounts it, writes to it, unmounts, and nothing is lost.
# Two network namespaces joined by a cable play the two machines.  What is
# printed after a prompt is what a person would type there.

[ "$(id -u)" = 0 ] || {
    echo "The demo makes network namespaces and mounts: running it with sudo."
    exec sudo env BUILD="${BUILD:-}" KEEP="${KEEP:-}" bash "$0" "$@"
}
# shellcheck source=tests/lib/net.sh
. "$(dirname "$0")/lib/net.sh"

TREE=/usr/include/linux # a few hundred files that every build machine has
SIZE=256M

bold='' plain=''
[ ! -t 1 ] || { bold=$(tput bold) plain=$(tput sgr0); } 2>/dev/null

# type nas|client COMMAND...: shows it behind a prompt and runs it there.
type_at() {
    local where=$1
    shift
    echo "$bold$where# $*$plain"
    [ "$where" = client ] && where=host
    "$where" bash -c "$*" || give_up "$*"
}
# ... and keeps what it printed in $ANSWER as well.
ask_at() {
    ANSWER=$(type_at "$@") || { echo "$ANSWER" && exit 1; }
    echo "$ANSWER"
    ANSWER=${ANSWER##*$'\n'}
}
# Where a test would skip, the demo has to fail.
skip() {
    echo "demo: $*" >&2
    exit 1
}
give_up() {
    echo
    echo "demo: this failed: $1" >&2
    logs >&2
    exit 1
}
headline() {
    printf '\n-- %s\n' "$*"
}
seconds_since() {
    local us=$((${EPOCHREALTIME/./} - $1))
    printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}
# rate BYTES SINCE: megabytes a second.
rate() {
    echo "$(($1 / (${EPOCHREALTIME/./} - $2 + 1))) MB/s"
}

for program in aoe aoe-target aoe-nbd aoe-fuse; do
    command -v "$program" >/dev/null ||
        { echo "demo: $program is not built: see what make says" >&2; exit 1; }
done
begun=${EPOCHREALTIME/./}
network 1500
cd "$TMP" || exit 1
mkdir aoe mnt

headline "A NAS and a client, joined by a cable (MTU 1500). The NAS exports an ext4 disk."
type_at nas "truncate -s $SIZE disk.img"
type_at nas "mkfs.ext4 -q disk.img"
echo "${bold}nas# aoe-target 1 2 eth0 disk.img &$plain"
start target nas aoe-target 1 2 eth0 disk.img
await target 'serving'
cat "$(log_of target)"

headline "The client finds it, by its name e1.2."
type_at client "aoe discover -i eth0"

headline "It mounts it: FUSE shows the disk as a file, a loop device makes it a disk."
type_at client "aoe-fuse mount e1.2 aoe -i eth0"
type_at client "ls -l aoe"
ask_at client "losetup --find --show --direct-io=on aoe/e1.2"
loop=$ANSWER
type_at client "mount $loop mnt"

files=$(find "$TREE" -type f | wc -l)
bytes=$(du -sb "$TREE" | cut -f1)
headline "It copies a directory tree onto it: $files files, $((bytes / 1000000)) MB."
(cd "$TREE" && find . -type f -exec sha256sum {} +) >sums
since=${EPOCHREALTIME/./}
type_at client "cp -a $TREE mnt/"
type_at client "umount mnt"
written=$(seconds_since "$since")

headline "Unmounted, the file system is sound."
type_at client "e2fsck -f -n $loop"

headline "Mounted again, every checksum is the same."
since=${EPOCHREALTIME/./}
type_at client "mount $loop mnt"
type_at client "cd mnt/${TREE##*/} && sha256sum --quiet -c ../../sums && echo $files files are as they were"
compared=$(seconds_since "$since")
type_at client "umount mnt"
type_at client "losetup --detach $loop"
eventually detached "$loop"
type_at client "aoe-fuse umount aoe"

headline "It backs the disk up, over NBD."
since=${EPOCHREALTIME/./}
type_at client "aoe-nbd serve e1.2 -i eth0 --run 'nbdcopy --progress \"\$uri\" backup.img'"
echo
backup="$SIZE in $(seconds_since "$since") s, $(rate "$(stat -c %s disk.img)" "$since")"

headline "The NAS stops its target; the backup is the disk, byte for byte."
echo "${bold}nas# kill %1$plain"
stop target
type_at nas "cmp disk.img backup.img && echo identical"

cat <<END

-- Done, in $(seconds_since "$begun") s.
e1.2 was exported, discovered, mounted, filled, checked, read again, backed up.
  written    $files files, unmounted, in $written s
  compared   $files files in $compared s
  backed up  $backup
The demo's namespaces, mounts and files are removed now.
END
# What net.sh counts; a step that failed has ended the demo before.
# shellcheck disable=SC2034
CHECKS=1
