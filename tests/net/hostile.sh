#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Frames that no honest client sends: cut short at every byte, lying about
# their lengths, of other versions, addressed to everyone.  The target drops or
# refuses them, sends nothing it was not asked for, and goes on.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 9000

# Sector n is full of the byte 0xd0; what a reply carries can be told from it.
head -c 1M /dev/zero | tr '\000' '\320' >"$TMP/disk"
cp "$TMP/disk" "$TMP/fresh"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

# cut FRAME: the frame at each length from an Ethernet header to all but one.
cut_short() {
    local hex length
    hex=$(tr -d ' :\n' <<<"$1")
    for ((length = 14; length < ${#hex} / 2; length++)); do
        echo "${hex:0:length * 2}"
    done
}
# answers_to: sends the frames of standard input, a few at a time, and after
# each lot a query with a tag of its own; prints what else is answered.
answers_to() {
    local lot
    while mapfile -n 32 lot && [ ${#lot[@]} -gt 0 ]; do
        { printf '%s' "${lot[@]}" && TAG=8000beef frame 01 "$QUERY"; } |
            host rawframe -u 8000beef eth0 >"$TMP/answers" || return
        sed '$d' "$TMP/answers"
    done
}
# Every answer is padded, a response of e1.2 and from its own address.
proper() {
    local line wrong=0
    while read -r line; do
        [ ${#line} -ge 120 ] &&
            [ "$(field "$line" 6 6)" = "${NAS_MAC//:/}" ] &&
            [[ $(field "$line" 14 1) = 1[8c] ]] &&
            [ "$(field "$line" 16 3)" = 000102 ] && continue
        echo "$line"
        wrong=1
    done
    return $wrong
}
proper_answers() {
    answers_to >"$TMP/got" || { echo "the target is silent" && return 1; }
    proper <"$TMP/got"
}
no_answer() {
    answers_to >"$TMP/got" || { echo "the target is silent" && return 1; }
    [ ! -s "$TMP/got" ] || { cat "$TMP/got" && return 1; }
}
untouched() {
    cmp "$TMP/fresh" "$TMP/disk"
}
from_file() {
    "$1" <"$TMP/frames"
}
# sends WHAT VERDICT: reads frames, one a line.
sends() {
    cat >"$TMP/frames"
    check "$1" from_file "$2"
}

data=$(printf '5a%.0s' {1..512})
cut_short "$(frame 01 "$QUERY")" | sends "config queries cut short" no_answer
cut_short "$(frame 01 "$(config 4 "a string of some length")")" |
    sends "force sets cut short" proper_answers
check "none of them was taken for a string" \
    is 0000 "$(field "$(ask 01 "$QUERY")" 30 2)"
cut_short "$(frame 00 "$(ata 0x41 0 1 0x34 3) $data")" |
    sends "writes cut short" proper_answers
check "none of them was written" untouched
cut_short "$(frame 00 "$(ata 0x40 0 1 0x24 3)")" |
    sends "reads cut short" no_answer
cut_short "$(frame 02 "00 01 00 02 00 01 $HOST_MAC 00 01 020000000077")" |
    sends "mask edits cut short" proper_answers
check "none of them was taken for an edit" \
    is 00 "$(field "$(ask 02 "00 00 00 00")" 27 1)"
cut_short "$(frame 03 "01 02 $HOST_MAC 020000000077")" |
    sends "reservations cut short" proper_answers
check "none of them was taken for a reservation" \
    is 00 "$(field "$(ask 03 "00 00")" 25 1)"

{
    frame 00 "$(ata 0x41 0 255 0x34 0) $data"      # far less data than sectors
    frame 00 "$(ata 0x41 0 2 0x34 0) $data"        # one sector short
    frame 01 "0000 0000 00 04 ffff 61"             # a string of 65535 bytes
    frame 01 "0000 0000 00 04 0401 00x1025"        # one more than may be
    frame 02 "00 01 00 ff 00 01 $HOST_MAC"         # 255 directives
    frame 03 "01 ff $HOST_MAC"                     # 255 addresses
} | sends "counts larger than the frame" proper_answers
check "nothing was written" untouched

for last in 0xffffffffffff 0xfffffffffffe 0x7fffffffffff 2047; do
    frame 00 "$(ata 0x40 0 16 0x24 $((last)))"
    frame 00 "$(ata 0x41 0 16 0x34 $((last))) 5ax8192"
    frame 00 "$(ata 0 0 16 0x20 $((last)))"
done | sends "addresses at and beyond the end" proper_answers
check "nothing was written across the end" untouched
check "the file did not grow" is 1048576 "$(stat -c %s "$TMP/disk")"

# Version 0 and 3: error 5.  Responses: never answered, or two targets would
# talk to each other for ever.
for version in 00 30; do
    echo "$NAS_MAC $HOST_MAC 88a2 ${version}00 $DISK 01 $TAG $QUERY 00x28"
done | sends "other versions" proper_answers
check "they are told so" is "1c05 1c05 " \
    "$(cut -c 29-32 "$TMP/got" | tr '\n' ' ')"
for command in 00 01 02 03 77; do
    echo "$NAS_MAC $HOST_MAC 88a2 1800 $DISK $command $TAG 00x36"
done | sends "responses" no_answer

# To everyone, or of everyone: not for a disk's data.
{
    echo "ffffffffffff $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "ffffffffffff $HOST_MAC 88a2 1000 $DISK 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "$NAS_MAC $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "$NAS_MAC $HOST_MAC 88a2 1000 0001 ff 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
} | sends "writes to everyone" proper_answers
check "are not executed" untouched
{
    echo "$NAS_MAC ffffffffffff 88a2 1000 $DISK 01 $TAG $QUERY 00x28"
    echo "$NAS_MAC 010203040506 88a2 1000 $DISK 01 $TAG $QUERY 00x28"
} | sends "questions from a group address" no_answer
for command in 04 05 77 ef f0 ff; do
    frame "$command" "00x36"
done | sends "commands there are not" proper_answers
check "are told so" is "1c01 " "$(cut -c 29-32 "$TMP/got" | sort -u | tr '\n' ' ')"

check "after all this e1.2 still reads" \
    is d0 "$(field "$(read_sectors 0 16)" 36 1)"
stop target
