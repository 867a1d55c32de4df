#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Writes the seeds of the fuzz targets that eat AoE frames: those frames that
# the network tests send by hand.  What it wrote is in the repository; it runs
# again when a command is added.
#
#     tests/fuzz/seeds.sh     # writes tests/fuzz/corpus/{frame,responder}

set -eu
cd "$(dirname "$0")"
# shellcheck disable=SC2034 # frames.sh uses them
NAS_MAC=02a0e0000002 HOST_MAC=02a0e0000001
. ../lib/frames.sh
mkdir -p corpus/frame corpus/responder

# bytes: hexadecimal with blanks and DIGITSxTIMES, as rawframe reads it.
bytes() {
    local word
    for word in $1; do
        case $word in
        *x*) printf "${word%x*}%.0s" $(seq "${word#*x}") ;;
        *) printf %s "$word" ;;
        esac
    done
}
# seed NAME SWITCHES FRAME...: one seed of the responder, and the first of its
# frames as one of the parsers.
seed() {
    local name=$1 switches=$2 text hex
    shift 2
    hex=$switches
    for text; do
        text=$(bytes "$text")
        hex+=$(printf '%02x%02x' $((${#text} / 2 & 255)) $((${#text} / 2 >> 8)))
        hex+=$text
    done
    xxd -r -p <<<"$hex" >"corpus/responder/$name"
    bytes "$1" | xxd -r -p >"corpus/frame/$name"
}

query=$(frame 01 "$QUERY 00x28")
identify=$(frame 00 "$(ata 0 0 1 0xec 0) 00x24")
read=$(frame 00 "$(ata 0x40 0 2 0x24 0) 00x24")
write=$(frame 00 "$(ata 0x41 0 1 0x34 5) 5ax512")
reserve=$(frame 03 "01 01 020000000077 00x28")

seed query 00 "$query"
seed query-everyone 00 "ffffffffffff $HOST_MAC 88a2 1000 ffff ff 01 $TAG $QUERY 00x28"
seed config-set 00 "$(frame 01 "$(config 3 'a config string')")" \
    "$(frame 01 "$(config 1 'a config string')")" \
    "$(frame 01 "$(config 2 'a con')")" "$(frame 01 "$(config 4 other)")" "$query"
seed identify 00 "$identify"
seed identify-tiny 08 "$identify" "$query"
seed read 00 "$read" "$(frame 00 "$(ata 0 0 2 0x20 1) 00x24")"
seed read-jumbo 04 "$(frame 00 "$(ata 0x40 0 16 0x25 8) 00x24")"
seed read-end 40 "$(frame 00 "$(ata 0x40 0 2 0x24 22) 00x24")" \
    "$(frame 00 "$(ata 0x40 0 2 0x24 23) 00x24")"
seed write 00 "$write" "$(frame 00 "$(ata 0x41 0 2 0x35 6) a5x1024")" \
    "$(frame 00 "$(ata 1 0 1 0x30 7) 33x512")" "$read"
seed write-short 00 "$(frame 00 "$(ata 0x41 0 2 0x34 5) 5ax512")"
seed write-fua 02 "$(frame 00 "$(ata 0x41 0 1 0x3d 9) 11x512")"
seed write-everyone 00 \
    "ffffffffffff $HOST_MAC 88a2 1000 $DISK 00 $TAG $(ata 0x41 0 1 0x34 0) 5ax512" \
    "$NAS_MAC $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0x41 0 1 0x34 0) 5ax512"
seed write-read-only 01 "$write"
seed verify 00 "$(frame 00 "$(ata 0x40 0 0 0x42 0) 00x24")" \
    "$(frame 00 "$(ata 0 0 24 0x40 0) 00x24")"
seed flush 00 "$(frame 00 "$(ata 0x40 0 0 0xea 0) 00x24")" \
    "$(frame 00 "$(ata 0 0 0 0xe7 0) 00x24")"
seed trim 00 "$(frame 00 "$(ata 0x41 1 1 0x06 0) 0500000000000800 1000000000000400 00x496")"
seed features 00 "$(frame 00 "$(ata 0 0x82 0 0xef 0) 00x24")" "$write" \
    "$(frame 00 "$(ata 0 0x02 0 0xef 0) 00x24")"
seed power 00 "$(frame 00 "$(ata 0 0 0 0xe5 0) 00x24")" \
    "$(frame 00 "$(ata 0 0 0 0xe0 0) 00x24")"
seed mask 00 "$(frame 02 "00 00 00 00 00x32")" \
    "$(frame 02 "00 01 00 02 00 01 $HOST_MAC 00 01 020000000077 00x12")" \
    "$(frame 02 "00 01 00 01 00 02 020000000077 00x20")"
seed masked 10 "${query/$HOST_MAC/020000000099}" \
    "${write/$HOST_MAC/020000000099}" "$query"
seed reserve 00 "$reserve" "$(frame 03 "00 00 00x34")" "$write" \
    "$(frame 03 "02 00 00x34")"
seed reserved 20 "${write/$HOST_MAC/020000000099}" "${reserve/$HOST_MAC/020000000099}" \
    "$write"
seed version 00 "$NAS_MAC $HOST_MAC 88a2 2000 $DISK 01 $TAG $QUERY 00x28"
seed response 00 "$NAS_MAC $HOST_MAC 88a2 1800 $DISK 01 $TAG $QUERY 00x28"
seed from-a-group 00 "$NAS_MAC 01a0e0000001 88a2 1000 $DISK 01 $TAG $QUERY 00x28"
seed vendor 00 "$(frame f0 00x36)"
