#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# SIGHUP: unchanged exports lose no frame, changed ones are reopened with what clients
# had set, removed ones stop, new ones start and are announced, and a bad file changes
# nothing.  aoecfg of Debian's aoetools judges.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need aoecfg=aoetools xxd tcpdump
network 1500
cd "$TMP" || exit

for n in 2 3 4 5; do
    truncate -s "${n}M" "disk$n"
done
# section ADDRESS FILE [LINE...]
section() {
    printf '[%s]\nfile = %s\ninterfaces = eth0\n' "$1" "$2"
    shift 2
    printf '%s\n' "$@"
}
# reload SECTIONS...: makes them the configuration, and waits until it is in effect.
reload() {
    "$@" >conf
    mark target
    kill -HUP "${PID[target]}"
    await target 'reloaded:|nothing was changed'
}
everyone() {
    host timeout 10 aoecfg -t 1 0xffff 0xff eth0 | sort | tr '\t\n' '= '
}
config() {
    host timeout 10 aoecfg -t 5 "$@" | head -n 1
}
# size SHELF SLOT: of that disk, in sectors.
size() {
    local DISK
    DISK=$(printf '%04x %02x' "$1" "$2")
    sectors "$(identify)"
}
announced() { # SLOT
    seen capture "Major: 0x0001, Minor: 0x0$1, Command: Query Config"
}

first() {
    section e1.2 disk2
    section e1.3 disk3
}
first >conf
start target nas aoe-target --config conf --control control
await target 'e1\.3: serving'
check "two disks" is "1.2= 1.3= " "$(everyone)"
config -c set -s kept 1 3 eth0 >/dev/null
of3() {
    local DISK="0001 03"
    "$@"
}
of3 ask 02 "00 01 00 01 00 01 ${HOST_MAC//:/}" >/dev/null

reading # e1.2

# ---- what changes, and what stays --------------------------------------------

second() {
    section e1.2 disk2
    section e1.3 disk3 'read-only = yes'
    section e1.4 disk4
}
start capture host tcpdump -v -l -nn -e -i eth0 --immediate-mode \
    'ether proto 0x88a2 and ether broadcast and ether[14] & 8 != 0'
await capture 'listening on'
mark capture
reload second
check "it says what it did" \
    grep -q 'reloaded: 1 unchanged, 1 changed, 1 started, 0 stopped' "$(log_of target)"
check "the new disk announces itself" announced 4
await target 'e1\.3: serving'
await target 'e1\.4: serving'
# A disk with a mask list is not announced to everyone.
check "the others do not" not grep -Eq 'Minor: 0x0[23]' "$(log_of capture)"
end capture
check "the new one is there, and the changed one keeps its config string" \
    is "1.2= 1.3=kept 1.4= " "$(everyone)"
check "... and its mask list" is 01 "$(field "$(of3 ask 02 "00 00 00 00")" 27 1)"
check "the changed one is read-only now" \
    is "41 04" "$(status "$(of3 write_sectors 0 1 "aax512")")"

third() {
    section e1.2 disk2
    section e1.3 disk5 "allow = $HOST_MAC, 02:00:00:00:00:77"
}
reload third
await target 'e1\.3: serving'
check "a removed one does not answer, the others do" \
    is "1.2= 1.3=kept " "$(everyone)"
check "another file under an address" is 10240 "$(size 1 3)"
check "a changed allow list is the mask list" \
    is 02 "$(field "$(of3 ask 02 "00 00 00 00")" 27 1)"

fourth() {
    section e1.2 disk2
    section e1.7 disk3
    section e1.8 disk5
}
reload fourth
await target 'e1\.8: serving'
check "a file under another address" is 10240 "$(size 1 8)"

# ---- bad files ---------------------------------------------------------------

log=$(log_of target)
for bad in "section e1.2 disk2 direct" "section e1.2 disk2 sync=1" "section e1.2 /" \
    "section e1.9 missing" "echo"; do
    # shellcheck disable=SC2086 # words
    reload $bad
    check "\"$bad\" changes nothing" is "1.2= 1.7= 1.8= " "$(everyone)"
done
check "it says why, with the line" \
    grep -q '^aoe-target: conf:4: sync: "1": must be yes or no' "$log"
check "and which file is missing" \
    grep -q '^aoe-target: missing: opening.*No such file' "$log"
