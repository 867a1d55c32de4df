#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# With a configuration file, a disk or an interface that is missing or busy
# keeps no other disk off the network, and is served as soon as it is there.
# aoe discovers; flock(1) of util-linux is the other program.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need flock=util-linux xxd
network 1500
cd "$TMP" || exit
truncate -s 1M here busy both

cat >conf <<END
[e1.1]
file = here
interfaces = eth0
[e1.2]
file = late
interfaces = eth0
[e1.3]
file = busy
interfaces = eth0
[e1.4]
file = both
interfaces = eth0, eth7
[e1.5]
file = last
interfaces = eth7
END
found() { # INTERFACE: the disks there
    host aoe discover -i "$1" --wait 1 | grep -o '^e[0-9.]*' | tr '\n' ' '
}
finds() { # INTERFACE DISKS
    is "$2" "$(found "$1")"
}
finds_also() { # INTERFACE DISK
    [[ " $(found "$1")" = *" $2 "* ]]
}
count() { # TIMES PATTERN
    is "$1" "$(grep -Ec "$2" "$(log_of target)")"
}

# ---- at the start ------------------------------------------------------------

locked() {
    not flock --nonblock busy true
}
start holder nas flock --no-fork busy sleep 600
eventually locked || fail "the file is not locked"
start target nas aoe-target --config conf --control control
await target 'e1\.4: serving'
check "what is there is served" finds eth0 "e1.1 e1.4 "
check "one line says what is wrong with each: missing" \
    count 1 'e1\.2: not served: late: opening .*No such file'
check "... busy" count 1 'e1\.3: not served: busy: .*(export|use)'
check "... an interface" count 1 'eth7: no such interface'
check "ctl exports says it, too" \
    says '^e1\.2.*late \(not served: late: opening .*No such file' \
    aoe-target ctl --control control exports
check "a reload is incomplete" not aoe-target ctl --control control reload
check "... and took nothing away" finds eth0 "e1.1 e1.4 "

# ---- they appear -------------------------------------------------------------

truncate -s 1M late.new
mv late.new late
check "a file that appears is served" seen target 'e1\.2: serving'
end holder
check "one that is free again is served" seen target 'e1\.3: serving'
check "they are there" finds eth0 "e1.1 e1.2 e1.3 e1.4 "
check "one line was said of a failure, and one at the reload" \
    count 2 'e1\.2: not served'

ip link add eth7 netns "$NAS_NS" type veth peer name eth7 netns "$HOST_NS"
ip -n "$HOST_NS" link set eth7 up
ip -n "$NAS_NS" link set eth7 up
check "an interface that appears is used" seen target 'eth7: interface is up'
check "... by the disk that has two" eventually finds eth7 "e1.4 "
truncate -s 1M last.new
mv last.new last
check "a disk that comes after its interface" seen target 'e1\.5: serving'
check "... is there" eventually finds eth7 "e1.4 e1.5 "
check "a reload is complete now" aoe-target ctl --control control reload
stop target

# ---- the same checks as at the start ----------------------------------------

rm late
start other host aoe-target --state-dir "$TMP" 1 2 eth0 "$TMP/here"
await other serving
sed '/e1.1/,/eth0/d' conf >less
start target nas aoe-target --config less --control control
await target 'e1\.4: serving'
truncate -s 2M late.new
mv late.new late
check "a late disk whose address is taken is refused" \
    seen target 'e1\.2: .*serves another disk with this address'
check "... and not served" not grep -q 'e1\.2: serving' "$(log_of target)"
stop target
stop other

# An interface that comes up late is asked like any other.
ip -n "$NAS_NS" link set eth7 down
start other host aoe-target 1 4 eth7 "$TMP/here"
await other serving
start target nas aoe-target --config conf --control control
await target 'e1\.5: serving'
mark target
ip -n "$NAS_NS" link set eth7 up
check "a disk whose address is taken behind a late cable is not served there" \
    seen target 'e1\.4: not served on eth7: .* serves another disk'
check "... which ctl exports says" \
    says '^e1\.4.*not on all of them' aoe-target ctl --control control exports
check "... the others are" eventually finds_also eth7 e1.5
check "... and it is, elsewhere" finds_also eth0 e1.4
stop other
aoe-target ctl --control control reload >/dev/null 2>&1
check "a reload looks again" eventually finds_also eth7 e1.4
stop target

# ---- interfaces by a pattern ---------------------------------------------------

printf '[e1.1]\nfile = here\ninterfaces = eth0\n[e1.6]\nfile = both\ninterfaces = usb*\n' >conf
start target nas aoe-target --config conf --control control
await target 'e1\.6: serving'
check "a pattern that matches nothing keeps nothing else off the network" finds eth0 "e1.1 "
check "... which is said" count 1 'usb\*: no such interface'
check "--check says it" \
    refuses 1 'conf:4: "usb\*": no such interface' nas aoe-target --config conf --check
ip link add usb3 netns "$NAS_NS" type veth peer name usb3 netns "$HOST_NS"
ip -n "$HOST_NS" link set usb3 up
ip -n "$NAS_NS" link set usb3 up
check "an interface that matches it is used" seen target 'e1\.6: serving .* on usb3'
check "... really" eventually finds usb3 "e1.6 "
stop target

# ---- nothing to begin with ---------------------------------------------------

printf '[e1.2]\nfile = never\ninterfaces = eth0\n' >conf
start target nas aoe-target --config conf --control control
await target 'e1\.2: not served'
check "a target without a disk waits" \
    says '^e1\.2' aoe-target ctl --control control exports
stop target
check "a single disk on the command line fails at once" \
    refuses 1 'aoe-target: never: opening .*No such file' \
    nas timeout 20 aoe-target 1 2 eth0 never
check "... and a missing interface" \
    refuses 1 'aoe-target: eth9: no such interface' \
    nas timeout 20 aoe-target 1 2 eth9 here
