#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk that loses what was written, as a dying one does: the write is answered,
# the write-back fails later, and Linux reports it once.  Every client that wrote must
# be told, and no durable write of another may swallow the error.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
. "$(dirname "$0")/../lib/failing-disk.sh"
need xxd filefrag=e2fsprogs
network 1500

serve() { # OPTION... FILE
    local file=${*: -1}
    start target nas aoe-target --state-dir "$TMP/state" --commit 0 \
        "${@:1:$#-1}" 1 2 eth0 "$file"
    await target 'e1\.2: serving'
}
mkdir "$TMP/state"
bad=
failing_disk bad 8M

# as CLIENT COMMAND...: the same, from another address.
as() {
    local HOST_MAC=02000000000$1
    shift
    "$@"
}
next=0x100
put() { # LBA BYTE: one page, prints status and error
    status "$(write_sectors "$1" 2 "$2x1024")"
}
put_durable() { # LBA BYTE: WRITE DMA FUA EXT
    status "$(ask 00 "$(ata 0x41 0 2 0x3d "$1") $2x1024")"
}
flush() {
    status "$(ask 00 "$(ata 0x40 0 0 0xea 0)")"
}
epoch() {
    local page
    page=$(identify)
    echo "$(word "$page" 139)$(word "$page" 138)$(word "$page" 137)"
}
GOOD="40 00" LOST="61 04"
next=0x100 # part of a tag

# ---- durable writes side by side ---------------------------------------------

# together ROUNDS PLACE...: fifteen writes at once, at 8 times each place; prints for
# each round which failed.
together() {
    local round place frames rounds=$1
    shift
    for ((round = 0; round < rounds; round++)); do
        frames=
        for place; do
            next=$((next + 1))
            frames+=$(TAG=$(printf '%04x%04x' "$next" "$place") frame 00 \
                "$(ata 0x41 0 2 0x34 $((place * 8))) aax1024")$'\n'
        done
        host rawframe -p -n $# eth0 <<<"${frames%$'\n'}" | while read -r answer; do
            [ "$(status "$answer")" = "$GOOD" ] ||
                echo $((0x$(field "$answer" 22 2)))
        done | sort -n | tr '\n' ' '
        echo
    done
}
# one_failed ROUNDS: only the write to place 7, each time.
one_failed() {
    local got
    got=$(together "$1" {0..14})
    [ "$(sort <<<"$got" | uniq -c | tr -s ' ')" = " $1 7 " ] ||
        { echo "$got" && return 1; }
}
fail_at bad $((7 * 4096)) 4096
for options in -s "-s -d"; do
    # shellcheck disable=SC2086
    serve $options "$bad"
    check "$options: of fifteen writes at once only the lost one fails" \
        one_failed 20
    check "$options: a lost write alone fails" is "$LOST" "$(fresh put 56 bb)"
    check "$options: ... and one beside it does not" \
        is "$GOOD" "$(fresh put 64 bb)"
    stop target
done

heal bad
# Discarding would make holes everywhere.
mkfs.ext4 -q -b 4096 -O ^has_journal -E nodiscard "$bad"
mkdir "$TMP/fs"
mount "$bad" "$TMP/fs"
at_exit umount "$TMP/fs"
head -c 64K /dev/zero >"$TMP/fs/disk"
sync -f "$TMP/fs"
start_block=$(filefrag -e "$TMP/fs/disk" | awk '$1 == "0:" {print $4 + 0}')
fail_at bad $(((start_block + 7) * 4096)) 4096
serve -s "$TMP/fs/disk"
check "-s, a file: of fifteen writes at once only the lost one fails" \
    one_failed 20
stop target
umount "$TMP/fs"
heal bad

# ---- whose loss it is ---------------------------------------------------------

fail_at bad 40960 4096 # sectors 80 to 87
serve "$bad"
before=$(epoch)
check "a write into the cache is answered" is "$GOOD" "$(as 1 fresh put 80 aa)"
check "... and another client's" is "$GOOD" "$(as 2 fresh put 160 aa)"
blockdev --flushbufs "$bad" # takes the error, and reports it to nobody here
check "a durable write elsewhere does not fail for it" \
    is "$GOOD" "$(as 3 fresh put_durable 240 cc)"
check "... the first client's flush reports the loss" \
    is "$LOST" "$(as 1 fresh flush)"
check "... once" is "$GOOD" "$(as 1 fresh flush)"
check "... and the second one's" is "$LOST" "$(as 2 fresh flush)"
check "... who wrote nothing does not" is "$GOOD" "$(as 4 fresh flush)"
check "the epoch in IDENTIFY has changed" not is "$before" "$(epoch)"

before=$(epoch)
check "a write that is lost again" is "$GOOD" "$(as 1 fresh put 80 ab)"
blockdev --flushbufs "$bad"
check "... fails the client's own durable write" \
    is "$LOST" "$(as 1 fresh put_durable 240 dd)"
check "... and then it has been told" is "$GOOD" "$(as 1 fresh flush)"
check "a flush for an earlier epoch fails" is "$LOST" \
    "$(status "$(fresh ask 00 "$(ata 0x40 0xae 0 0xea 0x"$before")")")"
check "... and one for the present epoch succeeds" is "$GOOD" \
    "$(status "$(fresh ask 00 "$(ata 0x40 0xae 0 0xea 0x"$(epoch)")")")"
stop target

# ---- across a reload ----------------------------------------------------------

config() {
    printf '[%s]\nfile = %s\ninterfaces = eth0\nbuffer-count = %s\n' \
        e1.2 "$bad" "$1" >"$TMP/conf"
    echo 'commit = 0' >>"$TMP/conf"
}
config 16
start target nas aoe-target --state-dir "$TMP/state" --config "$TMP/conf"
await target 'e1\.2: serving'
check "two clients write data that will be lost" is "$GOOD $GOOD" \
    "$(as 1 fresh put 80 aa) $(as 2 fresh put 80 ab)"
config 32
mark target
kill -HUP "${PID[target]}"
await target 'e1\.2: serving'
check "after a reload the first one is told" is "$LOST" "$(as 1 fresh flush)"
check "... and the second one" is "$LOST" "$(as 2 fresh flush)"
check "... once each" is "$GOOD $GOOD" \
    "$(as 1 fresh flush) $(as 2 fresh flush)"
stop target

# ---- stops and crashes --------------------------------------------------------

heal bad
serve "$bad"
before=$(epoch)
as 1 fresh put 320 aa >/dev/null
stop target
serve "$bad"
check "an orderly restart keeps the epoch" is "$before" "$(epoch)"
check "... and says that it was one" is 0002 "$(word "$(identify)" 132)"
stop target KILL
serve "$bad"
check "a crash changes the epoch" not is "$before" "$(epoch)"
check "... and says that it was one" is 0000 "$(word "$(identify)" 132)"
stop target

serve -s "$bad"
before=$(epoch)
stop target KILL
serve -s "$bad"
check "with -s a crash loses nothing" is "$before" "$(epoch)"
stop target
for record in "$TMP"/state/*.boot; do
    printf 'x' | dd of="$record" bs=1 seek=20 conv=notrunc status=none
done
serve "$bad"
check "a damaged record does not count as an orderly stop" not is "$before" "$(epoch)"
stop target

serve -r "$bad"
check "read-only is reported" is 1 "$((0x$(word "$(identify)" 132) & 1))"
stop target
