#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The life of aoe-nbd serve: its sockets, --run, signals, and a disk that goes
# away and comes back.

. "$(dirname "$0")/../lib/net.sh"
need nbdinfo=libnbd-bin nbdcopy=libnbd-bin qemu-io=qemu-utils tshark
network 1500
nas ip link set lo up
host ip link set lo up

SIZE=$((8 << 20))
SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
truncate -s "$SIZE" "$TMP/disk"
target() {
    start target nas aoe-target 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
serve() {
    start nbd host aoe-nbd serve e1.2 -i eth0 "$@"
    await nbd '^aoe-nbd: e1\.2: serving '"$SIZE"' bytes on nbd'
}
target

# ---- sockets -----------------------------------------------------------------

serve --unix "$SOCK"
check "the socket is for its owner only" \
    test "$(stat -c '%F %a' "$SOCK")" = 'socket 600'
check "a second server on it is refused" refuses 1 \
    "^aoe-nbd: .*$SOCK.*another server" \
    host aoe-nbd serve e1.2 -i eth0 --unix "$SOCK"
check "the first one still serves" says "^$SIZE\$" nbdinfo --size "$URI"
stop nbd INT
check "its socket is gone after SIGINT" not test -e "$SOCK"
serve --unix "$SOCK"
stop nbd KILL
check "its socket is there after SIGKILL" test -S "$SOCK"
serve --unix "$SOCK"
check "and is taken over" says "^$SIZE\$" nbdinfo --size "$URI"
stop nbd
check "its socket is gone after SIGTERM" not test -e "$SOCK"
: >"$TMP/file"
check "a file in the way is refused" refuses 1 \
    "^aoe-nbd: .*$TMP/file.*not a socket" \
    host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/file"
check "and stays" test -f "$TMP/file"

tcp() { # ADDRESS, pattern of the one in the URI, HOST to connect to
    serve --tcp "$1"
    tcp=$(grep -o 'nbd://[^ ]*' "$(log_of nbd)")
    check "--tcp $1 is $tcp" grep -Eq "^nbd://$2:[0-9]+/e1\\.2\$" <<<"$tcp"
    check "and serves" says "^$SIZE\$" host nbdinfo --size "$tcp"
    if command -v nbd-client >/dev/null; then
        check "nbd-client lists it" says '^e1\.2' \
            host nbd-client -l "$3" "$(sed 's,.*:,,; s,/.*,,' <<<"$tcp")"
    else
        skip_check "nbd-client lists it" "needs nbd-client (package nbd-client)"
    fi
    stop nbd
}
tcp 0 '127\.0\.0\.1' 127.0.0.1 # this machine only, unless told otherwise
tcp 0.0.0.0:0 '0\.0\.0\.0' 127.0.0.1
if host sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 2>/dev/null; then
    tcp '[::1]:0' '\[::1\]' ::1
else
    skip_check "--tcp [::1]:0" "no IPv6 here"
fi

# ---- --run -------------------------------------------------------------------

# shellcheck disable=SC2016 # expanded by the shell that --run starts
{
    run() {
        host aoe-nbd serve e1.2 -i eth0 --run "$1"
    }
    check "--run: \$uri is the disk" says "^$SIZE\$" run 'nbdinfo --size "$uri"'
    check "--run: \$unixsocket is a socket in a private directory" says \
        '^drwx------ srw-------$' \
        run 'd=${unixsocket%/*}; echo $(stat -c %A "$d" "$unixsocket")'
    run 'echo "${unixsocket%/*}" >'"$TMP/where"
    check "--run: the directory is gone" not test -e "$(cat "$TMP/where")"
    status_of() {
        run "$1"
        [ $? = "$2" ]
    }
    check "--run: we exit with its exit status" status_of 'exit 7' 7
    check "--run: killed by a signal" status_of 'kill -9 $$' 137
    check "--run: no such command" status_of 'exec /no/such/command 2>&-' 127
    check "--run: a broken pipe ends it" status_of 'kill -PIPE $$' 141
    limits() ( # ours is raised, and the command's is not
        ulimit -Sn 500
        status_of 'test $(ulimit -Sn) = 500 &&
            test $(awk "/open files/ { print \$4 }" "/proc/$PPID/limits") -gt 500' 0
    )
    check "--run: more descriptors for us, as many as before for it" limits
    start nbd host aoe-nbd serve e1.2 -i eth0 \
        --run 'trap "echo got it; exit 3" TERM; echo up; while :; do sleep 0.1; done'
    await nbd up
    kill "${PID[nbd]}"
    finished nbd
    check "--run: a signal goes to the command, and we exit with its status" test $? = 3
    check "--run: it got the signal" grep -q 'got it' "$(log_of nbd)"
    start nbd host aoe-nbd serve e9.9 -i eth0 -v --run 'echo up'
    eventually grep -q '^SigCgt:.*4...$' "/proc/${PID[nbd]}/status"
    kill "${PID[nbd]}"
    finished nbd
    check "--run: a signal before it runs is no success" test $? = 143
    check "--run: it did not run" not grep -q up "$(log_of nbd)"
}

# ---- a closed standard error ---------------------------------------------------

mkfifo "$TMP/ears"
# shellcheck disable=SC2016 # expanded by the shell that becomes it
start nbd host bash -c 'exec aoe-nbd serve e1.2 -i eth0 -v --unix "$0" 2>"$1"' \
    "$SOCK" "$TMP/ears"
grep -m 1 'e1\.2: serving' "$TMP/ears" >"$TMP/heard"
check "it serves" test -s "$TMP/heard"
for _ in 1 2; do # the first one makes it log something
    check "it serves with nobody to read its log, too" \
        says "^$SIZE\$" nbdinfo --size "$URI"
done
stop nbd

# ---- the last flush ----------------------------------------------------------

serve --unix "$SOCK"
capture wire host "$TMP/flush.pcap"
check "a write" qemu-io -f raw -t unsafe -c 'write -P 7 0 64k' "$URI"
mark wire
stop nbd
capture_end wire
flushes() { # how many FLUSH CACHE commands, either opcode
    tshark -r "$1" -Y 'aoe.ata.cmd == 0xea || aoe.ata.cmd == 0xe7' 2>/dev/null |
        grep -vc Response
}
check "SIGTERM flushes what was written" test "$(flushes "$TMP/flush.pcap")" -ge 1
# What the end of a session sends to every process; both arrive before it can handle
# one.
serve --unix "$SOCK"
capture wire host "$TMP/session.pcap"
check "a write" qemu-io -f raw -t unsafe -c 'write -P 8 0 64k' "$URI"
kill -STOP "${PID[nbd]}"
kill -TERM "${PID[nbd]}"
kill -HUP "${PID[nbd]}"
kill -CONT "${PID[nbd]}"
check "SIGTERM and SIGHUP: it ends with status 0" finished nbd
capture_end wire
check "... after a FLUSH" test "$(flushes "$TMP/session.pcap")" -ge 1
serve --unix "$SOCK"
capture wire host "$TMP/idle.pcap"
check "a read" qemu-io -r -f raw -c 'read 0 64k' "$URI"
stop nbd
capture_end wire
check "and without a write there is no FLUSH" test "$(flushes "$TMP/idle.pcap")" = 0

# ---- a disk that goes away ---------------------------------------------------

serve --unix "$SOCK" --timeout 1
stop target KILL
lost() {
    qemu-io -r -f raw -c 'read 0 4096' "$URI" 2>&1 |
        grep 'read failed: Input/output error'
}
check "without the disk, a request fails" lost
await nbd 'e1\.2: no longer answers'
target
await nbd 'e1\.2: answers again'
check "when the disk is back, requests succeed" \
    qemu-io -f raw -c 'write -P 9 0 4096' -c 'read -P 9 0 4096' -c flush "$URI"
stop nbd

# Clients that are killed in the middle of their work.
serve --unix "$SOCK"
{ # the shell reports each of them
    for _ in 1 2 3 4 5; do
        timeout -s KILL 0.2 nbdcopy --requests=64 --request-size=1048576 \
            "$URI" null:
        timeout -s KILL 0.1 qemu-io -f raw -c 'aio_write 0 4M' \
            -c 'aio_write 4M 4M' -c 'sleep 1000' "$URI"
    done
} >/dev/null 2>&1
check "after clients were killed others are served" \
    nbdcopy --allocated "$URI" "$TMP/copy"
check "and get the disk" cmp "$TMP/copy" "$TMP/disk"
stop nbd
