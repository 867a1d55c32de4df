#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The defects that were found in ggaoed 1.1, numbered as they were found, are not in
# our target.  No distribution here has ggaoed, so only ours is tested.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 1500
cd "$TMP" || exit

ME=${HOST_MAC//:/}
# serve FLAG...: a disk of 1 MB in which each sector begins with its number.
for ((i = 0; i < 2048; i++)); do
    printf '%04x' $i
    printf '5a%.0s' {1..510}
done | xxd -r -p >fresh
serve() {
    cp fresh disk
    start target nas aoe-target "$@" 1 2 eth0 disk
    await target 'e1\.2: serving'
}
# burst COUNT COMMAND: the frames of COMMAND with each number below COUNT, all at
# once; the responses are put in order, one per line, into `answers`.
burst() {
    local count=$1 i
    shift
    for ((i = 0; i < count; i++)); do
        TAG=$(printf '8%07x' "$i") "$@" "$i"
    done | host rawframe -p -w 10000 -n "$count" eth0 | sort -k 1.41,1.48 >answers
}
answer() { # NUMBER
    sed -n "$(($1 + 1))p" answers
}
flags_and_error() { # FRAME
    field "$1" 14 2
}

# ---- 1: addresses of more than 31 bits ---------------------------------------

# at BYTES: two bytes of the disk.
at() {
    xxd -p -s "$1" -l 2 huge
}
if truncate -s 5T huge 2>/dev/null; then
    start target nas aoe-target 1 2 eth0 huge
    await target 'e1\.2: serving'
    for bits in 31 32 33; do
        lba=$(((1 << bits) + 5))
        check "1: a write at sector 2^$bits + 5" \
            is "40 00" "$(status "$(write_sectors $lba 1 "a${bits}a aax510")")"
        check "1: ... is there" is "a${bits}a" "$(at $((lba * 512)) | cut -c 1-4)"
        check "1: ... and is read from there" is "a${bits}a" \
            "$(field "$(read_sectors $lba 1)" 36 2 | cut -c 1-4)"
    done
    check "1: and nothing is at sector 5" is 0000 "$(at $((5 * 512)))"
    stop target
    rm huge
else
    skip_check "1: addresses of more than 31 bits" "a file of 5 TB is not possible here"
fi

# ---- 2: FLUSH ----------------------------------------------------------------

# bits FRAME WORD BITS: whether IDENTIFY has these bits in that word.
bits() {
    local got
    got=$(word "$1" "$2")
    echo "word $2 is $got"
    [ $((0x$got & $3)) = $(($3)) ]
}
serve -d
identity=$(identify)
check "2: IDENTIFY has FLUSH CACHE and FLUSH CACHE EXT" bits "$identity" 83 0x3000
check "2: ... and they are enabled" bits "$identity" 86 0x3000
check "2: ... and a write cache, with direct I/O, too" bits "$identity" 85 0x20
check "2: FLUSH CACHE is executed" is "40 00" "$(status "$(ask 00 "$(ata 0 0 0 0xe7 0)")")"
stop target
serve -d --fault flush-error
check "2: ... by the disk, whose failure is reported" \
    is "61 04" "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
stop target

# ---- 3, 4: many at once, with direct I/O -------------------------------------

serve -d -b 128
reads_of() {
    frame 00 "$(ata 0x40 0 1 0x24 $(($1 * 8)))"
}
all_read() {
    local i
    for ((i = 0; i < 128; i++)); do
        is "40 00 $(printf %04x $((i * 8)))" \
            "$(status "$(answer $i)") $(field "$(answer $i)" 36 2)" || return
    done
}
burst 128 reads_of
check "3: 128 at once are all answered, each with its sector" all_read
writes_same() {
    frame 00 "$(ata 0x41 0 2 0x34 100) $(printf %02x $(($1 + 1)))x1024"
}
burst 64 writes_same
check "4: of 64 writes to one sector the last one stays" \
    is 4040 "$(xxd -p -s $((100 * 512)) -l 2 disk)"
# Written and read in turn: each read has what the write before it wrote.
turns() {
    if [ $(($1 % 2)) = 0 ]; then
        frame 00 "$(ata 0x41 0 1 0x34 200) $(printf %02x "$1")x512"
    else
        frame 00 "$(ata 0x40 0 1 0x24 200)"
    fi
}
in_turns() {
    local i
    for ((i = 1; i < 64; i += 2)); do
        is "$(printf '%02x' $((i - 1)))" "$(field "$(answer $i)" 36 1)" || return
    done
}
burst 64 turns
check "4: ... and a read between two writes has what the first one wrote" in_turns
stop target

# ---- 5: an operation of several requests that is done in part ----------------

serve
truncate -s $((5 * 512)) disk # in the middle of the third request
neighbours() {
    frame 00 "$(ata 0x40 0 2 0x24 $(($1 * 2)))"
}
partly() {
    local i
    for i in 0 1; do
        is "40 00 $(printf %04x $((i * 2)))" \
            "$(status "$(answer $i)") $(field "$(answer $i)" 36 2)" || return
    done
    for ((i = 2; i < 16; i++)); do
        is "41 10" "$(status "$(answer $i)")" || return
    done
}
burst 16 neighbours
check "5: requests beyond the end of a truncated file fail, and no others" partly
stop target
full() { # a file system that is smaller than the disk
    mkdir -p small && mount -t tmpfs -o size=64k none small && truncate -s 1M small/disk
}
if full; then
    start target nas aoe-target 1 2 eth0 small/disk
    await target 'e1\.2: serving'
    fills() {
        frame 00 "$(ata 0x41 0 2 0x34 $(($1 * 2))) 77x1024"
    }
    burst 128 fills
    # What was answered as written is there, and some writes must have failed.
    as_told() {
        local i failed=0 got
        for ((i = 0; i < 128; i++)); do
            got=$(xxd -p -c 0 -s $((i * 1024)) -l 1024 small/disk)
            case $(status "$(answer $i)") in
            "40 00") [ "$got" = "$(printf '77%.0s' {1..1024})" ] || return ;;
            "61 04") failed=$((failed + 1)) ;;
            *) return 1 ;;
            esac
        done
        echo "$failed failed"
        [ "$failed" -gt 0 ]
    }
    check "5: where a merged write fits in part, what was answered as written is there" as_told
    stop target
