#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A target that has dropped root in all its threads, and every system call that it does
# not need, serves as before, whatever happens to its interface.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd nbdcopy=libnbd-bin qemu-io=qemu-utils
network 1500

if aoe-target --seccomp --help 2>&1 | grep -q 'lacks it'; then
    skip "this build has no libseccomp"
fi
# At exit LeakSanitizer would trace the program, which the filter forbids.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
NOBODY=$(id -u nobody) NOGROUP=$(getent group nogroup nobody | head -n 1 | cut -d: -f3)

head -c 8M /dev/urandom >"$TMP/random"
truncate -s 8M "$TMP/disk"
chmod 600 "$TMP/disk" # the user nobody could not open it
serve() {
    start target nas aoe-target "$@" 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
# state WORD: what the kernel says of the process, separated by blanks; a line for each
# value that its threads have.
state() {
    awk -v word="$1:" '$1 == word { $1 = ""; sub(/^ */, ""); print }' \
        "/proc/${PID[target]}"/task/*/status | sort -u
}
answers() { # SECTORS
    local answer
    answer=$(frame 01 "$QUERY" | host rawframe -p -n 1 -w 200 eth0 2>/dev/null) &&
        [ "$(field "$answer" 28 1)" = "$1" ]
}
nbd() {
    host aoe-nbd serve e1.2 -i eth0 --run "$1"
}

serves() { # WHAT
    # shellcheck disable=SC2016 # $uri is aoe-nbd's
    check "$1: writes and flushes" nbd 'nbdcopy --flush '"$TMP"'/random "$uri"'
    check "... into the file" cmp "$TMP/random" "$TMP/disk"
    # shellcheck disable=SC2016
    check "... reads" nbd 'nbdcopy "$uri" - | cmp - '"$TMP/random"
    # shellcheck disable=SC2016
    check "... trims" nbd 'qemu-io -f raw -c "discard 1M 1M" "$uri"'
    check "... which gives the space back" cmp -n 1048576 \
        -i 1048576:0 "$TMP/disk" /dev/zero
    nas ip link set eth0 down
    await target 'eth0: interface is down'
    nas ip link set eth0 up
    check "... after the cable was pulled" eventually answers 02
    mark target
    nas ip link set eth0 mtu 9000
    host ip link set eth0 mtu 9000
    await target 'MTU is 9000'
    check "... with a larger MTU" eventually answers 11
    mark target
    ip -n "$NAS_NS" link del eth0
    await target 'eth0: interface is down'
    cable 1500
    check "... on an interface that was created again" eventually answers 02
    check "... and data" is "40 00" "$(status "$(read_sectors 0 2)")"
    mark target
    kill -USR1 "${PID[target]}"
    check "... counts" seen target 'eth0: rx_frames='
}

serve --user nobody --seccomp
check "it is nobody" is "$NOBODY $NOBODY $NOBODY $NOBODY" "$(state Uid)"
check "... its group is nobody's" \
    is "$NOGROUP $NOGROUP $NOGROUP $NOGROUP" "$(state Gid)"
check "... and it is in no other" is "" "$(state Groups)"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    check "$set is empty" is 0000000000000000 "$(state $set)"
done
check "it cannot get new privileges" is 1 "$(state NoNewPrivs)"
check "it has a filter of system calls" is 2 "$(state Seccomp)"
serves "as nobody"
check "... threads that were started later have no more" is "0000000000000000 1 2" \
    "$(state CapPrm) $(state NoNewPrivs) $(state Seccomp)"
stop target # with status 0

serve --user "$NOBODY:$NOGROUP" -d
check "by number: it is nobody" \
    is "$NOBODY $NOBODY $NOBODY $NOBODY" "$(state Uid)"
serves "with -d"
stop target

serve --user nobody --seccomp -s
serves "with -s"
stop target

if aoe-target --link pcap 2>&1 | grep -q 'lacks'; then
    skip_check "--seccomp --link pcap" "this build has no libpcap"
else
    serve --seccomp --link pcap # which opens its interface again, as root
    serves "with pcap"
    stop target
fi

# ---- what needs more than serving ---------------------------------------------
# test_sandbox checks that the rest is forbidden.

in_ring() {
    # shellcheck disable=SC2010 # names of descriptors, not of files
    ls -l "/proc/${PID[target]}/fd" | grep -q 'io_uring'
}
serve -d
if in_ring; then
    stop target
    serve --seccomp -d
    check "--seccomp: io_uring is used, confined to transfers" in_ring
    serves "--seccomp with io_uring"
else
    skip_check "--seccomp: io_uring is used" "without --seccomp it is not, either"
fi
stop target

cd "$TMP" || exit
config() { # ARGUMENT...
    host timeout 10 aoecfg -t 5 "$@" 1 2 eth0 | head -n 1
}
ctl() {
    aoe-target ctl --control control "$@"
}
size_is() { # BYTES
    [ "$(host aoe discover -i eth0 -j | grep -o "\"size\": *[0-9]*" | grep -o '[0-9]*$')" = "$1" ]
}
mkdir state
serve --seccomp --control control --state-dir state
if command -v aoecfg >/dev/null; then
    check "--seccomp: what a client sets is kept" \
        is "nas 1" "$(config -c set -s "nas 1")"
    check "... in a file" grep -q '^config' state/e1.2.state
fi
check "--seccomp: the control socket answers" says '^e1\.2' ctl exports
truncate -s 9M disk
check "... a disk that has grown" ctl reload
check "... is reopened" size_is 9437184
stop target

section() {
    printf '[e1.%d]\nfile = %s\ninterfaces = eth0\n' "$@"
}
section 2 disk >conf
start target nas aoe-target --seccomp --config conf
await target 'e1\.2: serving'
truncate -s 1M another
section 3 another >>conf
kill -HUP "${PID[target]}"
check "--seccomp: a reload adds a disk" seen target 'e1\.3: serving'
rm conf
mark target
kill -HUP "${PID[target]}"
check "... and says what is wrong" seen target 'conf: No such file'
stop target

# It can no longer open the socket that would ask for other disks there.
both_answer() {
    [ "$(host aoe discover -i eth0 | grep -c '^e1\.[23]')" = 2 ]
}
section 2 disk >conf
chown nobody disk another
start target nas aoe-target --user nobody --config conf
await target 'e1\.2: serving'
section 3 another >>conf
kill -HUP "${PID[target]}"
check "--user: a reload adds a disk" seen target 'e1\.3: serving'
check "... and both answer" eventually both_answer
check "... though nobody could be asked for the address" \
    seen target 'eth0: cannot look for other disks'
stop target

# ---- what is wrong -----------------------------------------------------------

wrong() { # PATTERN USER
    check "--user $2" refuses 2 "^aoe-target: --user: .*$1" \
        nas timeout 20 aoe-target --user "$2" 1 2 eth0 "$TMP/disk"
}
wrong 'no such user' no-such-user
wrong 'no such user' ''
wrong 'no such user' nobody:no-such-group
wrong 'no such user' 12345
wrong 'no such user' nobody:
wrong 'that is root' root
wrong 'that is root' 0:0
check "--user without root" refuses 1 \
    '^aoe-target: --user: changing the user: .*only root' \
    nas timeout 20 setpriv --reuid=nobody --inh-caps=+net_raw,+dac_override \
    --ambient-caps=+net_raw,+dac_override aoe-target --user nobody \
    1 2 eth0 "$TMP/disk"
