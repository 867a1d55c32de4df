#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# One target, many disks: aoecfg and aoeping of Debian's aoetools find what the
# configuration file says.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need aoecfg=aoetools xxd
network 1500
cd "$TMP" || exit

for n in 2 3 4; do
    truncate -s "${n}M" "disk$n"
done
printf '%s\n' '[defaults]' 'interfaces = eth*' \
    '[e1.2]' 'file = disk2' 'read-only = yes' 'remote-admin = no' \
    '[e1.3]' 'file = disk3' 'buffer-count = 7' 'max-sectors = 1' \
    'offset = 2' 'length = 100' \
    '[other]' 'shelf = 9' 'slot = 1' 'file = disk4' \
    "remote-admin = $HOST_MAC" 'fault = trim-error=9' >conf

# ---- checking it -------------------------------------------------------------

check "--check accepts it" nas aoe-target --config conf --check
nas aoe-target --config conf --check >checked
check "--check prints globs as the interfaces they stand for" \
    grep -qx 'interfaces = eth0' checked
nas aoe-target --config checked --check >again
check "what --check prints means the same" cmp checked again
sed 's/^slot = 1/slot = 1x/; s/^read-only.*/read-only = perhaps/' conf >bad
mistakes() {
    nas aoe-target --config bad --check 2>err
    local status=$?
    cat err
    [ "$status" = 1 ] && [ "$(wc -l <err)" = 2 ] &&
        grep -q '^aoe-target: bad:5: read-only: "perhaps"' err &&
        grep -q '^aoe-target: bad:15: slot: "1x"' err
}
check "--check reports every mistake with its line" mistakes
check "a file with mistakes is not served" \
    not nas timeout 20 aoe-target --config bad
printf '[e1.2]\nfile = disk2\ninterfaces = eth0\n[x]\nshelf=1\nslot=2\nfile = disk3\ninterfaces = e*\n' >twice
check "two disks with one address on one interface" \
    refuses 1 '^aoe-target: twice:4: e1\.2 is already defined in line 1' \
    nas timeout 20 aoe-target --config twice
check "--config and a disk on the command line" \
    refuses 2 '^aoe-target: 1: with --config' \
    nas timeout 20 aoe-target --config conf 1 2 eth0 disk2
check "--config and a flag of a disk" \
    refuses 2 '^aoe-target: with --config' \
    nas timeout 20 aoe-target -r --config conf
check "--check without --config" \
    refuses 2 '^aoe-target: --check' nas aoe-target --check 1 2 eth0 disk2
check "no such file" refuses 1 '^aoe-target: none: No such file' \
    nas aoe-target --config none

# ---- serving -----------------------------------------------------------------

serving() {
    await target "$1: serving"
}
start target nas aoe-target --config conf
for disk in 'e1\.2' 'e1\.3' 'e9\.1'; do
    serving "$disk"
done
everyone() {
    host timeout 10 aoecfg -t 1 0xffff 0xff eth0 | cut -f 1 | sort | tr '\n' ' '
}
check "aoecfg finds all three" is "1.2 1.3 9.1 " "$(everyone)"
config() {
    host timeout 10 aoecfg -t 5 "$@" | head -n 1
}
# of SHELF SLOT COMMAND...: sends the command's frame to that disk.
of() {
    local DISK
    DISK=$(printf '%04x %02x' "$1" "$2")
    shift 2
    "$@"
}
check "e1.2 is read-only" \
    is "41 04" "$(status "$(of 1 2 write_sectors 0 1 "aax512")")"
check "e1.3 is not" \
    is "40 00" "$(status "$(of 1 3 write_sectors 0 1 "aax512")")"
check "e1.3 begins at its offset" is aa "$(xxd -p -s 1024 -l 1 disk3)"
check "e1.3 has its length" is 100 "$(sectors "$(of 1 3 identify)")"
answer=$(of 1 3 ask 01 "$QUERY")
check "e1.3 has its buffer count and its sectors per frame" \
    is "0007 01" "$(field "$answer" 24 2) $(field "$answer" 28 1)"
check "e1.3: two sectors in a frame are refused" \
    is "41 04" "$(status "$(of 1 3 read_sectors 0 2)")"

# ---- who may change it -------------------------------------------------------

check "a config string may be set where the file does not say" \
    is mine "$(config -c set -s mine 1 3 eth0)"
check "... and by those whom the file names" \
    is mine "$(config -c set -s mine 9 1 eth0)"
check "... but not where nobody may" \
    is 1c02 "$(field "$(of 1 2 ask 01 "0000 0000 00 03 0001 78")" 14 2)"
check "nor by force" is 1c02 \
    "$(field "$(of 1 2 ask 01 "0000 0000 00 04 0001 78")" 14 2)"
check "nor the mask list" is 1c02 \
    "$(field "$(of 1 2 ask 02 "00 01 00 01 00 01 020000000077")" 14 2)"
check "nor a reservation" is 1c02 \
    "$(field "$(of 1 2 ask 03 "01 01 020000000077")" 14 2)"
check "reading them is allowed" is 1800 \
    "$(field "$(of 1 2 ask 03 "00 00")" 14 2)"
check "e1.2 still has no config string" is "" "$(config 1 2 eth0)"
stop target
