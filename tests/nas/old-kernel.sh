#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The file for ARMv5 on an ARM926 with a kernel as old as Linux 2.6.17: a filter
# in the guest answers system calls as that would have (tests/helpers/oldkernel.c),
# with 32-bit numbers, and no clock but the system call's.

# shellcheck disable=SC2034 # guest-nas.sh looks at these
GUEST_MACHINE=arm926
. "$(dirname "$0")/../lib/guest-nas.sh"
. "$(dirname "$0")/../lib/frames.sh"
need jq xxd
nas_needs 1500
OLD=$ROOT/build/nas/tests/oldkernel-armv5te
[ -x "$OLD" ] || skip "there is no $OLD (make check-nas makes it)"
guest_take "$OLD" /bin/oldkernel
SIZE=$((1 << 20))
truncate -s $SIZE "$TMP/disk.img"
nas_disk disk "$TMP/disk.img"
GUEST_DEVICES+=(-device "$(machine_disk disk)")
nas_start 200 <<<'load virtio_blk'
cd "$TMP" || exit

head -c $SIZE /dev/urandom >random
copied() { # onto the disk, and back
    rm -f back
    host aoe copy -q -i eth0 random e1.2 --destructive && cmp random disk.img &&
        host aoe copy -q -i eth0 e1.2 back && cmp random back
}
flushed() {
    is "40 00" "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
}
# The kernel says in one of two ways when a frame came, and there is a clock that
# counts a suspended machine's time, or none.
old_frames_are_dropped() {
    guest_does "kill -STOP \$target"
    host aoe discover -i eth0 --wait 1.5
    mark guest
    guest_does "kill -CONT \$target; kill -USR1 \$target"
    seen guest 'drop_aged=[1-9]' 30
}
section() { # SLOT FILE: in the guest
    guest_does "printf '[e1.%s]\nfile = %s\ninterfaces = eth0\n' $1 $2 >>/conf"
}

guest_does 'dd if=/dev/zero of=/other bs=1024 count=64' >/dev/null
for kernel in 2.6.17 2.6.24 2.6.32 3.2; do
    truncate -s 0 disk.img && truncate -s $SIZE disk.img
    guest_does 'rm -f /conf'
    section 2 /dev/vda
    mark guest
    guest_does "oldkernel $kernel aoe-target --config /conf >\"\$SAYS\" 2>&1 & target=\$!"
    check "Linux $kernel: it serves" seen guest 'e1\.2: serving' 30 || continue
    check "... what is written is on the disk, and read" copied
    check "... flushed" flushed
    section 3 /other
    guest_does "kill -HUP \$target"
    check "... SIGHUP brings another" seen guest 'e1\.3: serving' 30
    check "... what waited too long is dropped" old_frames_are_dropped
    check "... SIGTERM ends it" guest_does served
done
nas_end
