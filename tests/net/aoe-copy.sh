#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe copy: every byte arrives, holes stay holes, nothing is overwritten unasked,
# and a copy that ended early can be resumed.  cmp and qemu-img judge.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade qemu-img=qemu-utils script=bsdutils strace
network 9000

SIZE=$((20 << 20))
head -c $SIZE /dev/urandom >"$TMP/random"
copy() {
    host aoe copy -i eth0 "$@"
}
silent() { # COMMAND...: succeeds and prints nothing
    local status
    "$@" >"$TMP/.said" 2>&1
    status=$?
    cat "$TMP/.said"
    [ "$status" = 0 ] && [ ! -s "$TMP/.said" ]
}
same() {
    cmp "$@" && qemu-img compare -q -f raw -F raw "$@"
}
zeroes() { # FILE SIZE: makes it
    rm -f "$1" && truncate -s "$2" "$1"
}

there_and_back() {
    check "$1: from a file to the disk, silently" \
        silent copy "$TMP/random" e1.2 --destructive
    check "... every byte" same "$TMP/random" "$TMP/disk"
    rm -f "$TMP/copy"
    check "$1: from the disk to a file, silently" silent copy e1.2 "$TMP/copy"
    check "... every byte" same "$TMP/disk" "$TMP/copy"
}

# ---- ours ----------------------------------------------------------------------

serve() {
    start target nas aoe-target "$@" 1 2 eth0 "$TMP/disk"
    await target 'serving'
}
zeroes "$TMP/disk" $SIZE
serve
there_and_back aoe-target

# Data here and there: 1 byte at 0, 5 MiB - 100, and a block near the end.
holes() {
    zeroes "$TMP/disk" $SIZE
    for at in 0 5242780 20000000; do
        printf 'data across a border %0100d' 7 |
            dd of="$TMP/disk" bs=1 seek=$at conv=notrunc status=none
    done
}
allocated() {
    echo $(($(stat -c %b "$1") * $(stat -c %B "$1")))
}
stop target
holes
serve
rm "$TMP/copy"
check "a disk with holes" copy e1.2 "$TMP/copy"
check "... is the same" same "$TMP/disk" "$TMP/copy"
check "... and as long" is $SIZE "$(stat -c %s "$TMP/copy")"
check "... which takes little space ($(allocated "$TMP/copy") bytes)" \
    test "$(allocated "$TMP/copy")" -lt 100000
cp "$TMP/random" "$TMP/old"
check "a file that exists is not overwritten" refuses 1 \
    "^aoe: copy: $TMP/old: it exists; --destructive" copy e1.2 "$TMP/old"
check "... and did not change" cmp "$TMP/random" "$TMP/old"
check "... except with --destructive" copy e1.2 "$TMP/old" --destructive
check "... and none of its old bytes is left in the holes" same "$TMP/disk" "$TMP/old"
check "a disk is not overwritten" refuses 2 \
    '^aoe: copy: this overwrites e1\.2; confirm with --destructive' copy "$TMP/random" e1.2

# Sizes that are not the disk's.
head -c 1000001 "$TMP/random" >"$TMP/small"
cp "$TMP/disk" "$TMP/before"
check "a smaller file is reported" \
    says "e1\.2 is larger than $TMP/small; its last $((SIZE - 1000001)) bytes stay" \
    copy "$TMP/small" e1.2 --destructive
check "... and copied" cmp -n 1000001 "$TMP/small" "$TMP/disk"
check "... the rest stays" cmp -i 1000001 "$TMP/before" "$TMP/disk"
cp "$TMP/disk" "$TMP/before"
(cat "$TMP/random" && echo more) >"$TMP/large"
check "a larger one is refused" refuses 1 \
    "^aoe: copy: $TMP/large has $((SIZE + 5)) bytes, e1\.2 only $SIZE; nothing was" \
    copy "$TMP/large" e1.2 --destructive
check "... before anything is written" cmp "$TMP/before" "$TMP/disk"
: >"$TMP/empty"
check "an empty file" copy "$TMP/empty" e1.2 --destructive
check "... changes nothing" cmp "$TMP/before" "$TMP/disk"

# ---- the terminal ----------------------------------------------------------------

stop target
serve --fault delay=0.01
rm -f "$TMP/copy"
terminal() {
    host script -qec "aoe copy -i eth0 $*" /dev/null </dev/null | tr '\r' '\n'
}
check "a terminal shows the progress" \
    says '^e1\.2: +[0-9]+ %, [0-9.]+ [kM]?B of 21 MB, [0-9.]+ [kM]?B/s, [0-9]+:[0-9]{2}:[0-9]{2} left' \
    terminal e1.2 "$TMP/copy"
