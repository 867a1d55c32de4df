#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A copy of a write that arrives late, after newer data was written to the same place,
# is answered and changes nothing.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 1500

truncate -s 1M "$TMP/disk"
start target nas aoe-target --fault write-error=100 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

# write TAG LBA BYTE: one sector of that byte; prints the registers of the response.
write() {
    local TAG=$1
    status "$(write_sectors "$2" 1 "$3x512")"
}
# holds LBA BYTE: what the file has there, whatever was answered.
holds() {
    is "$2$2" "$(xxd -p -s $(($1 * 512)) -l 1 "$TMP/disk")$(
        xxd -p -s $(($1 * 512 + 511)) -l 1 "$TMP/disk")"
}

write 80000101 5 aa >"$TMP/first"
write 80000102 5 bb >/dev/null
check "a late copy is answered like the original" \
    is "$(cat "$TMP/first")" "$(write 80000101 5 aa)"
check "... with success" is "40 00" "$(cat "$TMP/first")"
check "... and does not undo newer data" holds 5 bb
write 80000103 5 aa >/dev/null
check "the same data with a new tag, as Linux sends it, is written" holds 5 aa
write 80000103 5 cc >/dev/null
check "a tag that is used again with other data is written" holds 5 cc
write 80000103 5 aa >/dev/null
check "... and again with the first data" holds 5 aa
write 80000104 6 dd >/dev/null
write 80000104 7 dd >/dev/null
check "... or at another place" holds 7 dd

check "a write that failed" is "61 04" "$(write 80000105 100 ee)"
check "... and its copy is answered as failed, too" \
    is "61 04" "$(write 80000105 100 ee)"

# All at once: the copy may arrive while the original is still in progress.
for tag in 80000201 80000202 80000201; do
    byte=11
    [ "$tag" = 80000202 ] && byte=22
    TAG=$tag frame 00 "$(ata 0x41 0 1 0x34 9) ${byte}x512"
done | host rawframe -p -n 3 eth0 >"$TMP/three"
check "three that arrive together are answered" is 3 "$(wc -l <"$TMP/three")"
check "... and the newer data stays" holds 9 22

# Reads and flushes are executed each time.
read_sectors 9 1 >/dev/null
printf '\x33' | dd of="$TMP/disk" bs=1 seek=$((9 * 512)) conv=notrunc status=none
check "a read with a tag used before is executed again" \
    is 33 "$(field "$(read_sectors 9 1)" 36 1)"
ask 00 "$(ata 0 0 0 0xe7 0)" >/dev/null
ask 00 "$(ata 0 0 0 0xe7 0)" >/dev/null
mark target
kill -USR1 "${PID[target]}"
check "counters show the copies, and no flush among them" \
    seen target 'flushes=2 .*copies=3 '
stop target
