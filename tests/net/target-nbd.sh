#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An NBD export as the target's disk: nbdkit and qemu-nbd serve, and their logs and
# qemu-img show what reached them.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need nbdkit nbdcopy=libnbd-bin nbdinfo=libnbd-bin qemu-nbd=qemu-utils \
    qemu-img=qemu-utils qemu-io=qemu-utils fio xxd
if aoe-target 1 2 none "nbd+unix:///?socket=$TMP/none" 2>&1 |
    grep -q 'without libnbd'; then
    skip "aoe-target was built without libnbd (package libnbd-dev)"
fi
network 1500
nas ip link set lo up

SIZE=$((8 << 20))
SOCK=$TMP/server.sock
URI="nbd+unix:///?socket=$SOCK"
page=$(printf '5a%.0s' {1..1024})

# server COMMAND...: the NBD server, once it has its socket.
server() {
    rm -f "$SOCK"
    start server nas "$@"
    eventually test -S "$SOCK" || fail "the NBD server did not start"
}
kit() {
    server nbdkit -f -U "$SOCK" "$@"
}
target() { # ARGUMENT...
    start target nas aoe-target "$@" 1 2 eth0 "$URI"
    await target 'e1\.2: serving'
}
# client COMMAND: runs it with the disk's URI in $uri.
client() {
    host aoe-nbd serve e1.2 -i eth0 --run "$1"
}
flush() {
    fresh ask 00 "$(ata 0x40 0 0 0xea 0)"
}
# Whether this word of IDENTIFY has these bits.
identified() { # WORD MASK VALUE
    local value
    value=$(word "$(identify)" "$1")
    echo "word $1 is $value"
    [ $((0x$value & $2)) = $(($3)) ]
}
# tells WANTED COMMAND...: whether the response has that status.
tells() {
    local wanted=$1
    shift
    is "$wanted" "$(status "$("$@")")"
}

# ---- wrong from the start ----------------------------------------------------

refused() { # PATTERN ARGUMENT...
    local pattern=$1
    shift
    refuses 1 "^aoe-target: .*$pattern" \
        nas timeout 20 aoe-target "$@" 1 2 eth0 "$URI"
}
check "no server" refused connecting
kit --filter=blocksize-policy memory 8M blocksize-minimum=4096 \
    blocksize-preferred=4096 blocksize-maximum=1M
check "a server whose blocks are larger than sectors" refused '4096.*blocksize'
end server
kit memory 8M
check "an offset beyond the end" refused '8388608 bytes' -o 16384
check "a length beyond it" refused '8388608 bytes' -o 16383 -l 2
end server

# ---- what reaches the server -------------------------------------------------

head -c "$SIZE" /dev/urandom >"$TMP/random"
truncate -s "$SIZE" "$TMP/disk"
REQUESTS=$TMP/requests
requests() { # KIND: how many the server has seen
    grep -cE "connection=[0-9]+ $1 " "$REQUESTS"
}
logging() {
    kit --filter=log file "$TMP/disk" logfile="$REQUESTS" logappend=true
}
logging
target
check "IDENTIFY: a write cache" identified 85 0x20 0x20
check "IDENTIFY: FLUSH" identified 83 0x3000 0x3000
check "IDENTIFY: TRIM" identified 169 1 1
check "a whole disk is written" client "nbdcopy '$TMP/random' \"\$uri\""
check "it has arrived" cmp "$TMP/random" "$TMP/disk"
check "its $((SIZE / 1024)) frames were merged into fewer requests" \
    test "$(requests Write)" -lt $((SIZE / 1024 / 2))
check "... and read back" client "nbdcopy \"\$uri\" '$TMP/back'"
check "it is the same" cmp "$TMP/random" "$TMP/back"
count=$(requests Flush)
check "FLUSH is answered" tells "40 00" flush
check "and the server saw it" test "$(requests Flush)" -gt "$count"
# shellcheck disable=SC2016 # $uri is aoe-nbd's
check "a discard" client 'qemu-io -f raw -c "discard 1M 1M" "$uri"'
check "which the server saw" test "$(requests Trim)" -ge 1
check "... and the space was freed" \
    test "$(du -k "$TMP/disk" | cut -f1)" -le $((7 << 10))