check "... the copy is whole" same "$TMP/disk" "$TMP/copy"
rm -f "$TMP/copy"
check "... not with --quiet" is "" "$(terminal e1.2 "$TMP/copy" --quiet)"

# ---- stopped ---------------------------------------------------------------------

rm -f "$TMP/copy"
grown() {
    [ -s "$TMP/copy" ]
}
start copy host aoe copy e1.2 "$TMP/copy" -i eth0 --window 4
eventually grown
kill -INT "${PID[copy]}"
finished copy
check "a signal ends it with status 1" test $? = 1
REST=$(sed -n 's/^aoe: copy: stopped by a signal; --offset \([0-9]*\) resumes it$/\1/p' "$(log_of copy)")
check "... and says where ($REST)" test "${REST:-0}" -gt 0
check "... which is where the file ends" is "$REST" "$(stat -c %s "$TMP/copy")"
check "... its bytes are the disk's" cmp -n "$REST" "$TMP/disk" "$TMP/copy"
check "--offset resumes it" copy e1.2 "$TMP/copy" --offset "$REST"
check "... and all of it is the disk" same "$TMP/disk" "$TMP/copy"
stop target

# ---- errors ----------------------------------------------------------------------

cp "$TMP/random" "$TMP/disk"
serve --fault read-error=20000,write-error=30000
rm -f "$TMP/copy"
check "a sector that cannot be read" refuses 1 \
    '^aoe: copy: reading e1\.2 at byte 10240000: Input/output error; --offset 10223616 resumes it$' \
    copy e1.2 "$TMP/copy"
check "... the file ends there" is 10223616 "$(stat -c %s "$TMP/copy")"
check "a sector that cannot be written" refuses 1 \
    '^aoe: copy: writing e1\.2 at byte 15360000: Input/output error; --offset 15204352 resumes it$' \
    copy "$TMP/random" e1.2 --destructive
stop target
zeroes "$TMP/disk" $SIZE
head -c 15204352 "$TMP/random" | dd of="$TMP/disk" conv=notrunc status=none
serve
check "--offset resumes writing" copy "$TMP/random" e1.2 --destructive --offset 15204352
check "... and all of it is the file" same "$TMP/random" "$TMP/disk"
check "--offset resumes reading" copy e1.2 "$TMP/copy" --offset 10223616
check "... and all of it is the disk" same "$TMP/disk" "$TMP/copy"
check "--offset beyond the file" refuses 1 "^aoe: copy: $TMP/small: it has only 1000001" \
    copy e1.2 "$TMP/small" --offset 2M
check "--offset beyond the end" refuses 1 '^aoe: copy: --offset 1048576000 is beyond' \
    copy "$TMP/random" e1.2 --destructive --offset 1000M
stop target
serve --fault flush-error
check "a flush that fails is an error" refuses 1 '^aoe: copy: e1\.2: flushing it: ' \
    copy "$TMP/random" e1.2 --destructive
stop target KILL
serve

# A target that ended unannounced may have lost what it had in memory: what
# was written since the last flush is written again.
head -c 48M /dev/urandom >"$TMP/big"
stop target
zeroes "$TMP/disk" 48M
serve --fault delay=0.01
start copy host aoe copy "$TMP/big" e1.2 --destructive -i eth0
much() {
    [ "$(allocated "$TMP/disk")" -gt 40000000 ] || ! alive copy
}
eventually much
stop target KILL
serve
finished copy 60
check "a restart of the target ends the copy with status 1" test $? = 1
REST=$(sed -n 's/^aoe: copy: e1\.2: its target was restarted .*; --offset \([0-9]*\) resumes it$/\1/p' "$(log_of copy)")
check "... it says where to resume ($REST)" test "${REST:-}"
check "... which is the last flush" test "${REST:-1}" -le 40000000
truncate -s "${REST:-0}" "$TMP/disk" && truncate -s 48M "$TMP/disk" # the crash
check "... and it resumes there" copy "$TMP/big" e1.2 --destructive --offset "${REST:-0}"
check "... and all of it is the file" same "$TMP/big" "$TMP/disk"
stop target
cp "$TMP/random" "$TMP/disk"
serve

mkdir "$TMP/full"
mount -t tmpfs -o size=4m none "$TMP/full" || fail "cannot mount a small file system"
check "a full file system" refuses 1 \
    "^aoe: copy: writing $TMP/full/copy at byte [0-9]+: No space left on device; --offset [0-9]+ resumes it" \
    copy e1.2 "$TMP/full/copy"
check "... the file has the bytes of the disk so far" \
    cmp -n "$(stat -c %s "$TMP/full/copy")" "$TMP/disk" "$TMP/full/copy"
