#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# -v and -vv of every command that uses a disk: what libaoe decides, and each
# frame, in lines with the time of day; without them, no such line.

. "$(dirname "$0")/../lib/net.sh"
network 1500
head -c 1M /dev/urandom >"$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'serving'
mkdir "$TMP/mnt"

# lines COMMAND...: how many of its lines on standard error have the time
lines() {
    timeout "${LIMIT:-20}" ip netns exec "$HOST_NS" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
    grep -cE "^$1: [0-2][0-9](:[0-5][0-9]){2}\.[0-9]{6} (e1\.2|eth0) [a-z]" "$TMP/err"
}
# levels COMMAND...: nothing, something with -v, more with -vv
levels() {
    local none some all
    none=$(lines "$@")
    some=$(lines "$@" -v)
    all=$(lines "$@" -v --verbose)
    echo "$none lines, with -v $some, with -vv $all"
    [ "$none" = 0 ] && [ "$some" -gt 0 ] && [ "$all" -gt "$some" ]
}
# Commands that only query decide nothing, but have frames to log.
frames() {
    local none all
    none=$(lines "$@")
    all=$(lines "$@" -vv)
    echo "$none lines, with -vv $all"
    [ "$none" = 0 ] && [ "$all" -gt 0 ]
}

check "aoe discover" frames aoe discover -i eth0 -w 0.3
check "aoe ping" frames aoe ping e1.2 -i eth0 -c 1
check "aoe config" frames aoe config e1.2 -i eth0
check "aoe stat" levels aoe stat e1.2 -i eth0
check "aoe copy" levels aoe copy e1.2 "$TMP/copy" --destructive -i eth0
check "aoe bench" levels aoe bench e1.2 -i eth0 --seconds 0.2
check "aoe-nbd serve" levels aoe-nbd serve e1.2 -i eth0 --run true
if command -v aoe-fuse >/dev/null && [ -e /dev/fuse ]; then
    # In the foreground until timeout ends it.
    LIMIT=2
    check "aoe-fuse mount" levels aoe-fuse mount e1.2 "$TMP/mnt" -f -i eth0
else
    skip_check "aoe-fuse mount" "not built, or no /dev/fuse"
fi