count=$(requests Read)
check "READ VERIFY is answered" tells "40 00" ask 00 "$(ata 0x40 0 2 0x42 0)"
check "and the server read" test "$(requests Read)" -gt "$count"
check "a sector beyond the end is not found" \
    tells "41 10" read_sectors $((SIZE / 512)) 1
stop target

target -s -o 2048 -l 2048
check "-l is the size" is 2048 "$(sectors "$(identify)")"
check "-s: no write cache" identified 85 0x20 0
check "-s: a write" tells "40 00" write_sectors 2 2 "$page"
check "... was durable, and -o sectors further on" \
    grep -qE 'Write id=[0-9]+ offset=0x100400 count=0x400 fua=1' "$REQUESTS"
stop target

target -r
check "-r: a write is aborted" tells "41 04" write_sectors 2 2 "$page"
stop target

# ---- a server that goes away -------------------------------------------------

target
check "a write" tells "40 00" write_sectors 2 2 "$page"
stop server KILL
await target "connection lost"
patiently() {
    status "$(frame 00 "$(ata 0x40 0 2 0x24 2)" |
        host rawframe -w 20000 -p -n 1 eth0)"
}
check "a read waits for the server and then fails" is "41 40" "$(patiently)"
check "from then on it fails at once" tells "41 40" read_sectors 2 2
check "a write as well" tells "61 04" write_sectors 2 2 "$page"
check "the loss was logged once" \
    is 1 "$(grep -c 'connection lost' "$(log_of target)")"
logging
await target "connected again"
check "when the server is back, it reads" \
    is "$page" "$(field "$(read_sectors 2 2)" 36 1024)"
check "a FLUSH reports that writes may be lost" tells "61 04" flush
check "... and the next one succeeds" tells "40 00" flush

mark target
stop server KILL
truncate -s 1M "$TMP/disk"
logging
await target "only 1048576 bytes"
check "an export that has shrunk ends there" \
    tells "41 10" read_sectors 2048 2
check "... and has everything before" tells "40 00" read_sectors 2046 2
stop target
end server
truncate -s "$SIZE" "$TMP/disk"

# Over TCP, where the address is remembered.
tcp() {
    start server nas nbdkit -f -i 127.0.0.1 -p 10809 --filter=log file \
        "$TMP/disk" logfile="$REQUESTS" logappend=true
}
tcp_answers() {
    nas nbdinfo --size nbd://127.0.0.1 >/dev/null 2>&1
}
written() { # COUNT
    [ "$(requests Write)" -ge "$1" ] || ! alive client
}
if fio --enghelp 2>/dev/null | grep -qw nbd; then
    URI=nbd://127.0.0.1
    tcp
    eventually tcp_answers || fail "no NBD server on TCP"
    target
    start client host aoe-nbd serve e1.2 -i eth0 --run "fio --name=v \
        --ioengine=nbd --uri=\"\$uri\" --rw=randwrite --bsrange=512-64k \
        --size=$SIZE --iodepth=16 --loops=10 --verify=crc32c --verify_fatal=1 \
        --verify_state_save=0 && echo fio found no error"
    for _ in 1 2 3; do
        count=$(requests Write)
        eventually written $((count + 200))
        alive client || break
        mark target
        stop server KILL
        tcp
        await target "connected again"
    done
    check "the server was killed three times while fio wrote" alive client
    # Each killed server may have lost what it had not flushed.  None did here, but
    # only a flush could prove that, so the one at the end has to fail.
    finished client 60
    check "fio reads what it has written" grep -q '^fio found no error$' "$(log_of client)"
    check "the flush at the end says that a server was lost" \
        grep -q '^aoe-nbd: flushing e1\.2: Input/output error' "$(log_of client)"
    stop target
    end server
    URI="nbd+unix:///?socket=$SOCK"