check "a directory" refuses 1 "^aoe: copy: $TMP: opening it: Is a directory" \
    copy e1.2 "$TMP"
check "no such file" refuses 1 "^aoe: copy: $TMP/none: opening it: No such file" \
    copy "$TMP/none" e1.2 --destructive
check "neither a file nor a block device" refuses 1 '^aoe: copy: /dev/null: neither a file nor' \
    copy e1.2 /dev/null
rm -f "$TMP/copy"
check "a disk that is not there" refuses 1 '^aoe: copy: e1\.3: no answer on eth0' \
    copy e1.3 "$TMP/copy" --wait 0.2
check "... makes no file" test ! -e "$TMP/copy"
for wrong in "e1.2" "e1.2 e1.3" "a b" "e1.2 a b"; do
    # shellcheck disable=SC2086
    check "wrong usage: $wrong" refuses 2 '^aoe: copy: name one disk' copy $wrong
done
check "wrong usage: --offset x" refuses 2 '^aoe: copy: --offset x: ' \
    copy e1.2 a --offset x
stop target

# ---- a block device ----------------------------------------------------------------

if loop=$(losetup --find --show "$TMP/random" 2>/dev/null); then
    serve
    check "a device is not overwritten" refuses 1 "^aoe: copy: $loop: it exists" \
        copy e1.2 "$loop"
    stop target
    holes
    serve
    check "... except with --destructive" copy e1.2 "$loop" --destructive
    let_go "$loop"
    check "... zeroes are written there" same "$TMP/disk" "$TMP/random"
    stop target
    truncate -s 1M "$TMP/short"
    loop=$(losetup --find --show "$TMP/short")
    serve
    check "a device that is too small" refuses 1 \
        "^aoe: copy: e1\.2 has $SIZE bytes, $loop only 1048576; nothing was" \
        copy e1.2 "$loop" --destructive
    let_go "$loop"
    stop target
else
    skip_check "a block device" "no loop device available"
fi

# ---- on the medium -----------------------------------------------------------------

head -c $SIZE /dev/urandom >"$TMP/random"
cp "$TMP/random" "$TMP/disk"
start target nas aoe-target --fault read-error=20480-20487 1 3 eth0 "$TMP/disk"
await target 'e1\.3: serving'
start other nas aoe-target 1 2 eth0 "$TMP/random"
await other 'e1\.2: serving'
traced() { # STRACE-OPTION... -- ARGUMENT...: a copy into a new file in $TMP/new
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1") && shift
    done
    shift
    rm -rf "$TMP/new" && mkdir "$TMP/new" && cd "$TMP/new" || return
    # A program that is traced cannot look for leaks.
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 host strace -f -y -e trace=fsync,fdatasync -o "$TMP/trace" "${options[@]}" \
        "$BUILD/aoe" copy -i eth0 "$@"
}
synced() {
    grep -o 'sync([0-9]*<[^>]*>) *= 0' "$TMP/trace" | sed 's/.*<//; s/>.*//' |
        tr '\n' ' '
}
both() { # FILE
    traced -- e1.2 "$1" && is "$TMP/new/copy $TMP/new " "$(synced)"
}
check "the file is synced, then its directory" both "$TMP/new/copy"
check "... also for a name without a directory" both copy
check "... or an odd one" both "$TMP/new/.//copy"
check "a file that cannot be synced is an error" \
    refuses 1 '^aoe: copy: copy: syncing it: Input/output error$' \
    traced -e inject=fsync:error=EIO:when=1 -- e1.2 copy
check "... and so is a directory" \
    refuses 1 '^aoe: copy: copy: syncing its directory: No space left' \
    traced -e inject=fsync:error=ENOSPC:when=2 -- e1.2 copy
check "... unless the file system cannot sync one" \
    traced -e inject=fsync:error=EINVAL:when=2 -- e1.2 copy
goes_on() { # OFFSET STRACE-OPTION...: ends early, and says where to resume
    ! traced "${@:2}" -- e1.3 copy 2>"$TMP/err" && cat "$TMP/err" &&
        grep -q -- "--offset $1 resumes it" "$TMP/err"
}
check "a copy that ends early is synced, too" goes_on 10485760
check "... with its directory" is "$TMP/new/copy $TMP/new " "$(synced)"
check "... or starts over" goes_on 0 -e inject=fsync:error=EIO:when=1
stop target
stop other

# ---- vblade ----------------------------------------------------------------------

head -c $SIZE /dev/urandom >"$TMP/random"
zeroes "$TMP/disk" $SIZE
start vblade nas vblade 1 2 eth0 "$TMP/disk"
eventually answered >/dev/null || fail "vblade: does not answer"
there_and_back vblade
end vblade
