#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What can happen to a target while clients use it: interfaces that change, disappear
# or fill up, a file that is truncated or grows, a disk that fails or is full.  None of
# it ends the target, and no client gets wrong data.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd nbdcopy=libnbd-bin tc=iproute2 aoeping=aoetools aoecfg=aoetools
network 1500

head -c 8M /dev/urandom >"$TMP/random"
serve() { # FILE FLAGS...
    local file=$1
    shift
    start target nas aoe-target "$@" 1 2 eth0 "$file"
    await target 'e1\.2: serving'
}
# Writes and reads the whole disk, and compares, until told to stop.
load() {
    rm -f "$TMP/enough"
    # shellcheck disable=SC2016 # $uri is aoe-nbd's
    start load host aoe-nbd serve e1.2 -i eth0 --run '
        cd '"$TMP"' && until [ -e enough ]; do
            nbdcopy --flush random "$uri" && nbdcopy "$uri" copy &&
                cmp random copy || exit
            echo again
        done'
    again
}
# The client has completed two more rounds: it was at work before and after.
again() {
    mark load
    await load again 60
    mark load
    await load again 60
}
loaded() {
    : >"$TMP/enough"
    finished load 60
}
answers() { # SECTORS
    local answer
    answer=$(frame 01 "$QUERY" | host rawframe -p -n 1 -w 200 eth0 2>/dev/null) &&
        [ "$(field "$answer" 28 1)" = "$1" ]
}
no_line_but() { # PATTERN: the target said nothing else
    not grep -Ev "$1" "$(log_of target)"
}

# ---- interfaces, under load --------------------------------------------------

truncate -s 8M "$TMP/disk"
serve "$TMP/disk"
load
nas ip link set eth0 down
await target 'eth0: interface is down'
nas ip link set eth0 up
await target 'eth0: interface is up'
again
host ip link set eth0 down
host ip link set eth0 up
again
for mtu in 9000 1500 576 1500; do
    mark target
    nas ip link set eth0 mtu $mtu
    host ip link set eth0 mtu $mtu
    await target "eth0: MTU is $mtu"
    again
done
ip -n "$NAS_NS" link del eth0
await target 'eth0: interface is down'
cable 1500
again
check "links that disappear, change and come back: all data is right" loaded
check "aoeping finds the disk there" \
    host timeout 20 aoeping -s 5 1 2 eth0
check "the target said what happened to the interface, and nothing else" \
    no_line_but 'serving|eth0: (interface is (up|down)|MTU is [0-9]+)$'

nas tc qdisc add dev eth0 root tbf rate 200mbit burst 2k limit 3k
load
check "a transmit queue that is always full: the client finishes" loaded
nas tc qdisc del dev eth0 root
mark target
kill -USR1 "${PID[target]}"
check "... and it was full" seen target 'eth0: .*tx_errors=[1-9]'
alive target || fail "the target ended"

# ---- the file ----------------------------------------------------------------

cp "$TMP/random" "$TMP/disk"
truncate -s 4M "$TMP/disk"
cut=$((4 * 2048))
answer=$(read_sectors $((cut - 1)) 2)
check "truncated, a read beyond the end: IDNF with ERR" \
    is "41 10" "$(status "$answer")"
check "... for one sector, the first that is missing" \
    is "01 002000000000" "$(field "$answer" 26 1) $(field "$answer" 28 6)"
answer=$(TAG=80000002 write_sectors $cut 1 "55x512")
check "... a write beyond the end fails the same way" \
    is "41 10" "$(status "$answer")"
check "... and the file is not made longer" \
    is $((4 << 20)) "$(stat -c %s "$TMP/disk")"
check "... and the rest is served" \
    is "40 00" "$(status "$(read_sectors $((cut - 1)) 1)")"
cat "$TMP/random" "$TMP/random" >"$TMP/disk"
check "grown, it has the size it had" is 16384 "$(sectors "$(identify)")"
check "... and all of that can be read" \
    is "$(xxd -p -l 16 -s $((cut * 512)) "$TMP/random")" \
    "$(field "$(read_sectors $cut 1)" 36 16)"
stop target

# ---- a failing disk ----------------------------------------------------------

cp "$TMP/random" "$TMP/disk"
serve "$TMP/disk" --fault read-error=2000-2001,write-error=3000
answer=$(read_sectors 1999 2)
check "a bad sector: UNC with ERR" is "41 40" "$(status "$answer")"
check "... with one sector left, and its number" \
    is "01 d00700000000" "$(field "$answer" 26 1) $(field "$answer" 28 6)"
for _ in {1..20}; do
    read_sectors 2000 1 >/dev/null
done
answer=$(TAG=80000003 write_sectors 2999 2 "66x1024")
check "a sector that cannot be written: DF, ABRT, ERR" \
    is "61 04" "$(status "$answer")"
check "... with one sector left, and its number" \
    is "01 b80b00000000" "$(field "$answer" 26 1) $(field "$answer" 28 6)"
check "a burst of errors is logged in one line" \
    is 1 "$(grep -c 'e1\.2: .* at sector' "$(log_of target)")"
check "its neighbours are intact" \
    is "40 00" "$(status "$(read_sectors 1999 1)")"
stop target

# ---- a file system that is full ----------------------------------------------

mkdir "$TMP/small"
mount -t tmpfs -o size=1M none "$TMP/small" || fail "cannot mount a tmpfs"
truncate -s 8M "$TMP/small/disk"
serve "$TMP/small/disk"
start other nas aoe-target 1 3 eth0 "$TMP/disk"
await other 'e1\.3: serving'
head -c 2M /dev/zero >"$TMP/small/filler" 2>/dev/null
answer=$(TAG=80000004 write_sectors 100 1 "77x512")
check "a hole in a full file system: DF, ABRT, ERR" \
    is "61 04" "$(status "$answer")"
check "... a line says so" \
    grep -q 'e1\.2: write at sector 100: No space left' "$(log_of target)"
check "... other sectors can be read" \
    is "40 00" "$(status "$(read_sectors 100 1)")"
check "... and other disks written" is "40 00" \
    "$(DISK="0001 03" TAG=80000005 && status "$(write_sectors 7 1 "88x512")")"
rm "$TMP/small/filler"
check "once there is space, it can be written" \
    is "40 00" "$(TAG=80000006 && status "$(write_sectors 100 1 "77x512")")"
stop target
stop other

# ---- two interfaces ----------------------------------------------------------

ip -n "$NAS_NS" link add eth1 type veth peer name eth1 netns "$HOST_NS"
nas ip link set eth1 up
host ip link set eth1 up
start target nas aoe-target 1 2 eth0,eth1 "$TMP/disk"
await target 'serving .* on eth0, eth1'
# aoecfg listens on the one interface that it is given.
check "two interfaces: a config string set by one" \
    host timeout 20 aoecfg -t 1 -c fset -s hello 1 2 eth0
check "... is read by the other" \
    says hello host timeout 20 aoecfg -t 1 -c read 1 2 eth1
nas ip link set eth0 down
await target 'eth0: interface is down'
check "one down: the other still serves" \
    host timeout 20 aoeping -s 5 1 2 eth1
nas ip link set eth0 up
check "both work again" eventually answers 02
stop target
