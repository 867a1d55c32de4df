#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk that fails behind a target, and its users behind the bridges: each
# connection and each open file is told once of writes that are lost; with --replay
# none is lost once the disk accepts writes again, and no flush succeeds before.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/failing-disk.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need qemu-io=qemu-utils nbdinfo=libnbd-bin
network 1500

mkdir "$TMP/state"
bad=
failing_disk bad 8M
SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
target() {
    start target nas aoe-target --state-dir "$TMP/state" --commit 0 "$@" \
        1 2 eth0 "$bad"
    await target 'e1\.2: serving'
}
serve() {
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$SOCK" "$@"
    await nbd '^aoe-nbd: e1\.2: serving'
}

# A client that stays: qemu-io, which takes one command per line and caches nothing.
declare -A TO
client() {
    mkfifo "$TMP/$1.in"
    # shellcheck disable=SC2016 # for the shell inside
    start "$1" host bash -c 'exec qemu-io -f raw -t none "$1" <"$2"' - \
        "$URI" "$TMP/$1.in"
    exec {fd}>"$TMP/$1.in"
    TO[$1]=$fd
}
# tell CLIENT COMMAND PATTERN
tell() {
    mark "$1"
    echo "$2" >&"${TO[$1]}"
    seen "$1" "$3"
}
# Silently, without even the flush that qemu-io ends with.
vanish() {
    local fd=${TO[$1]}
    stop "$1" KILL
    exec {fd}>&-
    rm "$TMP/$1.in"
}
put() { # CLIENT PATTERN OFFSET
    tell "$1" "write -P $2 $3 4096" 'wrote 4096/4096'
}
# A durable write, since qemu-io does not say whether a flush succeeded.
good_flush() {
    tell "$1" 'write -f -P 1 1M 4096' 'wrote 4096/4096'
}
bad_flush() {
    tell "$1" 'write -f -P 1 1M 4096' 'write failed: Input/output error'
}
depart() {
    local fd=${TO[$1]}
    echo quit >&"$fd"
    finished "$1"
    exec {fd}>&-
    rm "$TMP/$1.in"
}

# ---- without --replay ---------------------------------------------------------

fail_at bad 65536 4096
target
serve
for c in one two three; do
    client "$c"
done
check "a write that will be lost is answered" put one 0xaa 65536
check "... another client's, too" put two 0xbb 131072
check "a flush says that it is lost" bad_flush one
check "... once" good_flush one
check "the log does, too" await nbd 'failed to keep writes'
check "the other connection is told" bad_flush two
check "... once" good_flush two
depart three
client three
check "a client that comes after all were told is told nothing" good_flush three
check "a write that will be lost" put one 0xab 65536
vanish one
check "... whose client disconnects without a flush" bad_flush two
client one
check "... and is told when it comes back" bad_flush one
check "... once" good_flush one
for c in one two three; do
    depart "$c"
done
stop nbd

# ---- with it ------------------------------------------------------------------

serve --replay 4
client one
mark nbd
check "with --replay: a write that will be lost" put one 0xcc 65536
check "... is flushed when the disk is idle, which fails" \
    await nbd 'failed to keep writes'
check "... and so does the user's flush" bad_flush one
heal bad
check "when the disk accepts writes again a flush succeeds" good_flush one
check "... and says so" await nbd 'written again and flushed'
on_medium() {
    cmp <(medium bad "$1" 4096) <(head -c 4096 /dev/zero | tr '\0' "$2")
}
check "... and the write is on the medium" on_medium 65536 '\314'
fail_at bad 65536 4096
check "the same again" put one 0xcd 65536
check "... no flush succeeds" bad_flush one
heal bad
mark target
depart one
stop nbd
check "... and the server's last flush brings it there" on_medium 65536 '\315'

# ---- restarts -----------------------------------------------------------------

serve
client one
check "unflushed writes" put one 0xdd 262144
mark nbd
stop target
target
check "... survive an orderly restart" good_flush one
check "... which is not logged" \
    not grep -q restarted "$(log_of nbd)"
check "unflushed writes" put one 0xde 262144
stop target KILL
target
check "... may not survive a crash" bad_flush one
check "... which the log says" await nbd 'was restarted and has lost writes'
check "... and then all is well" good_flush one
depart one
stop nbd

# ---- FUSE ---------------------------------------------------------------------

fail_at bad 65536 4096
mount_disks e1.2
put_file() { # SECONDS dd's fsync sees what is lost
    dd if=/dev/urandom of="$MNT/e1.2" bs=4096 seek=16 count=1 conv=notrunc,fsync
}
check "an open file's fsync says what is lost" not put_file
check "... and the next one's that it is lost again" not put_file
check ".stats counts that" says '^losses +[1-9]' cat "$MNT/e1.2.stats"
check ".info has boot and epoch" says '^epoch +[0-9a-f]{12}$' cat "$MNT/e1.2.info"
heal bad
check "when the disk works again, so does fsync" put_file
check "... and umount succeeds, since all losses were reported" aoe-fuse umount "$MNT"
check "... with exit status 0" unmounted
stop target

# ---- read-only ----------------------------------------------------------------

target -r
serve
check "NBD: a read-only disk is one" \
    says 'is_read_only: true' host nbdinfo "$URI"
stop nbd
mount_disks e1.2
check "FUSE: a file without w" stat_is %a 400 "$MNT/e1.2"
check "... which nobody writes to" not dd if=/dev/zero of="$MNT/e1.2" count=1
aoe-fuse umount "$MNT"
check "... and nothing failed" unmounted
check "aoe stat says so" says '^read-only +yes$' host aoe stat e1.2 -i eth0
stop target
