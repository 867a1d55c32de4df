#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-nbd serve and a NAS whose power fails: what was not flushed is reported and
# fails the next flush, or with --replay is written again.  An orderly restart loses
# nothing.

. "$(dirname "$0")/../lib/net.sh"
need nbdcopy=libnbd-bin qemu-img=qemu-utils qemu-io=qemu-utils
network 1500

SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
truncate -s 8M "$TMP/disk"
mkdir "$TMP/state"
target() {
    start target nas aoe-target --state-dir "$TMP/state" --commit 0 \
        1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
serve() {
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$SOCK" "$@"
    await nbd '^aoe-nbd: e1\.2: serving'
}
# Whether the first half of the NAS's disk has what was written.
pattern() {
    cmp "$TMP/disk" "$TMP/pattern" -n $((4 << 20))
}
# Loses its power, and with it all that was not flushed.  The reader keeps the disk
# busy: an idle one would be flushed, which is not what this tests.
power_failure() {
    start reader host qemu-img bench -f raw -c 1000000000 -d 4 "$URI"
    nbdcopy "$TMP/pattern" "$URI" # which flushes only when it is told to
    check "the NAS has it" pattern
    stop target KILL
    dd if=/dev/zero of="$TMP/disk" bs=1M count=8 conv=notrunc status=none
    target
}

head -c 4M /dev/zero | tr '\0' Z >"$TMP/pattern"
target
serve
power_failure
check "a restart with unflushed writes is reported" \
    await nbd 'e1\.2: the target was restarted and has lost writes'
check "what was lost is lost" not pattern
end reader
# nbdcopy is gone without a flush.
durable() {
    says 'wrote 512/512' host qemu-io -f raw -c 'write -f 5M 512' "$URI"
}
check "the next client is told" not durable
check "... once" durable
stop nbd

serve --replay 16
power_failure
check "with --replay it is written again" \
    await nbd 'e1\.2: the target was restarted.*written again'
check "and nothing is lost" pattern
check "no request has failed" alive reader
end reader
stop nbd
