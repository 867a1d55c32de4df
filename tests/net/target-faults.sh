#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk that fails: each failure reaches the client as ATA status, the log as
# one line, and the counters; and none delays or ends anything else.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 9000

head -c 1M /dev/zero | tr '\000' '\125' >"$TMP/disk"
serve() {
    start target nas aoe-target "$@" 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
# failed STATUS ERROR COUNT LBA FRAME: the registers of an answer, hexadecimal.
failed() {
    is "$1 $2 $3 $4" "$(status "$5") $(field "$5" 26 1) $(field "$5" 28 1)"
}
# counter NAME: of the disk, now.
counter() {
    mark target
    kill -USR1 "${PID[target]}"
    await target 'e1\.2: frames='
    tail -n "+$((SEEN[target] + 1))" "$(log_of target)" |
        sed -n "s/^aoe-target: e1\.2:.* $1=\([0-9]*\).*/\1/p" | tail -n 1
}

counted() { # NAME VALUE
    [ "$(counter "$1")" = "$2" ]
}

# ---- bad sectors -------------------------------------------------------------

serve --fault read-error=100-101,write-error=200
answer=$(read_sectors 98 8)
check "reading a bad sector is UNC, from that sector on" \
    failed 41 40 06 64 "$answer"
check "... and the answer has no data" is 60 "$((${#answer} / 2))"
check "reading beside it works" is "40 00" "$(status "$(read_sectors 102 8)")"
check "verifying finds it" failed 41 40 64 64 \
    "$(ask 00 "$(ata 0x40 0 200 0x42 0)")"
check "writing over it works" is "40 00" "$(status "$(write_sectors 100 1 aax512)")"
check "a write that fails is a device fault, from that sector on" \
    failed 61 04 01 c8 "$(write_sectors 199 2 bbx1024)"
check "... and what came before it is written" is bb \
    "$(field "$(read_sectors 199 1)" 36 1)"
check "the log names the sector" grep -q 'e1\.2: read at sector 100: ' \
    "$(log_of target)"
for i in {1..40}; do
    frame 00 "$(ata 0x40 0 1 0x24 100)"
done | host rawframe -p -n 40 eth0 >/dev/null
check "it does not repeat itself for ever" \
    test "$(grep -c 'read at sector' "$(log_of target)")" -lt 12
check "the counters have them all" is 42 "$(counter uncorrectable)"
check "... and the fault" is 1 "$(counter fault)"
stop target

# ---- a flush that fails ------------------------------------------------------

serve --fault flush-error
check "FLUSH CACHE EXT: device fault" is "61 04" \
    "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
stop target

# Linux's driver never flushes: the target does it by itself.
serve --fault flush-error --commit 0.2
mark target
write_sectors 5 1 aax512 >/dev/null
await target 'e1\.2: flush to disk: Input/output error'
check "what is written is committed without being asked" true
kill -TERM "${PID[target]}"
finished target
check "a stop that loses data is exit status 1" is 1 $?

# ---- a slow disk -------------------------------------------------------------

serve --fault delay=0.5
# Others talk meanwhile: the answer is the one with its tag.
patient() {
    TAG=80004242 frame "$@" | host rawframe -p -u 80004242 eth0 | tail -n 1
}
patient 00 "$(ata 0x40 0 1 0x24 3)" >"$TMP/read" &
reader=$!
eventually counted reads 1
check "discovery does not wait for the disk" ask 01 "$QUERY"
check "... which has not answered yet" test ! -s "$TMP/read"
wait "$reader"
check "the read is answered in the end" is "40 00" "$(status "$(cat "$TMP/read")")"
patient 00 "$(ata 0x41 0 1 0x34 7) ccx512" >"$TMP/write" &
writer=$!
eventually counted writes 1
stop target TERM
wait "$writer"
check "SIGTERM: what was taken is done and answered" \
    is "40 00" "$(status "$(cat "$TMP/write")")"
check "... and in the file" is cccc "$(xxd -p -s 3584 -l 2 "$TMP/disk")"

# ---- the file is cut short ---------------------------------------------------

serve
truncate -s 128K "$TMP/disk"
check "reading beyond the new end is IDNF" failed 41 10 02 00 \
    "$(read_sectors 254 4)"
check "writing beyond it is, too" failed 41 10 02 00 \
    "$(write_sectors 254 4 ddx2048)"
check "the file is no longer than before" is 131072 "$(stat -c %s "$TMP/disk")"
truncate -s 1M "$TMP/disk"
check "when it is long again it works again" \
    is "40 00" "$(status "$(write_sectors 256 1 eex512)")"
stop target
