#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every write that reaches the target's disk, in its order and with its flushes
# (dm-log-writes in a guest), below ext4 on a client: wherever the disk had
# stopped after a flush, the file system is clean once its journal has been replayed,
# and has what the client had synced.  AOEKIT_ROUNDS of work (4; make
# check-vm-long: 30).

. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need mkfs.ext4=e2fsprogs e2fsck=e2fsprogs debugfs=e2fsprogs losetup=mount fio
ROUNDS=${AOEKIT_ROUNDS:-4}
nas_needs 9000
guest_program dmsetup

truncate -s 40M "$TMP/disk"
truncate -s 4G "$TMP/log"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$TMP/disk" ||
    fail "cannot make the ext4"
cp --sparse=always "$TMP/disk" "$TMP/before"
nas_disk disk "$TMP/disk"
nas_disk log "$TMP/log"
GUEST_DEVICES+=(-device "virtio-blk-pci,drive=disk"
    -device "virtio-blk-pci,drive=log")
nas_start $((100 + ROUNDS * 60)) <<'END'
export DM_DISABLE_UDEV=1
load virtio_blk dm-log-writes
echo "0 81920 log-writes /dev/vda /dev/vdb" | dmsetup create logged
END

# ---- work on a client --------------------------------------------------------

FS=$TMP/fs
mkdir "$FS" "$TMP/sums"
# Files come, go and change, some of them synced one by one.
work() { # ROUND
    local dir=$FS/round$1 n
    mkdir "$dir" &&
        tar -C /usr/include/linux -c netfilter | tar -C "$dir" -x &&
        fio --name=sync --directory="$dir" --rw=randwrite --bs=4k --size=1M \
            --io_size=512k --fsync=8 --randseed="$1" --output="$TMP/fio.log" ||
        return
    for n in {1..10}; do
        head -c $((n * 3000)) /dev/urandom |
            dd of="$dir/new" bs=64k conv=fsync status=none || return
        mv "$dir/new" "$dir/file$((n % 4))" || return
    done
    rm -rf "$FS/round$(($1 - 2))" "$dir/netfilter/ipset"
}
# All of it is on the disk now, which a mark in the log records.
synced() { # ROUND
    sync -f "$FS" &&
        (cd "$FS" && find . -type f -exec sha256sum {} +) >"$TMP/sums/$1" &&
        guest_does "dmsetup message logged 0 mark $1"
}

serving /dev/mapper/logged
mount_disks e1.2 --timeout 120
at_exit kill -KILL "${PID[fuse]}"
LOOP=$(losetup --direct-io=on --find --show "$MNT/e1.2") ||
    skip "no loop device available"
mount -o errors=remount-ro "$LOOP" "$FS" || fail "cannot mount the ext4"
for ((n = 1; n <= ROUNDS; n++)); do
    check "round $n of work" work "$n"
    check "... is synced" synced "$n"
done
check "unmounted" umount "$FS"
let_go "$LOOP"
host aoe-fuse umount "$MNT"
check "aoe-fuse ends" unmounted
guest_does served
guest_does 'dmsetup remove logged' || fail "cannot end the log"
nas_end

# ---- the judge ---------------------------------------------------------------

# At each flush, FUA write and mark: see tests/helpers/logreplay.c.
cat >"$TMP/judge" <<'END'
cp --sparse=always "$TMP/after" "$TMP/copy" || exit
e2fsck -p -E journal_only "$TMP/copy" >"$TMP/fsck" 2>&1
[ $? -le 1 ] && e2fsck -fn "$TMP/copy" >>"$TMP/fsck" 2>&1 ||
    { cat "$TMP/fsck" && exit 1; }
echo >>"$TMP/judged"
[ -e "$TMP/sums/$MARK" ] && [ -n "$MARK" ] || exit 0
rm -rf "$TMP/dumped" && mkdir "$TMP/dumped"
debugfs -R "rdump / $TMP/dumped" "$TMP/copy" >"$TMP/rdump" 2>&1
cd "$TMP/dumped" && sha256sum --quiet -c "$TMP/sums/$MARK" || exit
echo "$MARK" >>"$TMP/marked"
END
cp --sparse=always "$TMP/before" "$TMP/after"
export TMP
check "the file system is clean and has what was synced, wherever it stopped" \
    logreplay "$TMP/log" "$TMP/after" "sh '$TMP/judge'"
echo "# judged $(wc -l <"$TMP/judged") times"
check "... after many flushes" test "$(wc -l <"$TMP/judged")" -gt $((ROUNDS * 20))
check "... with all marks" test "$(wc -l <"$TMP/marked")" = "$ROUNDS"
check "the log has all that is on the disk" cmp "$TMP/after" "$TMP/disk"
