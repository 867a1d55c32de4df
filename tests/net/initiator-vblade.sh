#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Our initiator against Debian's vblade, with all its quirks:
# responses shorter than 60 bytes, status 0 for a flush, no response to FLUSH EXT.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
. "$(dirname "$0")/../lib/initiator.sh"
need vblade jq xxd nbdcopy=libnbd-bin qemu-io=qemu-utils

truncate -s 8M "$TMP/disk"
# vblade does not say when it is ready: a response does.
serve() {
    start vblade nas vblade "$@" 1 2 eth0 "$TMP/disk"
    eventually answered >/dev/null || fail "vblade: does not answer"
}

network 1500
serve
discovery 16 1024
config_string
data
end vblade

nas ip link set eth0 mtu 9000
host ip link set eth0 mtu 9000
serve -b 64
discovery 64 8704
data
end vblade

serve -r
# shellcheck disable=SC2016 # $uri is aoe-nbd's
check "a disk that vblade serves read-only: a write fails" \
    not nbd 'qemu-io -f raw -c "write 0 4096" "$uri"'
check "... and changed nothing" neighbours
end vblade

# ---- a crash -----------------------------------------------------------------

serve
# shellcheck disable=SC2016
exec {copy}< <(exec nsenter --net="/run/netns/$HOST_NS" -- \
    aoe-nbd serve e1.2 -i eth0 --run 'nbdcopy "$uri" -' 2>"$TMP/copy.log")
client=$!
head -c 1M <&"$copy" >"$TMP/copy"
end vblade
serve
cat <&"$copy" >>"$TMP/copy"
exec {copy}<&-
wait "$client"
check "a client that was reading continues when vblade is back" is 0 $?
check "... and what it read is the disk" cmp "$TMP/disk" "$TMP/copy"
end vblade
