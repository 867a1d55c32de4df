#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Our target as the classic tools see it: aoeping, aoecfg and aoe-sancheck of
# Debian's aoetools, which drop every response shorter than 60 bytes.

. "$(dirname "$0")/../lib/net.sh"
need aoeping=aoetools aoecfg=aoetools aoe-sancheck=aoetools
network 1500

truncate -s 1M "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving .* \(1048576 bytes\) on eth0'

# ---- aoeping -----------------------------------------------------------------

ping() {
    host timeout 10 aoeping -s 5 "$@"
}
check "aoeping finds e1.2" ping 1 2 eth0
check "aoeping sees a response from the target's address" \
    says 'found e1\.2 with mac 02a0e0000002' ping -v 1 2 eth0
check "aoeping -I reads its identity" \
    says '^model: [[:graph:]]' ping -I 1 2 eth0
check "aoeping -I reads a serial number" \
    says '^serial_number: [[:graph:]]' ping -I 1 2 eth0
check "aoeping -S is refused, since the disk has no SMART" \
    not says 'SMART data' ping -S read_data 1 2 eth0
check "aoeping finds no e1.3" \
    not says "found" host timeout 2 aoeping -v -s 1 1 3 eth0

# ---- aoecfg ------------------------------------------------------------------

# It exits 0 whatever happened: it prints the response, or nothing if there is none.
config() {
    host timeout 10 aoecfg -t 5 "$@"
}
# prints TEXT COMMAND...: exactly that on standard output.
prints() {
    local wanted=$1 got
    shift
    got=$("$@") || { echo "exit status $?" && return 1; }
    [ "$got" = "$wanted" ] || { echo "printed \"$got\"" && return 1; }
}
# Silence takes the whole time-out.
silent() {
    prints "" host timeout 10 aoecfg -t 1 "$@"
}
# Each response is a line, an empty string an empty line.
answers_empty() {
    local got
    got=$(config "$@" && echo end)
    [ "$got" = $'\nend' ] || { echo "printed \"$got\"" && return 1; }
}

check "no config string at first" answers_empty 1 2 eth0
check "an empty prefix matches an empty string" \
    answers_empty -c prefix -s "" 1 2 eth0
check "set on an empty string" prints "nas1 media" \
    config -c set -s "nas1 media" 1 2 eth0
check "set again to the same (a retransmission) succeeds" \
    prints "nas1 media" config -c set -s "nas1 media" 1 2 eth0
check "set over another string is refused" \
    prints "*badcfg*" config -c set -s "mine" 1 2 eth0
check "read after a refused set" prints "nas1 media" config -c read 1 2 eth0
check "test with the whole string" \
    prints "nas1 media" config -c test -s "nas1 media" 1 2 eth0
check "test with a part is not answered" silent -c test -s "nas1" 1 2 eth0
check "test with a longer string is not answered" \
    silent -c test -s "nas1 media2" 1 2 eth0
check "prefix" prints "nas1 media" config -c prefix -s "nas1" 1 2 eth0
check "a prefix that does not match is not answered" \
    silent -c prefix -s "nas2" 1 2 eth0
check "force set" prints "new" config -c fset -s "new" 1 2 eth0
check "read after force set" prints "new" config 1 2 eth0
# aoecfg's own buffer is little longer than that; frames.sh tests 1024.
long=$(printf 'x%.0s' {1..1000})
check "force set with 1000 bytes" \
    prints "$long" config -c fset -s "$long" 1 2 eth0
check "read 1000 bytes" prints "$long" config 1 2 eth0
check "force set to an empty string" answers_empty -c fset -s "" 1 2 eth0
check "another slot is not answered" silent 1 3 eth0
check "another shelf is not answered" silent 2 2 eth0

# ---- several disks, wildcards ------------------------------------------------

truncate -s 2M "$TMP/other"
start other nas aoe-target 1 7 eth0 "$TMP/other"
await other 'e1\.7: serving'
check "name e1.7 by its config string" \
    prints "seven" config -c set -s "seven" 1 7 eth0
everyone() {
    host timeout 10 aoecfg -t 1 "$@" | sort
}
check "all shelves and slots: both disks answer" \
    prints $'1.2\t\n1.7\tseven' everyone 0xffff 0xff eth0
check "all slots of a shelf" \
    prints $'1.2\t\n1.7\tseven' everyone 1 0xff eth0
check "a slot of all shelves" prints $'1.7\tseven' everyone 0xffff 7 eth0
check "a prefix finds the disk whose string begins with it" \
    prints $'1.7\tseven' everyone -c prefix -s sev 0xffff 0xff eth0
stop other

# ---- aoe-sancheck ------------------------------------------------------------

# It asks for IDENTIFY with payloads of every size up to the MTU's.
sancheck() {
    host timeout 30 aoe-sancheck >"$TMP/sancheck" 2>&1
    cat "$TMP/sancheck"
    grep -Eq "^e1\.2[[:space:]]+1[[:space:]]+$1[[:space:]]+eth0" "$TMP/sancheck" &&
        ! grep -Eq 'Mismatched|only capable|not set optimally' "$TMP/sancheck"
}
check "aoe-sancheck finds nothing wrong at MTU 1500" sancheck 1024
stop target
nas ip link set eth0 mtu 9000
host ip link set eth0 mtu 9000
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
check "aoe-sancheck finds nothing wrong at MTU 9000" sancheck 8704
stop target
