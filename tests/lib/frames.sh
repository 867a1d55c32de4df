# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Hand-written AoE requests, for tests that judge a target without an
# initiator: hexadecimal in, hexadecimal out (offsets count from the frame's
# first byte).  Source it after net.sh.

DISK="0001 02" # the disk that is addressed
TAG=80000001

# frame COMMAND ARGUMENT: one request from the host to the NAS.
frame() {
    echo "$NAS_MAC $HOST_MAC 88a2 1000 $DISK $1 $TAG $2"
}

# ask COMMAND ARGUMENT: sends it and prints the answer; false if none came.  An
# announcement may precede it.
ask() {
    local answers
    answers=$(frame "$@" | host rawframe -p -u "$TAG" eth0) || return
    echo "${answers##*$'\n'}"
}
# fresh COMMAND...: with a new tag, so that its requests are not copies of
# earlier ones.
fresh() {
    local TAG
    TAG=$(printf '81%06x' $((${EPOCHREALTIME//[!0-9]/} & 0xffffff)))
    "$@"
}
# answered: the same for a config query, with a short wait.
answered() {
    frame 01 "$QUERY" | host rawframe -p -u "$TAG" -w 300 eth0
}

# try COMMAND ARGUMENT: the same for a request that may never be answered.
try() {
    frame "$@" | host rawframe -w 300 -p -n 1 eth0
}

# field FRAME OFFSET LENGTH: those bytes of it.
field() {
    echo "${1:$(($2 * 2)):$(($3 * 2))}"
}

# The argument of a config query that only reads.
QUERY="0000 0000 00 00 0000"

# config CODE STRING: the argument of a query with a string.
config() {
    printf '0000 0000 00 0%d %04x ' "$1" "${#2}"
    printf '%s' "$2" | xxd -p | tr -d '\n'
}

# mask DIRECTIVE MAC...: the argument of an edit of the mask list.
mask() {
    local code=$1 mac text=
    shift
    for mac; do text+=" 00 $code $mac"; done
    printf '00 01 00 %02x%s' $# "$text"
}
# list: the addresses on the mask list, in order.
list() {
    local answer
    answer=$(try 02 "00 00 00 00") || return
    field "$answer" 28 $((0x$(field "$answer" 27 1) * 8)) | fold -w 16 |
        cut -c 5-16 | grep . | sort | tr '\n' ' '
}

# ata AFLAGS FEATURE COUNT COMMAND LBA: the argument of an ATA command; its
# data follows.
ata() {
    printf '%02x %02x %02x %02x ' "$1" "$2" "$3" "$4"
    printf '%02x %02x %02x %02x %02x %02x 0000' $(($5 & 255)) \
        $(($5 >> 8 & 255)) $(($5 >> 16 & 255)) $(($5 >> 24 & 255)) \
        $(($5 >> 32 & 255)) $(($5 >> 40 & 255))
}
read_sectors() { # LBA COUNT
    ask 00 "$(ata 0x40 0 "$2" 0x24 "$1")"
}
write_sectors() { # LBA COUNT DATA
    ask 00 "$(ata 0x41 0 "$2" 0x34 "$1") $3"
}
identify() {
    ask 00 "$(ata 0 0 1 0xec 0)"
}

# status FRAME: the ATA status and error registers of an answer: "40 00".
status() {
    echo "$(field "$1" 27 1) $(field "$1" 25 1)"
}

# word IDENTIFY-FRAME NUMBER: one word of the IDENTIFY page, as four digits.
word() {
    local bytes
    bytes=$(field "$1" $((36 + $2 * 2)) 2)
    echo "${bytes:2:2}${bytes:0:2}"
}
# The size in sectors: words 100 to 103.
sectors() {
    echo $((0x$(word "$1" 103)$(word "$1" 102)$(word "$1" 101)$(word "$1" 100)))
}

# is WANTED GOT: for check; prints what it got.
is() {
    [ "$1" = "$2" ] || { echo "wanted \"$1\", got \"$2\"" && return 1; }
}

# reading ... reading_end: reads the disk continuously, each sector once,
# without retransmitting; then false, with a list, if an answer was missing.
reading() {
    rm -f "$TMP/enough"
    : >"$TMP/lost"
    # Tags of its own: answers to others arrive meanwhile.
    local n=0 TAG=8000ead5 answer
    while [ ! -e "$TMP/enough" ]; do
        n=$((n + 1))
        answer=$(read_sectors $((n % 2048)) 1)
        [ "$(status "$answer")" = "40 00" ] ||
            echo "request $n: \"$answer\"" >>"$TMP/lost"
    done &
    READER=$!
    at_exit kill "$READER"
}
reading_end() {
    touch "$TMP/enough"
    wait "$READER"
    cat "$TMP/lost"
    [ ! -s "$TMP/lost" ]
}