else
    skip_check "fio reads what it has written" "this fio has no nbd engine"
fi

# ---- errors and delays -------------------------------------------------------

# Sector 10 is bad, and there is neither flush nor trim.
# shellcheck disable=SC2016 # for nbdkit's shell
bad='[ "$4" -le 5120 ] && [ $(($4 + $3)) -gt 5120 ]'
server nbdkit -f -U "$SOCK" eval get_size='echo 1048576' \
    pread="if $bad; then echo EIO bad >&2; exit 1; fi; head -c \"\$3\" /dev/zero" \
    pwrite="if $bad; then echo ENOSPC full >&2; exit 1; fi; cat >/dev/null" \
    can_write='exit 0'
target
answer=$(read_sectors 9 2)
check "a bad sector is uncorrectable" is "41 40" "$(status "$answer")"
check "... and its number is returned" is 0a0000000000 "$(field "$answer" 28 6)"
check "its neighbour can be read" tells "40 00" read_sectors 8 2
check "a full disk is a fault" tells "61 04" write_sectors 10 2 "$page"
batch() {
    local lba
    for ((lba = 0; lba < 32; lba++)); do
        frame 00 "$(ata 0x40 0 1 0x24 $lba)"
    done | host rawframe -p -n 32 -w 20000 eth0 | while read -r answer; do
        status "$answer"
    done | sort | uniq -c | tr -s ' \n' ' '
}
check "of 32 sectors at once one is bad" is " 31 40 00 1 41 40 " "$(batch)"
check "no cache where there is no flush" identified 85 0x20 0
check "FLUSH succeeds there, with nothing to do" tells "40 00" flush
check "no TRIM" identified 169 1 0
stop target
end server

kit --filter=error memory 8M error-rate=100% error-file="$TMP/broken"
target
# shellcheck disable=SC2016
check "before the errors, all is read" client 'nbdcopy "$uri" null:'
: >"$TMP/broken"
check "a read fails" tells "41 40" read_sectors 0 2
check "a write" tells "61 04" write_sectors 0 2 "$page"
await target 'e1\.2: .*Input/output error'
rm "$TMP/broken"
# shellcheck disable=SC2016
check "when the cause is gone, all is read again" client 'nbdcopy "$uri" null:'
stop target
end server

# Reads that take a second do not delay a query.
rm -f "$REQUESTS"
kit --filter=log --filter=delay memory 8M rdelay=1 logfile="$REQUESTS"
target
overtaken() {
    for lba in 0 100 200 300; do
        frame 00 "$(ata 0x40 0 2 0x24 $lba)"
    done >"$TMP/reads"
    TAG=8000beef frame 01 "$QUERY" >>"$TMP/reads"
    host rawframe -p -u 8000beef eth0 <"$TMP/reads" >"$TMP/answers" || return
    is 1 "$(wc -l <"$TMP/answers")"
}
check "a query overtakes slow reads" overtaken
all_read() {
    [ "$(requests '...Read')" = 4 ]
}
eventually all_read
check "... which were in flight together" is 4 "$(awk '/ Read id/ { now++ }
    / \.\.\.Read id/ { now-- } now > most { most = now } END { print most }' \
    "$REQUESTS")"
stop target
end server

# ---- qcow2 -------------------------------------------------------------------

qemu-img create -q -f qcow2 "$TMP/image" "$SIZE"
server qemu-nbd -t -k "$SOCK" -x '' -f qcow2 --discard=unmap "$TMP/image"
target
check "a disk is written into a qcow2 image" client "nbdcopy --flush '$TMP/random' \"\$uri\""
check "... and read back" client "nbdcopy \"\$uri\" '$TMP/back'"
check "it is the same" cmp "$TMP/random" "$TMP/back"
stop target
end server
check "qemu-img finds the image consistent" qemu-img check -q "$TMP/image"
check "... and with the same content" \
    qemu-img compare -q -f raw -F qcow2 "$TMP/random" "$TMP/image"
