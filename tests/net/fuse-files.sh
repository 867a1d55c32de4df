#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk as a file: what stat, dd, cp, truncate and fallocate make of it, judged
# by the file on the NAS.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need fallocate=util-linux setpriv=util-linux tcpdump tshark
network 1500

DISK=$TMP/disk OTHER=$TMP/other
head -c 8M /dev/urandom >"$DISK"
truncate -s 1M "$OTHER"
start target nas aoe-target 1 2 eth0 "$DISK"
start other nas aoe-target 3 4 eth0 "$OTHER"
await target 'e1\.2: serving'
await other 'e3\.4: serving'

# ---- mounting ----------------------------------------------------------------

check "mount returns when the disks can be used" \
    host aoe-fuse mount e1.2 3.4 "$MNT" -i eth0
listed() {
    [ "$(cd "$MNT" && echo *)" = "e1.2 e1.2.info e1.2.stats e3.4 e3.4.info \
e3.4.stats" ]
}
check "the directory lists the disks and their text files" listed
check "size, blocks and permissions are a disk's" \
    stat_is '%s %b %o %a' "8388608 16384 4096 600" "$MNT/e1.2"
check "df adds them up" \
    says ' 9437184 ' df --block-size=1 --output=source,size,avail "$MNT"
check "e1.2.info says what it is" grep -Eqx 'size +8388608 .*' "$MNT/e1.2.info"
check "... and how it is reached" grep -Eq "^path +eth0 $NAS_MAC " "$MNT/e1.2.info"
check "a second mount on top is refused" refuses 1 '^aoe-fuse: .*mnt' \
    host aoe-fuse mount e1.2 "$MNT" -i eth0
check "one disk is read" cmp "$MNT/e1.2" "$DISK"
check "... and so is the other" cmp "$MNT/e3.4" "$OTHER"
check "e1.2.stats counts what was read" grep -Eqx 'read-bytes +8388608' "$MNT/e1.2.stats"
check "umount" host aoe-fuse umount "$MNT"
check "nothing is mounted any more" not mounted

# ---- writing -----------------------------------------------------------------

mount_disks e1.2
head -c 8M /dev/urandom >"$TMP/random"
fill() { # FILE: makes it the disk's contents
    dd if="$1" of="$MNT/e1.2" bs=1M conv=notrunc status=none
}
check "dd writes it from end to end" fill "$TMP/random"
check "it is on the NAS" cmp "$TMP/random" "$DISK"
check "cp reads it back" cp "$MNT/e1.2" "$TMP/copy"
check "it is the same" cmp "$TMP/random" "$TMP/copy"

unaligned() {
    head -c 777000 /dev/urandom >"$TMP/odd"
    dd if="$TMP/odd" of="$MNT/e1.2" bs=777 seek=11 conv=notrunc status=none &&
        dd if="$TMP/odd" of="$TMP/random" bs=777 seek=11 conv=notrunc \
            status=none &&
        cmp "$TMP/random" "$DISK"
}
check "pieces of 777 bytes leave their neighbours unchanged" unaligned

check "a write past the end fails for lack of space" not \
    dd if=/dev/zero of="$MNT/e1.2" bs=1M seek=8 count=1 conv=notrunc status=none
# The part before the end is written, the rest refused.
crossing() {
    dd if=/dev/zero of="$MNT/e1.2" bs=3M seek=2 count=1 conv=notrunc 2>&1 |
        grep -q 'No space left' && cmp -n 2097152 -i 6291456:0 "$DISK" /dev/zero
}
check "a write across the end is short" crossing
check "a read at the end is short" \
    says '^2097152$' sh -c "dd if='$MNT/e1.2' bs=3M skip=2 status=none | wc -c"
check "truncate is refused" not truncate -s 4M "$MNT/e1.2"
check "... and so is opening with O_TRUNC" not sh -c ": >'$MNT/e1.2'"
check "... which the log says" seen fuse \
    '^aoe-fuse: e1\.2: refused to change its size to 4194304 bytes; dd conv=notrunc'
check "the size is what it was" stat_is %s 8388608 "$MNT/e1.2"
check "a file that is not a disk cannot be created" not \
    dd if=/dev/zero of="$MNT/e9.9" count=1 status=none

# ---- holes and zeroes --------------------------------------------------------

