#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Frames that no honest client sends: cut short at every byte, lying about
# their lengths, of other versions, addressed to everyone, far too many.  The
# target drops or refuses them, sends nothing that was not asked for, counts what
# it dropped, and keeps serving.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd aoeping=aoetools
network 9000

# Sector n is full of the byte 0xd0, which shows in a response that carries it.
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
# answers_to: sends the frames of standard input, a few at a time, and after each
# batch a query with a tag of its own; prints all other responses.
answers_to() {
    local lot
    while mapfile -n 32 lot && [ ${#lot[@]} -gt 0 ]; do
        { printf '%s' "${lot[@]}" && TAG=8000beef frame 01 "$QUERY"; } |
            host rawframe -u 8000beef eth0 >"$TMP/answers" || return
        sed '$d' "$TMP/answers"
    done
}
# Every answer is padded, is a response of e1.2, and comes from its own address.
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
    cat "$TMP/got" >>"$TMP/all"
    proper <"$TMP/got"
}
no_answer() {
    answers_to >"$TMP/got" || { echo "the target is silent" && return 1; }
    cat "$TMP/got" >>"$TMP/all"
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

# First, bytes that must never be sent fill all of the target's buffers: what follows
# is answered from the same memory.
for ((i = 0; i < 256; i++)); do
    frame 77 "5ec3e75ec3e7x1400"
done | sends "frames full of secrets" proper_answers

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
check "none of them was taken for a change of the mask list" \
    is 00 "$(field "$(ask 02 "00 00 00 00")" 27 1)"
cut_short "$(frame 03 "01 02 $HOST_MAC 020000000077")" |
    sends "reservations cut short" proper_answers
check "none of them was taken for a reservation" \
    is 00 "$(field "$(ask 03 "00 00")" 25 1)"

cut_short "$(frame 00 "$(ata 0x41 1 1 0x06 3) 0000000000000800 00x504")" |
    sends "trims cut short" proper_answers
cut_short "$(frame 00 "$(ata 0 0 1 0xec 0)")" |
    sends "IDENTIFYs cut short" no_answer
check "nothing was trimmed" untouched

{
    frame 00 "$(ata 0x41 0 255 0x34 0) $data"      # far less data than sectors
    frame 00 "$(ata 0x41 0 2 0x34 0) $data"        # one sector short
    frame 01 "0000 0000 00 04 ffff 61"             # a string of 65535 bytes
    frame 01 "0000 0000 00 04 0401 00x1025"        # one more than is allowed
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

# Versions 0 and 3: error 5.  Responses are never answered, or two targets would
# answer each other for ever.
for version in 00 30; do
    echo "$NAS_MAC $HOST_MAC 88a2 ${version}00 $DISK 01 $TAG $QUERY 00x28"
done | sends "other versions" proper_answers
check "they are told so" is "1c05 1c05 " \
    "$(cut -c 29-32 "$TMP/got" | tr '\n' ' ')"
for command in 00 01 02 03 77; do
    echo "$NAS_MAC $HOST_MAC 88a2 1800 $DISK $command $TAG 00x36"
done | sends "responses" no_answer

# To everyone, or from everyone: not allowed for a disk's data.
{
    echo "ffffffffffff $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "ffffffffffff $HOST_MAC 88a2 1000 $DISK 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "$NAS_MAC $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "$NAS_MAC $HOST_MAC 88a2 1000 0001 ff 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "$NAS_MAC $HOST_MAC 88a2 1000 ffff 02 00 $TAG $(ata 0x41 1 1 0x06 0) 0000000000000800 00x504"
    echo "ffffffffffff $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0 0x82 0 0xef 0) 00x24"
} | sends "writes to everyone" proper_answers
check "are not executed" untouched
check "the write cache is still on" is 20 \
    "$(printf %x $((0x$(word "$(identify)" 85) & 0x20)))"
for source in ffffffffffff 010203040506 333300000001 "$NAS_MAC"; do
    echo "$NAS_MAC $source 88a2 1000 $DISK 01 $TAG $QUERY 00x28"
    echo "$NAS_MAC $source 88a2 1000 $DISK 01 $TAG $(config 4 evil) 00x24"
    echo "$NAS_MAC $source 88a2 1000 $DISK 00 $TAG $(ata 0x41 0 1 0x34 0) $data"
    echo "$NAS_MAC $source 88a2 1000 $DISK 03 $TAG 01 01 020000000077 00x28"
done | sends "frames from a group address, or from the target itself" no_answer
check "wrote nothing" untouched
check "set no string" is 0000 "$(field "$(ask 01 "$QUERY")" 30 2)"
check "and reserved nothing" is 00 "$(field "$(ask 03 "00 00")" 25 1)"
# What may be meant for other targets is left to them.
{
    echo "ffffffffffff $HOST_MAC 88a2 2000 ffff ff 01 $TAG $QUERY 00x28"
    echo "$NAS_MAC $HOST_MAC 88a2 1000 ffff ff 77 $TAG 00x36"
    frame 01 "$(config 1 'not its string') 00x14"
    frame 01 "$(config 2 'nor its beginning') 00x14"
} | sends "questions that are not for this disk" no_answer
for command in 04 05 77 ef f0 ff; do
    frame "$command" "00x36"
done | sends "commands there are not" proper_answers
check "are told so" is "1c01 " "$(cut -c 29-32 "$TMP/got" | sort -u | tr '\n' ' ')"

# More at once than anyone can answer, some of it valid.
flood() {
    {
        for ((i = 0; i < 5000; i++)); do
            echo "$QUERY_FRAME"
            echo "$READ_FRAME"
            echo "ffffffffffff $HOST_MAC 88a2 1000 ffff ff 00 $TAG 00x12"
            echo "$NAS_MAC $HOST_MAC 88a2 1000 $DISK 00 $TAG 00x3"
        done
    } | host rawframe eth0
}
QUERY_FRAME=$(frame 01 "$QUERY")
READ_FRAME=$(frame 00 "$(ata 0x40 0 16 0x24 0)")
check "a flood of 20000 frames" flood
check "wrote nothing" untouched
check "after the flood, e1.2 can still be read" \
    is d0 "$(field "$(read_sectors 0 16)" 36 1)"

check "no response had a byte of the secret" not grep -q 5ec3e7 "$TMP/all"
check "aoeping gets its responses" host timeout 20 aoeping -s 10 1 2 eth0
kill -USR1 "${PID[target]}"
await target ' eth0: .*drop_'
counted() { # COUNTER LEAST
    local value
    value=$(grep -oE " $1=[0-9]+" "$(log_of target)" |
        awk -F= '{ sum += $2 } END { print sum + 0 }')
    echo "$1 is $value"
    [ "$value" -ge "$2" ]
}
check "frames that were too short are counted" counted drop_short 1000
check "so are sources that cannot be answered" counted drop_source 16
check "and what is not answered on purpose" counted drop_silent 4
stop target
