#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every mistake of a user is answered with one line on standard error, which begins
# with the program's name, and exit status 2 (wrong usage) or 1 (it could not be
# done).  Nothing waits for ever.

. "$(dirname "$0")/../lib/net.sh"
need setpriv=util-linux losetup=util-linux mkfs.ext4=e2fsprogs
network 1500

on_nas() { nas timeout 20 "$@"; }
on_host() { host timeout 20 "$@"; }
# Root, but without the right to open raw sockets.
weak_nas() { nas timeout 20 setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$@"; }
weak_host() { host timeout 20 setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$@"; }

cd "$TMP" || exit 1
truncate -s 1M disk
truncate -s 511 small
mkdir dir mnt
: >empty

# ---- aoe-target --------------------------------------------------------------

T=aoe-target
target_usage() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    check "aoe-target $*" refuses 2 "^$T: .*$pattern" on_nas $T "$@"
}
target_usage "" 1 2 eth0
target_usage ""
target_usage "extra" 1 2 eth0 disk extra
target_usage "65535" 65535 2 eth0 disk
target_usage "70000" 70000 2 eth0 disk
target_usage "255" 1 255 eth0 disk
target_usage "-1" -- -1 2 eth0 disk
target_usage "one" one 2 eth0 disk
target_usage "2x" 1 2x eth0 disk
target_usage "0" -b 0 1 2 eth0 disk
target_usage "70000" -b 70000 1 2 eth0 disk
target_usage "12q" -o 12q 1 2 eth0 disk
target_usage "" -o 99999999999999999999 1 2 eth0 disk
target_usage "-5" -l -5 1 2 eth0 disk
target_usage "zz" -m zz 1 2 eth0 disk
target_usage "02:00:00:00:00" -m 02:00:00:00:00 1 2 eth0 disk
target_usage "-o" 1 2 eth0 disk -o
target_usage "-z" -z 1 2 eth0 disk

target_fails() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    check "aoe-target $*" refuses 1 "^$T: .*$pattern" on_nas $T "$@"
}
target_fails "missing.*No such file" 1 2 eth0 missing
target_fails "dir" 1 2 eth0 dir
target_fails "/dev/null" 1 2 eth0 /dev/null
target_fails "empty" 1 2 eth0 empty
target_fails "small.*512" 1 2 eth0 small
target_fails "disk" -o 2048 1 2 eth0 disk
target_fails "disk" -o 2000 -l 49 1 2 eth0 disk
target_fails "eth9.*eth0" 1 2 eth9 disk
check "aoe-target without CAP_NET_RAW says so" \
    refuses 1 "^$T: .*CAP_NET_RAW" weak_nas $T 1 2 eth0 disk
cp "$BUILD/aoe-target" . # where anyone may run it
check "aoe-target on a file that it may not open" \
    refuses 1 "^$T: .*disk.*Permission denied" nas timeout 20 \
    setpriv --reuid=65534 --regid=65534 --clear-groups \
    ./aoe-target 1 2 eth0 disk

if loop=$(losetup --find --show disk 2>/dev/null); then
    mkfs.ext4 -q -O ^has_journal "$loop"
    mount "$loop" dir
    target_fails "$loop.*mounted" 1 2 eth0 "$loop"
    umount dir
    let_go "$loop"
else
    skip_check "aoe-target on a mounted device" "no loop device available"
fi
start other nas $T 1 2 eth0 disk
await other 'e1\.2: serving'
target_fails "disk" --wait 0 1 3 eth0 disk
stop other

# ---- aoe ---------------------------------------------------------------------

check "aoe" refuses 2 '^aoe: ' on_host aoe
check "aoe frobnicate" refuses 2 '^aoe: .*frobnicate' on_host aoe frobnicate

# ---- what aoe, aoe-nbd and aoe-fuse have in common ---------------------------

