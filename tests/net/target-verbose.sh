#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a target logs with -v and -vv: decisions, and each frame, with the reason if it
# was dropped, all with the time of day; without them, none of it.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need aoecfg=aoetools xxd
network 1500
cd "$TMP" || exit

truncate -s 1M disk disk3
mkdir state
time='[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}'
# told TEXT: the log has it in a line with the time.
told() {
    seen target "^aoe-target: $time $1"
}
# told_before TEXT: the same, of a target that has ended.
told_before() {
    grep -Eq "^aoe-target: $time $1" "$(log_of target)"
}
serve() { # FLAGS...
    start target nas aoe-target "$@" --state-dir state 1 2 eth0 disk
    await target 'e1\.2: serving'
}
flush() {
    ask 00 "$(ata 0 0 0 0xea 0)"
}

serve
flush >/dev/null
stop target
check "without -v, no such line" not told_before ''

serve -v
check "-v: a port is opened" \
    told 'eth0: port opened: [a-z_]+, MTU 1500, [0-9]+ receive buffers'
check "... and serves the disk" told 'eth0: serves e1\.2'
check "... whose address was free" told 'e1\.2: checking -> free'
host timeout 10 aoecfg -t 5 -c set -s name 1 2 eth0 >/dev/null
check "... state is saved" told 'state/e1\.2\.state: saved, [0-9]+ bytes'
flush >/dev/null
stop target
check "... and the port stops" told_before 'eth0: port stopped'
check "... but no frame is shown" not told_before '.* tag [0-9a-f]{8}'

serve -vv
flush >/dev/null
check "-vv: a request" told \
    "eth0: received: $HOST_MAC > $NAS_MAC e1\.2 tag $TAG ATA command 0xea"
check "... and its response" told \
    "eth0: response: $NAS_MAC > $HOST_MAC e1\.2 tag $TAG ATA status 0x40"
try 01 "$(config 1 other)" >/dev/null
check "... a frame that asks for no response" told \
    'eth0: dropped \(the protocol asks for no response\): .* e1\.2'
try 02 "00 01 00 01 00 01 020000000077" >/dev/null
try 01 "$QUERY" >/dev/null
check "... a sender that is not on the mask list" told \
    'eth0: dropped \(sender not on the mask list\): .* e1\.2'
stop target

section() { # SLOT FILE [LINE]
    printf '[e1.%s]\nfile = %s\ninterfaces = eth0\n%s\n' "$1" "$2" "${3:-}"
}
section 2 disk >conf
start target nas aoe-target -vv --config conf --control control
await target 'e1\.2: serving'
{
    section 2 disk 'read-only = yes'
    section 3 disk3
} >conf
nas aoe-target ctl --control control reload
check "a reload has a plan" \
    told 'reload: reconfigure e1\.2: its configuration changed'
check "... a reason for each" told 'reload: open e1\.3: new in the configuration'
check "... and the steps it waits for" \
    told 'e1\.2: waits until what is in its way has closed'
check "... and the command that asked for it" told 'control: "reload"'
nas aoe-target ctl --control control reload
check "nothing changed" told 'reload: keep e1\.3: unchanged'
of9() {
    local DISK="0001 09"
    "$@"
}
of9 try 01 "$QUERY" >/dev/null
check "a frame for nobody" told \
    'eth0: dropped \(no disk with this address\): .* e1\.9'
stop target
