#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A reload that adds an NBD export whose server accepts the connection and says
# nothing: the other disks answer meanwhile.  nbdkit is that server, stopped by a
# signal, and aoeping of Debian's aoetools queries a disk that is served.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need nbdkit ss=iproute2 aoeping=aoetools
if aoe-target 1 2 none "nbd+unix:///?socket=$TMP/none" 2>&1 |
    grep -q 'without libnbd'; then
    skip "aoe-target was built without libnbd (package libnbd-dev)"
fi
network 1500
nas ip link set lo up
cd "$TMP" || exit
truncate -s 1M disk

start server nas nbdkit -f -i 127.0.0.1 memory 4M
listening() {
    nas ss -ltn 'sport = :10809' | grep -q LISTEN
}
eventually listening || fail "nbdkit did not start"
silence() {
    kill -STOP "${PID[server]}"
}
speak() {
    kill -CONT "${PID[server]}"
}
# Whether this many have connected to it; the kernel accepts them by itself.
connected() {
    [ "$(nas ss -tn state established '( dport = :10809 )' | grep -c 127)" = "$1" ]
}
reload() { # NAME
    start "$1" nas aoe-target ctl --control control reload
}
over() { # NAME
    finished "$1"
}
answers() {
    for _ in {1..20}; do
        host aoeping -I -s 5 1 2 eth0 >/dev/null || return 1
    done
}
logged() { # TIMES PATTERN
    is "$1" "$(grep -Ec "$2" "$(log_of target)")"
}
# section SLOT FILE [LINE]
section() {
    printf '[e1.%s]\nfile = %s\ninterfaces = eth0\n%s\n' "$1" "$2" "${3:-}"
}
URI=nbd://127.0.0.1
file() {
    section 2 disk
}

file >conf
start target nas aoe-target --config conf --control control
await target 'e1\.2: serving'
reading

silence
{ file && section 3 $URI; } >conf
reload first
check "a server that says nothing is connected to" eventually connected 1
check "... and the other disk answers aoeping" answers
check "... while the reload is in progress" alive first

file >conf
reload second
check "a reload without that disk replaces it" over second
check "... and ends the first one, too" over first
check "... and the connection is closed" eventually connected 0
check "... and neither changed anything" logged 0 'e1\.3'

{ file && section 3 $URI; } >conf
reload first
eventually connected 1
{ file && section 3 nowhere; } >conf
reload second
check "a reload that fails replaces one as well" not over second
check "... and fails the first one, too" not over first

{ file && section 3 $URI; } >conf
reload third
eventually connected 1
speak
check "when the server speaks at last, the reload succeeds" over third
check "... and its disk is served" logged 1 'e1\.3: serving'
check "... and can be read" is "40 00" "$(DISK='0001 03' status "$(DISK='0001 03' read_sectors 7 1)")"

silence
{ file && section 3 $URI 'read-only = yes'; } >conf
reload fourth
check "a disk that changes is closed first" seen target '0 started, 0 stopped'
check "... and the other disk answers while it is reopened" answers
check "... which the reload waits for" alive fourth
speak
check "... with success" over fourth
check "... and it is served again" logged 2 'e1\.3: serving'

silence
{ file && section 3 $URI 'read-only = yes' && section 4 $URI/other; } >conf
reload fifth
eventually connected 2
check "the other disk answers while a third is waited for" answers
check "a server that never speaks: the reload fails" not over fifth
check "... saying that nothing was changed" \
    grep -q 'nothing was changed' "$(log_of fifth)"
check "... and why" logged 1 "$URI/other: connecting: the server does not answer"
check "the disk that was there is still served" logged 0 'e1\.3: is not served'
speak
check "every request was answered all the time" reading_end
stop target
end server
