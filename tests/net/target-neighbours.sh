#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A target beside another one on the same machine: on their interface neither hears
# the other, and both get every write.  The other one is Debian's vblade, or ours; if
# it is about to end, it is waited for.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade setpriv=util-linux
network 1500
ip link add eth1 netns "$NAS_NS" type veth peer name eth1 netns "$HOST_NS"
ip -n "$NAS_NS" link set eth1 up
ip -n "$HOST_NS" link set eth1 up
cd "$TMP" || exit
truncate -s 1M theirs ours another

# ours ARGUMENT...: an error is reported at once.
ours() {
    nas timeout 20 aoe-target --wait 0 "$@"
}
serves() {
    start ours nas aoe-target --wait 0 "$@"
    await ours 'serving'
    check "... without a complaint" is_silent ours
    stop ours
}
is_silent() { # NAME
    not grep -v 'serving' "$(log_of "$1")"
}
# listens NAME: this very process has its socket, which vblade opens only after it has
# said so.
has_socket() { # PID
    local inode
    for inode in $(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null |
        tr -dc '0-9\n'); do
        # shellcheck disable=SC2016 # awk's
        nas awk -v inode="$inode" '$4 == "88a2" && $5 > 0 && $9 == inode { found = 1 }
            END { exit !found }' /proc/net/packet && return
    done
    return 1
}
listens() {
    until has_socket "${PID[$1]}"; do
        alive "$1" || fail "$1 ended: $(cat "$(log_of "$1")")"
    done
}
vblade_at() { # ARGUMENT...
    start vblade nas vblade "$@"
    listens vblade
}

# ---- vblade ------------------------------------------------------------------

vblade_at 1 2 eth0 theirs
says_who="vblade \(pid ${PID[vblade]}\) answers AoE on eth0 already; stop it and "
says_who+="take its line out of /etc/inittab, or use"
check "vblade serves the address: refused" \
    refuses 1 "^aoe-target: e1\.2: $says_who --force-address" ours 1 2 eth0 ours
check "... also in hexadecimal" \
    refuses 1 "^aoe-target: e1\.2: $says_who" ours 0x1 0x2 eth0 ours
check "... also beside another interface" \
    refuses 1 "^aoe-target: e1\.2: $says_who" ours 1 2 eth1,eth0 ours
check "vblade serves the disk: refused" \
    refuses 1 "^aoe-target: theirs: $says_who --force-file" ours 1 2 eth0 theirs
check "... at any address" \
    refuses 1 "^aoe-target: theirs: $says_who --force-file" ours 7 7 eth1 theirs
check "... and read-only" \
    refuses 1 "^aoe-target: theirs: $says_who --force-file" ours -r 7 7 eth1 theirs
check "--force-file does not help with the address" \
    refuses 1 "^aoe-target: e1\.2: $says_who --force-address" \
    ours --force-file -r 1 2 eth0 ours
echo "# another slot"
serves 1 3 eth0 ours
echo "# another shelf"
serves 2 2 eth0 ours
echo "# another interface"
serves 1 2 eth1 ours
echo "# by force"
serves --force-address 1 2 eth0 ours
end vblade
echo "# vblade has ended"
serves 1 2 eth0 ours

vblade_at -r -s 1 2 eth0 theirs
echo "# read-only beside vblade -r"
serves -r 1 3 eth0 theirs
check "a writer beside vblade -r is refused" \
    refuses 1 "^aoe-target: theirs: vblade" ours 1 3 eth0 theirs
end vblade
vblade_at -so 1000 -l 8 1 2 eth0 theirs
echo "# a part in front of vblade's"
serves -l 1000 1 3 eth0 theirs
echo "# a part behind it"
serves -o 1008 1 3 eth0 theirs
check "a part that overlaps is refused" \
    refuses 1 "^aoe-target: theirs: vblade" ours -o 1007 1 3 eth0 theirs
end vblade

# ---- others that listen, and others that write -----------------------------------

start client nas aoe discover -i eth0 --wait 60
listens client
echo "# a client on the same interface is no target"
serves 1 2 eth0 ours
end client
# A target whose disks cannot be known: it is named, and may be no conflict.
start server nas bash -c 'exec -a ggaoed aoe discover -i eth0 --wait 60'
listens server
start ours nas aoe-target --wait 0 1 2 eth0 ours
check "beside ggaoed it serves" seen ours 'serving'
check "... and says that ggaoed is there" \
    grep -q "e1\.2: ggaoed (pid ${PID[server]}) answers AoE on eth0, too" "$(log_of ours)"
stop ours
end server
opened() {
    readlink "/proc/${PID[$1]}/exe" | grep -q sleep
}
start writer nas bash -c 'exec 9<>ours; exec sleep 60'
eventually opened writer
check "a program that has it open for writing is named" \
    refuses 1 "^aoe-target: ours: open for writing by sleep \(pid ${PID[writer]}\)" \
    ours 1 2 eth0 ours
end writer
start reader nas bash -c 'exec 9<ours; exec sleep 60'
eventually opened reader
echo "# a reader is no obstacle"
serves 1 2 eth0 ours
end reader

# ---- two of ours -----------------------------------------------------------------

start first nas aoe-target 1 2 eth0 theirs
await first 'serving'
one_of_ours="^aoe-target: e1\.2: aoe-target \(pid ${PID[first]}\) serves this "
one_of_ours+="address on eth0 already; .*--force-address"
check "one of ours serves the address: refused" \
    refuses 1 "$one_of_ours" ours 1 2 eth0 ours
