#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Other people's programs copy a sparse image onto a disk that is a file.
# Afterwards the disk has the image's bytes, or the program has failed: where it
# skips zeroes, the old disk's bytes must never stay.  Judged by the file on
# the NAS, on a target that makes holes (aoe-target) and one that does not
# (vblade).

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade qemu-img=qemu-utils nbdcopy=libnbd-bin rsync tar python3
network 9000

DISK=$TMP/disk IMAGE=$TMP/from/e1.2 SIZE=$((8 << 20))
mkdir "$TMP/from"
head -c "$SIZE" /dev/urandom >"$TMP/old"

# image HOLE_FROM HOLE_TO [...]: random, except for these MiB.
image() {
    head -c "$SIZE" /dev/urandom >"$IMAGE"
    while [ $# != 0 ]; do
        fallocate --punch-hole -o "$1M" -l "$(($2 - $1))M" "$IMAGE"
        shift 2
    done
    # rsync takes files of equal length and modification second for equal.
    touch -d '2001-01-01' "$IMAGE"
}
old() { # what the disk has before a program runs
    dd if="$TMP/old" of="$DISK" bs=1M conv=notrunc status=none
}
run() {
    old
    (cd "$TMP" && "$@") >"$TMP/said" 2>&1 </dev/null
    status=$?
    cat "$TMP/said"
    return "$status"
}
writes() { # COMMAND...: it must succeed, and the bytes must be there
    run "$@" && cmp "$IMAGE" "$DISK"
}
refused() { # COMMAND...: it must fail with a message, and write nothing
    ! run "$@" && [ -s "$TMP/said" ] && cmp "$TMP/old" "$DISK"
}
# The image, the old disk, or something in between if the program reported failure.
honest() {
    ! run "$@" || cmp "$IMAGE" "$DISK"
}

tools() { # WHERE
    local f=$MNT/e1.2 where=$1 holes on
    for holes in "${@:2}"; do
        # shellcheck disable=SC2086 # words
        image $holes
        on="$where, holes \"$holes\""
        tar -cSf "$TMP/image.tar" -C "$TMP/from" e1.2
        check "$on: cp" refused cp "$IMAGE" "$f"
        check "$on: cp --sparse=always" refused cp --sparse=always "$IMAGE" "$f"
        check "$on: cp --force" refused cp --force "$IMAGE" "$f"
        check "$on: mv" refused bash -c "cp '$IMAGE' m && mv -f m '$f'"
        check "$on: cat >" refused sh -c "cat '$IMAGE' >'$f'"
        check "$on: dd" refused dd if="$IMAGE" of="$f" bs=64k
        check "$on: dd conv=sparse" refused dd if="$IMAGE" of="$f" bs=64k conv=sparse
        check "$on: dd seek=1" not run dd if="$IMAGE" of="$f" bs=64k seek=1
        check "$on: dd conv=notrunc" writes dd if="$IMAGE" of="$f" bs=64k conv=notrunc
        check "$on: dd conv=notrunc oflag=direct" writes \
            dd if="$IMAGE" of="$f" bs=64k conv=notrunc oflag=direct
        check "$on: cat 1<>" writes bash -c "cat '$IMAGE' 1<>'$f'"
        check "$on: tar -xS" refused tar -xSf image.tar -C "$MNT"
        check "$on: tar -x --overwrite" refused tar -xf image.tar -C "$MNT" --overwrite
        check "$on: tar -xO into a pipe" writes bash -c \
            "tar -xOf image.tar e1.2 | dd of='$f' bs=64k iflag=fullblock conv=notrunc"
        check "$on: rsync" refused rsync "$IMAGE" "$f"
        check "$on: rsync -S" refused rsync -S "$IMAGE" "$f"
        check "$on: rsync --inplace" writes rsync --inplace "$IMAGE" "$f"
        check "$on: rsync --inplace -S" writes rsync --inplace -S "$IMAGE" "$f"
        check "$on: rsync --inplace -S --whole-file" writes \
            rsync --inplace -S --whole-file "$IMAGE" "$f"
        check "$on: qemu-img convert" refused \
            qemu-img convert -f raw -O raw "$IMAGE" "$f"
        check "$on: qemu-img convert -n" writes \
            qemu-img convert -n -f raw -O raw "$IMAGE" "$f"
        check "$on: qemu-img dd" refused qemu-img dd -f raw -O raw if="$IMAGE" of="$f" bs=1M
        check "$on: nbdcopy" refused nbdcopy "$IMAGE" "$f"
        check "$on: nbdcopy --allocated" refused nbdcopy --allocated "$IMAGE" "$f"
        check "$on: python's sendfile" writes python3 -c "
import os
s, d = os.open('$IMAGE', os.O_RDONLY), os.open('$f', os.O_WRONLY)
while os.sendfile(d, s, None, 1 << 20): pass"
        check "$on: python's copy_file_range" honest python3 -c "
import os
s, d = os.open('$IMAGE', os.O_RDONLY), os.open('$f', os.O_WRONLY)
while os.copy_file_range(s, d, 1 << 20): pass"
    done
    check "$where: a shell redirection by mistake" refused bash -c ": >'$f'"
    check "$where: truncate to 0" refused truncate -s 0 "$f"
    check "$where: truncate to less" refused truncate -s 4M "$f"
    check "$where: truncate to more" refused truncate -s 9M "$f"
    check "$where: truncate(2) without opening it" refused python3 -c "
import os
os.truncate('$f', 0)"
    check "$where: appending" refused bash -c "echo more >>'$f'"
    check "$where: sed -i" refused sed -i 1d "$f"
    check "$where: renaming it" refused mv "$f" "$MNT/e9.9"
    check "$where: removing it" refused rm -f "$f"
    check "$where: a writable shared mapping" refused python3 -c "
import mmap
f = open('$f', 'r+b')
mmap.mmap(f.fileno(), 0)[0:4] = b'ABCD'"
}

old
start target nas aoe-target 1 2 eth0 "$DISK"
await target 'serving'
mount_disks e1.2
tools "holes" "" "0 1 3 5 7 8" "0 8"
stop fuse
stop target

start vblade nas vblade 1 2 eth0 "$DISK"
mount_disks e1.2
check "vblade punches no holes" not fallocate --punch-hole -l 1M "$MNT/e1.2"
tools "no holes" "0 1 3 5 7 8"
# What is written through a cached mapping reaches the disk, too.
stop fuse
mount_disks e1.2 -o cache
old
check "-o cache: a shared mapping, and msync" python3 -c "
import mmap
f = open('$MNT/e1.2', 'r+b')
m = mmap.mmap(f.fileno(), 0)
m[5000:5004] = b'ABCD'
m.flush()
d = open('$DISK', 'rb')
d.seek(5000)
assert d.read(4) == b'ABCD'
m[$SIZE - 4:$SIZE] = b'ABCD'"
check "... and closing" is ABCD "$(tail -c 4 "$DISK")"
check "-o cache: cp" refused cp "$IMAGE" "$MNT/e1.2"
check "-o cache: rsync --inplace -S" writes rsync --inplace -S "$IMAGE" "$MNT/e1.2"
stop fuse
end vblade