told() { # what ctl says about the file
    aoe-target ctl --control control reload 2>&1
    echo "exit status $?"
}
section e1.9 disk4 'sync = 1' 'direct = 7' >conf
check "ctl reload prints the same, with every mistake, and fails" \
    is 'aoe-target: conf:4: sync: "1": must be yes or no
aoe-target: conf:5: direct: "7": must be yes or no
aoe-target: reloading: nothing was changed
exit status 1' "$(told)"
section e1.9 missing >conf
check "... and of a file that is missing" \
    is 'aoe-target: missing: opening for reading and writing: No such file or directory
aoe-target: reloading: nothing was changed
exit status 1' "$(told)"
check "... and of nothing once all is well" is "exit status 0" "$(fourth >conf && told)"
no_interface() {
    section e1.2 disk2
    printf '[e1.9]\nfile = disk4\ninterfaces = eth7\n'
}
reload no_interface
check "an interface that does not exist changes nothing" \
    is "1.2= 1.7= 1.8= " "$(everyone)"

# ---- the backing file --------------------------------------------------------

truncate -s 9M disk5
reload fourth
await target 'e1\.8: serving disk5 \(9437184 bytes\)'
check "a grown file: the disk has its new size" is 18432 "$(size 1 8)"
truncate -s 1M disk5
reload fourth
await target 'e1\.8: serving disk5 \(1048576 bytes\)'
check "a truncated file: the disk has its new size" is 2048 "$(size 1 8)"
check "the file has not grown back" is 1048576 "$(stat -c %s disk5)"
truncate -s 100 disk5
reload fourth
check "an empty file: it is reported, and the disk stays" \
    grep -q 'disk5: has only 100 bytes left; e1\.8 keeps its size' "$log"

# ---- one file, two disks -----------------------------------------------------

windows() { # LINE, for both
    section e1.2 disk2
    section e1.5 disk5 'length = 100' "$1"
    section e1.6 disk5 'offset = 100' 'length = 100' "$1"
}
truncate -s 1M disk5
reload windows 'read-only = no'
await target 'e1\.5: serving'
await target 'e1\.6: serving'
reload windows 'read-only = yes'
check "two parts of a file that both change: one is served again" \
    seen target 'e1\.5: serving'
check "... and the other" seen target 'e1\.6: serving'
reload fourth
await target 'e1\.8: serving'

# ---- an interface that comes and goes ----------------------------------------

ip -n "$NAS_NS" link add name more0 type veth peer name more1
ip -n "$NAS_NS" link set more0 up
ip -n "$NAS_NS" link set more1 up
fifth() {
    section e1.2 disk2
    printf '[e1.7]\nfile = disk3\ninterfaces = more0\n'
}
sockets() { # on how many interfaces it listens
    nas grep -ci ' 88a2 ' /proc/net/packet
}
reload fifth
await target 'e1\.7: serving disk3 .* on more0'
check "a disk moves to another interface" is "1.2= " "$(everyone)"
check "... which is open now" is 2 "$(sockets)"
only() {
    section e1.2 disk2
}
reload only
check "an interface without disks is closed" eventually is 1 "$(sockets)"

check "the disk that stayed answered every frame" reading_end

# ---- a commit that fails before its disk is reopened -------------------------

DISK="0001 02"
flush() { # FLUSH CACHE EXT
    status "$(fresh ask 00 "$(ata 0 0 0 0xea 0)")"
}
failing() {
    section e1.2 disk2 'fault = flush-error' 'commit = 0.2'
}
lose() { # a write whose commit fails
    mark target
    write_sectors 5 1 "aax512" >/dev/null
    await target 'e1\.2: flush to disk: Input/output error'
}
reload failing
await target 'e1\.2: serving'
lose
reload only
await target 'e1\.2: serving'
check "a failed commit: the next flush fails, though the disk was reopened" \
    is "61 04" "$(flush)"
check "... and the one after it does not" is "40 00" "$(flush)"
reload failing
await target 'e1\.2: serving'
check "a write is answered" is "40 00" "$(status "$(write_sectors 5 1 "bbx512")")"
reload only
await target 'e1\.2: serving'
check "the same for the commit when the disk is closed" is "61 04" "$(flush)"
other() {
    section e1.3 disk3
}
reload failing
await target 'e1\.2: serving'
lose
reload other
await target 'e1\.3: serving'
reload only
await target 'e1\.2: serving'
check "... and for a disk that was away meanwhile" is "61 04" "$(flush)"
stop target
