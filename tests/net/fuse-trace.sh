#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What aoe-fuse mount logs: nothing by default, its decisions with -v,
# each request with -vv.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
network 1500

head -c 4M /dev/urandom >"$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

use() { # read, write, fsync
    dd if="$MNT/e1.2" of=/dev/null bs=4096 skip=20 count=1 iflag=direct status=none &&
        dd if=/dev/zero of="$MNT/e1.2" bs=8192 seek=3 count=1 conv=notrunc,fsync \
            oflag=direct status=none
}
said() { # REGEX...: each is in the log, in this order
    local line=0 found
    for regex in "$@"; do
        found=$(tail -n +$((line + 1)) "$(log_of fuse)" | grep -nE -m 1 -- "$regex") ||
            { echo "after line $line there is no $regex" && return 1; }
        line=$((line + ${found%%:*}))
    done
}
session() { # OPTION...
    mount_disks e1.2 "$@"
    check "$*: the disk is used" use
    check "$*: umount" host aoe-fuse umount "$MNT"
    check "$*: the server ends" unmounted
}
nothing_else() {
    [ "$(grep -c . "$(log_of fuse)")" = 1 ] || cat "$(log_of fuse)"
    [ "$(grep -c . "$(log_of fuse)")" = 1 ]
}

session
check "by default it logs only that it is mounted" nothing_else

session -v
check "-v: its decisions, in order" said \
    "$MNT: discovering" \
    'e1\.2: searching' \
    'e1\.2: found, 4194304 bytes' \
    "$MNT: serving" \
    'session: serving' \
    'e1\.2: handle 1 opened, 1 open, 0 may write' \
    'e1\.2: handle 1 closed, 0 open, 0 may write' \
    'e1\.2: handle 2 opened for writing, 1 open, 1 may write' \
    'e1\.2: handle 2 closed, 0 open, 0 may write' \
    "$MNT: flushing" \
    'drain: done, status 0'
check "-v: no requests" not grep -q 'read 4096' "$(log_of fuse)"

session -vv
check "-vv: each request, and what became of it" said \
    'e1\.2: read 4096 at 81920, handle 1$' \
    'e1\.2: read 4096 at 81920, handle 1: done' \
    'e1\.2: write 8192 at 24576, handle 2$' \
    'e1\.2: write 8192 at 24576, handle 2: done' \
    'e1\.2: flush, handle 2$' \
    'e1\.2: flush, handle 2: done'
