#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What aoe-target logs: its decisions with -v, each request with -vv, and neither by
# default.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 1500

head -c 1M /dev/zero >"$TMP/disk"
serve() { # OPTION...
    start target nas aoe-target --fault write-error=9 "$@" 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
work() {
    read_sectors 16 2 >/dev/null
    ask 00 "$(ata 0x41 0 1 0x34 9) a7x512" >/dev/null
    ask 00 "$(ata 0 0 0 0xe7 0)" >/dev/null
}
said() { # PATTERN
    grep -qE "$1" "$(log_of target)"
}

serve
work
stop target
check "neither by default" \
    not said 'tag [0-9a-f]{8}|claimed|opened:'

serve --verbose
work
stop target
check "-v: the file is claimed" said "$TMP/disk: claimed, to be read and written"
check "... and opened, and how" \
    said "$TMP/disk: opened: 1048576 bytes from 0 on, through the page cache"
check "... but no requests" not said 'tag [0-9a-f]{8}'

serve --verbose --verbose
work
stop target
ok="from $HOST_MAC tag [0-9a-f]{8}: ok, [0-9]+ us"
check "-vv: a read, with the time of day" \
    said "[0-9:]{8}\.[0-9]{6} e1\.2: read 2 sectors at 16 $ok"
check "a flush" said "e1\.2: flush $ok"
check "a write that failed" said \
    "e1\.2: write 1 sector at 9 from $HOST_MAC tag [0-9a-f]{8}: Input/output error, "