else
    skip_check "5: a merged write that fits in part" "no tmpfs can be mounted"
fi

# ---- 6: frames ---------------------------------------------------------------

serve
# 0xa000, and a digit for each part of the version number.
version=$(aoe-target --version | grep -oE '[0-9.]+$')
check "6: the firmware version is in network byte order" \
    is "a${version//./}" "$(field "$(ask 01 "$QUERY")" 26 2)"
check "6: another version of AoE is error 5" is 1c05 \
    "$(flags_and_error "$(echo "$NAS_MAC $HOST_MAC 88a2 2000 $DISK 01 $TAG $QUERY" |
        host rawframe -p -n 1 eth0)")"
for command in 04 05 ef f0 ff; do
    check "6: command 0x$command is unknown: error 1" \
        is 1c01 "$(flags_and_error "$(ask $command "00x36")")"
done
check "6: a string that does not fit the frame is a bad argument: error 2" \
    is 1c02 "$(flags_and_error "$(ask 01 "0000 0000 00 04 0400")")"
check "6: ... and so is a list that does not" \
    is 1c02 "$(flags_and_error "$(ask 03 "02 ff")")"
stop target

# ---- 7: a disk that changes while it is in use -------------------------------

section() {
    printf '[e1.2]\nfile = disk\ninterfaces = eth0\n'
    printf '%s\n' "$@"
}
cp fresh disk
section 'fault = delay=1' >conf
start target nas aoe-target --config conf --control ctl
await target 'e1\.2: serving'
slow() {
    frame 00 "$(ata 0x41 0 1 0x34 $(($1 * 2))) 33x512"
}
burst 16 slow &
bursting=$!
all_started() {
    aoe-target ctl --control ctl stats | grep -Eq '^e1\.2: .* queue_depth=16( |$)'
}
eventually all_started || fail "the writes did not start"
section 'commit = 1' >conf
check "7: a reload while 16 writes are in flight" \
    aoe-target ctl --control ctl reload
wait $bursting
check "7: ... of which every one is answered" \
    is 16 "$(while read -r line; do status "$line"; done <answers | grep -c '40 00')"
check "7: ... and in the file" \
    is 3333 "$(xxd -p -s $((30 * 512)) -l 2 disk)"
stop target

# ---- 8, 9: lists -------------------------------------------------------------

mkdir state
serve --state-dir state --control ctl
try 02 "$(mask 01 "$ME" 020000000011)" >/dev/null
try 03 "01 01 $ME" >/dev/null
try 01 "$(config 4 kept)" >/dev/null
check "8: the reservation is not the mask list" \
    is "01$ME" "$(field "$(try 03 "00 00")" 25 7)"
stop target KILL
serve --state-dir state --control ctl
check "8: a crash after the response loses no mask list" \
    is "020000000011 $ME " "$(list)"
check "8: ... no reservation" is "01$ME" "$(field "$(try 03 "00 00")" 25 7)"
check "8: ... and no config string" \
    is "$(printf kept | xxd -p)" "$(field "$(try 01 "$QUERY")" 32 4)"
aoe-target ctl --control ctl clear-reservation e1.2
check "8: removing the reservation leaves the mask list" \
    is "00 02" "$(field "$(try 03 "00 00")" 25 1) $(field "$(try 02 "00 00 00 00")" 27 1)"
padded() {
    local argument answer
    for argument in "01 $QUERY" "02 00 00 00 00" "03 00 00" "77 00" \
        "00 $(ata 0x40 0 1 0x24 0xffffff)" "00 $(ata 0x41 0 1 0x34 0) 00x512"; do
        answer=$(try "${argument%% *}" "${argument#* }")
        echo "$answer"
        [ ${#answer} -ge 120 ] || return
    done
}
check "8: every response has the 60 bytes of a frame" padded
stop target
rm -r state

serve
for i in {0..255}; do
    printf '0200000001%02x ' "$i"
done >all
# shellcheck disable=SC2046 # words
answer=$(ask 02 "$(mask 01 "$ME" $(cut -d ' ' -f 1-150 all))")
check "9: 151 addresses are a mask list" is 97 "$(field "$answer" 27 1)"
# shellcheck disable=SC2046
answer=$(ask 02 "$(mask 01 $(cut -d ' ' -f 151-240 all))")
check "9: more than fits into a response: the list is full" is 03 "$(field "$answer" 26 1)"
answer=$(ask 02 "00 00 00 00")
check "9: ... and what fits into a frame of 1514 bytes is returned" \
    is "b9 1508" "$(field "$answer" 27 1) $((${#answer} / 2))"
stop target
section 'remote-admin = 02:00:00:00:00:77' >conf
start target nas aoe-target --config conf
await target 'e1\.2: serving'
for argument in "01 $(config 4 stolen)" "02 $(mask 01 "$ME")" "03 02 01 $ME"; do
    check "9: command ${argument%% *} changes nothing for a client that may not" \
        is 1c02 "$(flags_and_error "$(ask "${argument%% *}" "${argument#* }")")"
done
HOST_MAC=02:00:00:00:00:77
check "9: ... but does for those who may" \
    is 1800 "$(flags_and_error "$(ask 01 "$(config 4 mine)")")"
stop target
