#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-nbd with the NBD clients that people use, on our target and on vblade: what
# nbdinfo and nbd-client see, whole disks through nbdcopy and qemu-img, pieces
# of every alignment through qemu-io, and fio's verification.

. "$(dirname "$0")/../lib/net.sh"
need vblade nbdinfo=libnbd-bin nbdcopy=libnbd-bin qemu-img=qemu-utils \
    qemu-io=qemu-utils fio jq
network 1500

SIZE=$((16 << 20))
DATA=$TMP/data
head -c "$SIZE" /dev/urandom >"$DATA"

# serve TARGET SHELF.SLOT [OPTION...]: aoe-nbd on $URI, in the background.
serve() {
    local disk=$1
    shift
    start nbd host aoe-nbd serve "$disk" -i eth0 --unix "$TMP/nbd.sock" "$@"
    await nbd "^aoe-nbd: $disk: serving $SIZE bytes on nbd\+unix:///$disk\?socket=$TMP/nbd.sock\$"
    URI="nbd+unix:///$disk?socket=$TMP/nbd.sock"
}

# info FILTER: a jq expression that must hold for the export.
info() {
    nbdinfo --json "$URI" >"$TMP/info" || return
    jq -e ".exports[0] | $1" "$TMP/info" || { cat "$TMP/info" && return 1; }
}

everyone_can() {
    check "nbdinfo: the protocol" info '."export-size" == '"$SIZE"' and
        .can_flush and .can_fua and .can_zero and .can_multi_conn and .can_df
        and .can_cache and (.is_read_only | not)'
    check "nbdinfo: block sizes" info '.block_size_minimum == 512 and
        .block_size_preferred == 4096 and .block_size_maximum == 33554432'
    check "nbdinfo: the meta context" info '.contexts == ["base:allocation"]'
    check "nbdinfo: the export list" \
        says 'export="'"$1"'"' nbdinfo --list "$URI"
    check "nbdinfo: the map" \
        says "^ *0 +$SIZE +0 +(data|allocated)" nbdinfo --map "$URI"
    check "qemu-img: the map" says "^0 +0x1000000 +0 " qemu-img map "$URI"
    check "the default export is the same disk" \
        says "^$SIZE\$" nbdinfo --size "nbd+unix:///?socket=$TMP/nbd.sock"
    check "there is no other export" \
        not nbdinfo --size "nbd+unix:///e9.9?socket=$TMP/nbd.sock"
}

whole_disks() { # FILE of the target
    check "nbdcopy: a whole disk is written" nbdcopy --flush "$DATA" "$URI"
    check "it has arrived" cmp "$DATA" "$1"
    check "nbdcopy: ... and read back" nbdcopy "$URI" "$TMP/back"
    check "it is the same" cmp "$DATA" "$TMP/back"
    check "qemu-img compare" qemu-img compare -f raw -F raw "$DATA" "$URI"
    dd if=/dev/zero of="$DATA" bs=64k seek=20 count=30 conv=notrunc status=none
    check "qemu-img convert, with zeroes" \
        qemu-img convert -n -f raw -O raw "$DATA" "$URI"
    check "it has arrived" cmp "$DATA" "$1"
    check "qemu-img convert back" \
        qemu-img convert -f raw -O raw "$URI" "$TMP/back"
    check "it is the same" cmp "$DATA" "$TMP/back"
}

# Every piece is written and read by qemu-io and put into $DATA by dd.
pieces() { # FILE of the target
    local offset length
    local -a commands=()
    for offset in 0 1 511 512 513 4095 1048575 $((SIZE - 5001)); do
        for length in 1 511 512 513 5000; do
            commands+=(-c "write -P $((length % 251 + 1)) $offset $length")
            commands+=(-c "read -P $((length % 251 + 1)) $offset $length")
            head -c "$length" /dev/zero |
                tr '\0' "$(printf '\\%o' $((length % 251 + 1)))" |
                dd of="$DATA" bs=64k seek="$offset" oflag=seek_bytes \
                    conv=notrunc status=none
        done
    done
    check "qemu-io: pieces of every alignment" \
        qemu-io -f raw "${commands[@]}" -c flush "$URI"
    check "they have arrived, and nothing else" cmp "$DATA" "$1"
    check "qemu-io: zeroes, with FUA" \
        qemu-io -f raw -c 'write -f -z 1000 100000' -c 'write -z -u 300000 70001' \
        -c 'read -P 0 1000 100000' -c 'read -P 0 300000 70001' "$URI"
    dd if=/dev/zero of="$DATA" bs=100000 count=1 seek=1000 oflag=seek_bytes \
        conv=notrunc status=none
    dd if=/dev/zero of="$DATA" bs=70001 count=1 seek=300000 oflag=seek_bytes \
        conv=notrunc status=none
    check "they have arrived, and nothing else" cmp "$DATA" "$1"
}

# What clients must not do, by libnbd with its strict mode off, on a disk that is large
# enough for the longest requests.
bad_clients() { # DISK
    if ! [ -x "$HELPERS/badclient" ]; then
        skip_check "bad clients" "needs libnbd (package libnbd-dev)"
        return
    fi
    start bad host aoe-nbd serve "$1" -i eth0 --unix "$TMP/bad.sock"
    await bad serving
    check "clients that break the rules get the right errors" \
        badclient "nbd+unix:///$1?socket=$TMP/bad.sock"
    stop bad
}

