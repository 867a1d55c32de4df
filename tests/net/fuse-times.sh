#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Backup programs read a file only if its time has changed: a disk that was written
# here, or by another host, never looks unchanged; and the time of one that is open
# and not written stands still.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/fuse.sh"
need restic rsync tar python3
network 9000

DISK=$TMP/disk FILE=$MNT/e1.2
head -c 4M /dev/urandom >"$DISK"
start target nas aoe-target 1 2 eth0 "$DISK"
await target 'serving'
mount_disks e1.2

changed() { # by whom: here, or another host, which writes to the same disk
    if [ "$1" = here ]; then
        head -c 64k /dev/urandom | dd of="$FILE" bs=64k seek=7 conv=notrunc status=none
    else
        head -c 64k /dev/urandom | dd of="$DISK" bs=64k seek=9 conv=notrunc status=none
    fi
}
time_of() {
    stat -c '%.Y %.Z' "$FILE"
}

# ---- programs that rely on it -----------------------------------------------------

export RESTIC_REPOSITORY=$TMP/repository RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$TMP/cache
restic init >"$TMP/restic.out" 2>&1 || fail "restic: $(cat "$TMP/restic.out")"
backed_up() {
    restic backup --json "$FILE" >"$TMP/restic.out" 2>&1 || { cat "$TMP/restic.out" && return 1; }
    rm -rf "$TMP/restored"
    restic restore latest --target "$TMP/restored" >"$TMP/restic.out" 2>&1 ||
        { cat "$TMP/restic.out" && return 1; }
    cmp "$TMP/restored$FILE" "$DISK"
}
synced() { # by default it compares whole seconds
    rsync -t --modify-window=-1 "$FILE" "$TMP/synced" && cmp "$TMP/synced" "$DISK"
}
copied() {
    cp -pu "$FILE" "$TMP/copied" && cmp "$TMP/copied" "$DISK"
}
archived() { # what GNU tar --newer-mtime and incremental dumps rely on
    tar -c -g "$TMP/snapshot" -f "$TMP/tar" -C "$MNT" e1.2 2>"$TMP/tar.err" ||
        { cat "$TMP/tar.err" && return 1; }
    [ ! -s "$TMP/tar.err" ] && tar -xOf "$TMP/tar" e1.2 | cmp - "$DISK"
}
backups() { # WHEN
    check "$1: restic" backed_up
    check "$1: rsync -t" synced
    check "$1: cp -pu" copied
    check "$1: tar, incrementally, which finds that nothing changed meanwhile" archived
}
backups "at first"
changed here
backups "written here"
changed elsewhere
backups "written by another host"
exec 8<"$FILE" # somebody reads it all the time
changed elsewhere
backups "written by another host while a reader has it open"
changed elsewhere
backups "and again"
exec 8<&-
exec 9<>"$FILE"
changed here
backups "open for writing, written here"
changed here
backups "and again"
exec 9>&-

# ---- what stat says ---------------------------------------------------------------

moves() { # COMMAND...
    local before
    before=$(time_of)
    "$@" || return
    [ "$(time_of)" != "$before" ] || { echo "still $before" && return 1; }
}
stands() {
    ! moves "$@"
}
read_it() {
    dd if="$FILE" of="$TMP/read" bs=1M status=none
}
check "not open: it moves" moves true
now() {
    local before after time
    before=$(date +%s.%N) time=$(stat -c %.Y "$FILE") after=$(date +%s.%N)
    echo "$before $time $after"
    [ "$(printf '%s\n' "$before" "$time" "$after" | sort -n | tr '\n' ' ')" = "$before $time $after " ]
}
check "... with the clock" now
exec 9<"$FILE"
check "open for reading: it stands still" stands true
check "... until it is written" moves changed here
exec 9>&-
exec 9<>"$FILE"
check "open for writing: it stands still" stands true
check "... also while others read it" stands read_it
check "... until it is written" moves changed here
check "... or trimmed" moves fallocate --punch-hole -l 64k "$FILE"
check "... or zeroed" moves fallocate --zero-range -l 64k "$FILE"
check "a time that is set is not kept" stands touch -d 2001-01-01 "$FILE"
exec 9>&-
check "the text files' times move, too" moves cat "$FILE.stats"
check "tar of a text file" tar -cf "$TMP/tar" -C "$MNT" e1.2.info

# With the page cache: the same.
stop fuse
mount_disks e1.2 -o cache
exec 9<>"$FILE"
check "-o cache: writing moves it" moves changed here
check "-o cache: reading does not" stands read_it
kept() {
    python3 - "$FILE" <<'END'
import os, re, sys
path = sys.argv[1]
reads = lambda: int(re.search(r"^reads +(\d+)", open(path + ".stats").read(), re.M)[1])
f = os.open(path, os.O_RDWR)
os.pread(f, 4 << 20, 0) # all of it, so that nothing is left to read ahead
before = reads()
for i in range(3):
    os.pwrite(f, b"x" * 4096, i << 12)
    os.stat(path)
    os.pread(f, 1 << 20, 0)
print(before, reads())
sys.exit(reads() != before)
END
}
check "-o cache: writing does not drop what is cached" kept
check "-o cache: written by another host and opened again" synced
exec 9>&-
changed elsewhere
check "-o cache: restic" backed_up
stop fuse
stop target