check "its file: refused, saying who" \
    refuses 1 "^aoe-target: theirs: another target exports it \(pid ${PID[first]}\)" \
    ours 1 3 eth0 theirs
echo "# another slot"
serves 1 3 eth0 ours
echo "# another interface"
serves 1 2 eth1 ours
lock=/run/aoe-target.lock
check "nobody else can take the lock" \
    not setpriv --reuid=65534 --regid=65534 --clear-groups cat "$lock"
check "... since it is for root only" is 600 "$(stat -c %a "$lock")"
stop first KILL
echo "# the first one was killed"
serves 1 2 eth0 ours

# Where /run is not ours nothing is locked, but the command line still shows it.
chown 65534:65534 theirs another
chmod 755 .
start first nas setpriv --reuid=65534 --regid=65534 --clear-groups \
    --inh-caps=+net_raw --ambient-caps=+net_raw \
    aoe-target 1 2 eth0 "$TMP/theirs"
if seen first 'serving'; then
    check "an ordinary user's target is found by its command line" \
        refuses 1 "^aoe-target: e1\.2: aoe-target \(pid [0-9]+\) answers AoE on eth0" \
        ours 1 2 eth0 ours
else
    skip_check "an ordinary user's target" "$(tail -n 1 "$(log_of first)")"
fi
end first

no_proc() {
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount bash -c 'mount -t tmpfs none /proc && exec "$@"' - "$@"
}
if grep -qa __asan_init "$BUILD/aoe-target"; then
    skip_check "without /proc" "AddressSanitizer itself needs it"
elif no_proc true; then
    vblade_at 1 2 eth0 theirs
    start ours nas unshare --mount bash -c 'mount -t tmpfs none /proc &&
        exec aoe-target --wait 0 1 2 eth0 ours'
    check "without /proc it serves" seen ours 'serving'
    check "... and reports nothing" is_silent ours
    stop ours
    end vblade
else
    skip_check "without /proc" "needs a mount namespace"
fi

# ---- one that is about to end ------------------------------------------------------

# A restart that does not wait: the old one was told to end, and has not ended yet.
start first nas aoe-target 1 2 eth0 theirs
await first 'serving'
kill -STOP "${PID[first]}"
kill -TERM "${PID[first]}"
start second nas aoe-target --wait 60 1 2 eth0 theirs
await second "theirs: another target exports it \(pid ${PID[first]}\); waiting"
kill -CONT "${PID[first]}"
check "it waits for the old one, and serves" seen second 'serving'
finished first
check "... which ended as it should" is 0 $?
kill -STOP "${PID[second]}"
kill -TERM "${PID[second]}"
start third nas aoe-target --wait 60 1 2 eth0 ours
await third "e1\.2: aoe-target \(pid ${PID[second]}\) serves this address.*waiting"
kill -CONT "${PID[second]}"
check "... also if only its address is in use" seen third 'serving'
finished second
kill -STOP "${PID[third]}"
check "it does not wait for ever" not nas aoe-target --wait 0.2 1 2 eth0 ours
start fourth nas aoe-target --wait 3600 1 2 eth0 ours
await fourth 'waiting for it to end'
kill "${PID[fourth]}"
finished fourth
check "... and not when it is told to end" is 1 $?
kill -CONT "${PID[third]}"
stop third

vblade_at 1 2 eth0 theirs
start ours nas aoe-target --wait 60 1 2 eth0 theirs
await ours 'vblade \(pid [0-9]+\) answers AoE.*waiting for it to end'
end vblade
check "vblade is waited for, too" seen ours 'serving'
stop ours

# ---- reload ---------------------------------------------------------------------

section() {
    printf '[e1.%s]\nfile = %s\ninterfaces = eth0\n' "$@"
}
reload() {
    mark target
    aoe-target ctl --control control reload
}
section 3 another >conf
start target nas aoe-target --config conf --control control
await target 'e1\.3: serving'
check "of a configuration: refused" \
    refuses 1 "^aoe-target: e1\.3: aoe-target \(pid ${PID[target]}\) serves" \
    ours 1 3 eth0 ours
vblade_at 1 2 eth0 theirs
{
    section 3 another
    section 2 ours
} >conf
check "a reload adds a disk that vblade has" \
    refuses 1 'reloaded, but not every disk is served' reload
check "... and does not serve it" \
    grep -q "e1\.2: vblade (pid ${PID[vblade]}) answers AoE on eth0" "$(log_of target)"
end vblade
check "... until vblade is gone" reload
check "... and then does" seen target 'e1\.2: serving'
section 3 another >conf
check "what a reload removes" reload
echo "# is free for others"
serves 1 2 eth0 ours
stop target

# Nine checks, an eighth of a second apart, which are not logged.
vblade_at 1 2 eth0 theirs
{
    section 3 another
    section 2 ours
} >conf
start target nas aoe-target --wait 0 --take-over 1 --config conf
await target 'e1\.3: serving'
check "a disk that waits for vblade to end" \
    grep -q 'e1\.2: vblade .* answers AoE on eth0 already' "$(log_of target)"
end vblade
check "... is served then" seen target 'e1\.2: serving'
check "... and has said once what it waits for" \
    is 1 "$(grep -c 'answers AoE' "$(log_of target)")"
stop target