# libnbd's calls one by one, from its shell: those that the commands above never use.
shell() {
    # If there are several python3, the system's has the module.
    local nbdsh=(env "PATH=/usr/bin:$PATH" nbdsh)

    if ! "${nbdsh[@]}" -c pass >/dev/null 2>&1; then
        skip_check "nbdsh" "needs nbdsh (package python3-libnbd)"
        return
    fi
    check "nbdsh: chunks, flags, many at once, two connections" \
        "${nbdsh[@]}" --base-allocation -u "$URI" -c - <<'END'
import errno, os

size = h.get_size()
data = os.urandom(1 << 20)
h.pwrite(data, 4096, nbd.CMD_FLAG_FUA)

# A read in chunks, and one that must not be split.
for flags in 0, nbd.CMD_FLAG_DF:
    pieces = []
    def chunk(piece, offset, status, error):
        assert error.value == 0
        pieces.append((offset, bytes(piece), status))
    whole = h.pread_structured(len(data), 4096, chunk, flags)
    assert whole == data
    joined = bytearray(len(data))
    for offset, piece, status in pieces:
        if status == nbd.READ_DATA:
            joined[offset - 4096:offset - 4096 + len(piece)] = piece
    assert joined == data
    assert not flags or len(pieces) == 1

# The map has no end, no gap and no overlap.
covered = []
def extents(context, offset, entries, error):
    assert context == "base:allocation" and error.value == 0
    covered.extend(entries[0::2])
h.block_status(size, 0, extents)
assert all(covered) and sum(covered) >= size

# More at once than fit on the wire, requested in reverse, each with its own data.
# Blocks of 512 bytes are what we ask for, not what we insist on.
h.set_strict_mode(h.get_strict_mode() & ~nbd.STRICT_ALIGN)
buffers = [(i, nbd.Buffer(4000)) for i in range(250)]
cookies = [h.aio_pread(b, 4096 + i * 4000) for i, b in reversed(buffers)]
while h.aio_in_flight() > 0:
    h.poll(-1)
assert all(h.aio_command_completed(c) for c in cookies)
assert all(b.to_bytearray() == data[i * 4000:(i + 1) * 4000]
           for i, b in buffers)

# What one connection has flushed, another sees.
other = nbd.NBD()
other.set_strict_mode(h.get_strict_mode())
other.connect_uri(h.get_uri())
h.pwrite(data[:5000], 777777)
h.flush()
assert other.pread(5000, 777777) == data[:5000]
other.zero(5000, 777777, nbd.CMD_FLAG_NO_HOLE)
other.flush()
assert h.pread(5000, 777777) == bytes(5000)
other.cache(65536, 0)
other.shutdown()

# Beyond the end: the error that the protocol names, and the connection lives.
h.set_strict_mode(h.get_strict_mode() & ~nbd.STRICT_BOUNDS)
for call, wanted in ((lambda: h.pread(512, size), errno.EINVAL),
                     (lambda: h.pwrite(bytes(512), size), errno.ENOSPC)):
    try:
        call()
        raise SystemExit("beyond the end: no error")
    except nbd.Error as e:
        assert e.errnum == wanted, e
assert h.pread(512, 4096) == data[:512]
END
}

# The rates do not matter here, only that it works.
benches() {
    check "qemu-img bench: reads" \
        qemu-img bench -c 2000 -d 16 -s 4096 -S 8192 -f raw "$URI"
    check "qemu-img bench: writes with flushes" qemu-img bench -w -c 500 -d 8 \
        -s 20000 -o 512 --flush-interval=100 -f raw "$URI"
}

verified() {
    if ! fio --enghelp 2>/dev/null | grep -qw nbd; then
        skip_check "fio verifies" "this fio has no nbd engine"
        return
    fi
    check "fio verifies random writes" fio --name=v --ioengine=nbd \
        --uri="$URI" --rw=randwrite --bsrange=512-256k --size="$SIZE" \
        --iodepth=16 --fsync=50 --verify=crc32c --verify_fatal=1 --verify_state_save=0 --loops=2
    check "fio verifies mixed small blocks" fio --name=v --ioengine=nbd \
        --uri="$URI" --rw=randrw --bs=4k --size="$SIZE" --iodepth=32 \
        --verify=crc32c --verify_fatal=1 --verify_state_save=0
}

echo "# our target"
truncate -s "$SIZE" "$TMP/ours"
start target nas aoe-target 1 2 eth0 "$TMP/ours"
await target 'e1\.2: serving'
serve e1.2
everyone_can e1.2
check "nbdinfo: trim and fast zeroes" info '.can_trim and .can_fast_zero'
whole_disks "$TMP/ours"
pieces "$TMP/ours"
check "qemu-io: discard" \
    qemu-io -f raw -c 'discard 1M 1M' -c 'read -P 0 1M 1M' "$URI"
verified
benches
shell
stop nbd
truncate -s 48M "$TMP/large"
start large nas aoe-target 1 5 eth0 "$TMP/large"
await large 'e1\.5: serving'
bad_clients e1.5
stop large

serve e1.2 --read-only
check "--read-only: nbdinfo sees it" info '.is_read_only and (.can_trim | not)'
before=$(cksum <"$TMP/ours")
check "--read-only: nbdcopy cannot write" not nbdcopy "$DATA" "$URI"
check "--read-only: nothing was written" test "$before" = "$(cksum <"$TMP/ours")"
stop nbd
stop target

echo "# vblade"
truncate -s "$SIZE" "$TMP/theirs"
start vblade nas vblade 3 4 eth0 "$TMP/theirs"
serve e3.4
everyone_can e3.4
check "nbdinfo: no trim" info '(.can_trim or .can_fast_zero) | not'
whole_disks "$TMP/theirs"
pieces "$TMP/theirs"
verified
shell
stop nbd
truncate -s 48M "$TMP/large"
start large nas vblade 1 5 eth0 "$TMP/large"
bad_clients e1.5
end large
end vblade