head -c 8M /dev/urandom >"$TMP/random"
fill "$TMP/random"
before=$(stat -c %b "$DISK")
check "a hole is punched" fallocate --punch-hole -o 1000000 -l 3000000 "$MNT/e1.2"
fallocate --punch-hole -o 1000000 -l 3000000 "$TMP/random"
check "it reads as zeroes, everything else as before" cmp "$TMP/random" "$MNT/e1.2"
check "the NAS has the same" cmp "$TMP/random" "$DISK"
check "... and has its space back" test "$(stat -c %b "$DISK")" -lt "$before"
check "a range is zeroed" fallocate --zero-range -o 12345 -l 54321 "$MNT/e1.2"
fallocate --zero-range -o 12345 -l 54321 "$TMP/random"
check "it is on the NAS" cmp "$TMP/random" "$DISK"
check "fallocate finds the space that is there" fallocate -l 8M "$MNT/e1.2"
check "... but no more than that" not fallocate -l 9M "$MNT/e1.2"

# ---- flushing ----------------------------------------------------------------

flushes() {
    tshark -r "$TMP/$1" -Y 'aoe.response == 0 &&
        (aoe.ata.cmd == 0xe7 || aoe.ata.cmd == 0xea)' 2>/dev/null | wc -l
}
exec 9<>"$MNT/e1.2" # so that no last writer closes it
capture tcpdump host "$TMP/sync.pcap"
dd if=/dev/zero of="$MNT/e1.2" bs=4k count=1 conv=notrunc,fsync status=none
capture_end tcpdump
check "fsync is one FLUSH on the wire" test "$(flushes sync.pcap)" = 1
capture tcpdump host "$TMP/write.pcap"
dd if=/dev/zero of="$MNT/e1.2" bs=4k count=1 conv=notrunc status=none
capture_end tcpdump
check "a write alone sends none" test "$(flushes write.pcap)" = 0
counted() {
    awk '$1 == "flushes" { print $2 }' "$MNT/e1.2.stats"
}
before=$(counted)
flushed_by_close() {
    [ "$(counted)" = $((before + 1)) ]
}
exec 9>&-
check "the last writer's close flushes" eventually flushed_by_close
each_flushed() { # OFLAG
    local before
    before=$(counted)
    dd if=/dev/zero of="$MNT/e1.2" bs=4k count=3 conv=notrunc oflag="$1" \
        status=none && [ "$(counted)" = $((before + 3)) ]
}
check "O_DSYNC: each write is flushed before it returns" each_flushed dsync
check "... and with O_SYNC and O_DIRECT" each_flushed sync,direct
capture tcpdump host "$TMP/umount.pcap"
exec 9<>"$MNT/e1.2"
head -c 4096 /dev/zero >&9
exec 9>&-
check "umount succeeds" host aoe-fuse umount "$MNT"
check "... and its server ends" unmounted
capture_end tcpdump
check "... after a FLUSH" test "$(flushes umount.pcap)" -ge 1

# ---- options -----------------------------------------------------------------

mount_disks e1.2 -o ro,uid=daemon,gid=12,mode=0664
check "-o uid, gid, mode" stat_is '%U %g %a' "daemon 12 444" "$MNT/e1.2"
check "-o ro: no writing" not \
    dd if=/dev/zero of="$MNT/e1.2" count=1 conv=notrunc status=none
check "-o ro: reading" cmp "$MNT/e1.2" "$DISK"
stop fuse
others() { # a user who is not the one that mounted
    setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}
mount_disks e1.2 -o mode=0644
check "other users see nothing" not others cat "$MNT/e1.2.info"
# A user who cannot enter the build directory cannot run what is there.
mkdir "$TMP/bin" && cp "$BUILD/aoe-fuse" "$TMP/bin/"
check "... and may not unmount it" refuses 1 '^aoe-fuse: .*another user' \
    others "$TMP/bin/aoe-fuse" umount "$MNT"
stop fuse
mount_disks e1.2 -o allow_other,mode=0644
check "-o allow_other: they may read what its mode lets them" \
    others cmp "$MNT/e1.2" "$DISK"
check "-o allow_other: ... and not write" not \
    others dd if=/dev/zero of="$MNT/e1.2" count=1 conv=notrunc status=none
stop fuse
mount_disks e1.2 -o cache
fill "$TMP/copy"
check "-o cache: written data is on the NAS at once" cmp "$TMP/copy" "$DISK"
check "-o cache: reading" cmp "$TMP/copy" "$MNT/e1.2"
stop fuse

stop target
stop other