discover="aoe discover --wait 0.2"
serve="aoe-nbd serve e1.2 --unix nbd.sock"
mount="aoe-fuse mount e1.2 mnt"
for command in "$discover" "$serve" "$mount"; do
    program=${command%% *}
    # shellcheck disable=SC2086 # lists of words
    {
        check "$command: no interface named" \
            refuses 2 "^$program: .*-i.*AOE_INTERFACES.*eth0" on_host $command
        check "$command -i eth9" \
            refuses 1 "^$program: .*eth9.*eth0" on_host $command -i eth9
        check "$command -i: without a name" \
            refuses 2 "^$program: .*i" on_host $command -i
        check "$command: without CAP_NET_RAW" refuses 1 \
            "^$program: .*CAP_NET_RAW" weak_host $command -i eth0
        check "$command --frobnicate" refuses 2 \
            "^$program: .*--frobnicate" on_host $command -i eth0 --frobnicate
        check "$command --link pigeon" refuses 2 \
            "^$program: .*pigeon.*packet, socket or pcap" on_host $command -i eth0 --link pigeon
    }
done
check "aoe discover --wait soon" \
    refuses 2 '^aoe: .*soon' on_host aoe discover -i eth0 --wait soon
check "aoe discover that finds nothing says where and how long it asked" \
    refuses 1 '^aoe: .*eth0.*0\.2 ?s' on_host aoe discover -i eth0 --wait 0.2
nothing_json() {
    [ "$(on_host aoe discover -i eth0 --wait 0.2 --json 2>/dev/null | tr -d ' \n')" = '[]' ]
}
check "... and its JSON is an empty list" nothing_json

# ---- aoe-nbd -----------------------------------------------------------------

nbd_usage() { # PATTERN ARGUMENTS...
    local pattern=$1
    shift
    check "aoe-nbd $*" refuses 2 "^aoe-nbd: .*$pattern" on_host aoe-nbd "$@"
}
nbd_usage ""
nbd_usage "--unix.*path" serve e1.2 -i eth0 --unix ""
nbd_usage "--run.*command" serve e1.2 -i eth0 --run ""
nbd_usage "exclude each other" serve e1.2 -i eth0 --unix nbd.sock --tcp 0
nbd_usage "frobnicate" frobnicate
nbd_usage "" serve -i eth0 --unix nbd.sock
nbd_usage "e1" serve e1 -i eth0 --unix nbd.sock
nbd_usage "e1.2.3" serve e1.2.3 -i eth0 --unix nbd.sock
nbd_usage "e70000.1" serve e70000.1 -i eth0 --unix nbd.sock
nbd_usage "--unix" serve e1.2 -i eth0
nbd_usage "99999" serve e1.2 -i eth0 --tcp 99999
nbd_usage "http" serve e1.2 -i eth0 --tcp http
check "aoe-nbd serve: a disk that is not there" \
    refuses 1 '^aoe-nbd: .*e9\.9.*eth0' \
    on_host aoe-nbd serve e9.9 -i eth0 --wait 0.5 --unix nbd.sock

# ---- aoe-fuse ----------------------------------------------------------------

if command -v aoe-fuse >/dev/null; then
    fuse_usage() {
        local pattern=$1
        shift
        check "aoe-fuse $*" refuses 2 "^aoe-fuse: .*$pattern" on_host aoe-fuse "$@"
    }
    fuse_usage ""
    fuse_usage "frobnicate" frobnicate
    fuse_usage "" mount -i eth0
    fuse_usage "" mount e1.2 -i eth0
    fuse_usage "e1" mount e1 mnt -i eth0
    check "aoe-fuse mount: a directory that is not there" refuses 1 \
        '^aoe-fuse: .*nowhere' on_host aoe-fuse mount e1.2 nowhere -i eth0
    check "aoe-fuse mount: a disk that is not there" refuses 1 \
        '^aoe-fuse: .*e9\.9.*eth0' \
        on_host aoe-fuse mount e9.9 mnt -i eth0 --wait 0.5
    check "aoe-fuse umount: nothing is mounted there" refuses 1 \
        '^aoe-fuse: .*mnt' on_host aoe-fuse umount mnt
fi
