#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-target import: what it prints from the files of Debian's vblade package,
# of Fedora's, of vblade-persist, of ggaoed, and from an inittab, is accepted by
# aoe-target, and serves the same disks as vblade did.

. "$(dirname "$0")/../lib/net.sh"
need vblade
network 1500

imported() { # FILE...: into $TMP/out, with this exit status
    local want=$1 got
    shift
    aoe-target import "$@" >"$TMP/out"
    got=$?
    cat "$TMP/out"
    [ "$got" = "$want" ] || { echo "exit status $got, not $want" && return 1; }
}
# accepted EXPORTS: aoe-target takes it, for as many disks.
accepted() {
    nas aoe-target --config "$TMP/out" --check >"$TMP/checked" || return
    [ "$(grep -c '^\[' "$TMP/checked")" = "$1" ] || { cat "$TMP/checked" && return 1; }
}
has() { # LINE...
    local line
    for line; do
        grep -qxF -- "$line" "$TMP/out" || { echo "lacks: $line" && return 1; }
    done
}

# Without comments; the order of a mask list means nothing.
settings() {
    grep -v '^#' "$1" | sort
}

# ---- the command line, and where it may stand --------------------------------

check "a command line" imported 0 -- vblade -r -o 010 1 2 eth0 /dev/md4
check "is accepted" accepted 1
check "an octal offset is eight" has '[e1.2]' 'offset = 8' 'read-only = yes'

cat >"$TMP/inittab" <<'END'
::sysinit:/etc/init.d/rcS
::respawn:/usr/sbin/vblade 1 2 eth0 /dev/md4
ao13:2345:respawn:/usr/sbin/vblade -d 1 3 eth0 /dev/md5 >/dev/null 2>&1
END
check "an inittab" imported 0 "$TMP/inittab"
check "is accepted" accepted 2
piped() {
    imported 0 - <"$TMP/inittab"
}
check "from standard input, too" piped
echo '::respawn:vblade -m bad 1 4 eth0 /dev/md6' >>"$TMP/inittab"
check "a mask list that cannot be kept: the disk is left out" imported 3 "$TMP/inittab"
check "is accepted without it" accepted 2

# ---- Debian ------------------------------------------------------------------

# The package's own example, with its comment signs removed.
conf=/etc/vblade.conf.d/skeleton.conf
if [ -f "$conf" ]; then
    mkdir "$TMP/vblade.conf.d"
    cp "$conf" "$TMP/vblade.conf.d/"
    sed -n '/^# Example:/,$s/^# \([a-z]*=\)/\1/p' "$conf" |
        sed 's/11:22:33/10:22:33/' >"$TMP/vblade.conf.d/example.conf"
    check "Debian's example" imported 3 "$TMP/vblade.conf.d/example.conf"
    check "is accepted" accepted 1
    check "with all it says" has '[e10.3]' 'file = /dev/mapper/export' \
        'interfaces = em3' 'offset = 8' 'allow = 10:22:33:44:55:66'
    check "but its I/O class" grep -q '^#.*best-effort' "$TMP/out"
    check "its directory" imported 3 "$TMP/vblade.conf.d"
    check "is accepted, too" accepted 1
    check "an example that is all comments starts nothing" \
        refuses 1 'nothing in it starts vblade' aoe-target import "$conf"
else
    skip_check "Debian's example" "no $conf"
fi

# A directory as vblade-persist has it; Debian's converter is the judge.
persist=$TMP/persist/vblades
for disk in 1.2 1.10; do
    mkdir -p "$persist/e$disk/env"
    echo "${disk%.*}" >"$persist/e$disk/env/SHELF"
    echo "${disk#*.}" >"$persist/e$disk/env/SLOT"
    echo eth0 >"$persist/e$disk/env/NETIF"
    echo "/srv/e$disk" >"$persist/e$disk/env/SOURCE"
done
mkdir "$persist/e1.2/macs"
touch "$persist/e1.2/macs"/{001122334455,001122334466}
check "vblade-persist" imported 0 "$TMP/persist"
check "is accepted" accepted 2
check "with the mask list" has 'allow = 00:11:22:33:44:55' 'allow = 00:11:22:33:44:66'
if [ -x /usr/share/vblade/vblade-persist-convert ]; then
    cp "$TMP/out" "$TMP/direct"
    /usr/share/vblade/vblade-persist-convert "$TMP/converted" "$persist" >/dev/null
    # Its names begin with a capital, which vblade-persistence(5) does not know.
    sed -i 's/^Shelf=/shelf=/; s/^Slot=/slot=/; s/^NetIf=/netif=/
        s/^Filename=/filename=/; s/^Options=/options=/' "$TMP/converted"/*.conf
    check "what Debian converts it to" imported 0 "$TMP/converted"
    check "means the same" diff <(settings "$TMP/direct") <(settings "$TMP/out")
else
    skip_check "vblade-persist-convert" "this vblade has none"
fi
touch "$persist/e1.2/down"
check "a disk that is not started at boot" imported 3 "$TMP/persist"
check "is left out" accepted 1

# ---- Fedora, ggaoed ----------------------------------------------------------

cat >"$TMP/vblade.conf" <<'END'
# network_device shelf slot file/disk/partition mac[,mac[,mac]]
#eth0 0 0 /dev/sdb 00:11:22:33:44:55
eth0 0 0 /dev/sdb 00:11:22:33:44:55
eth0 0 1 /root/disk1
END
check "/etc/vblade.conf" imported 0 "$TMP/vblade.conf"
check "is accepted" accepted 2

cat >"$TMP/ggaoed.conf" <<'END'
[defaults]
queue-length = 16
interfaces = eth0, eth1
control-socket = /var/run/ggaoed.sock
[acls]
foo = 00:C0:4F:A1:66:94, 00:1B:21:0A:AA:22
[testdev]
path = /dev/aoetest
shelf = 1
slot = 1
direct-io = true
accept = foo, 00:30:48:69:41:3A
read-only = true
END
check "ggaoed.conf" imported 3 "$TMP/ggaoed.conf"
check "is accepted" accepted 1

# ---- without a name, and wrong usage -----------------------------------------

mkdir "$TMP/etc"
cp "$TMP/vblade.conf" "$TMP/etc/"
usual() {
    unshare --mount sh -c "mount --bind '$TMP/etc' /etc && exec aoe-target import" \
        >"$TMP/out" && has '[e0.1]' '# /etc/vblade.conf:4'
}
check "without a name it looks where they usually are" usual
rm "$TMP/etc/vblade.conf"
check "and says so if there are none" \
    refuses 1 'name the FILE' unshare --mount sh -c \
    "mount --bind '$TMP/etc' /etc && exec aoe-target import"
check "a file that is not there" \
    refuses 1 '/no/such/file: No such file' aoe-target import /no/such/file
head -c 3000 /dev/zero >"$TMP/zeroes"
check "a file that is no text" \
    refuses 1 'bytes that no text has' aoe-target import "$TMP/zeroes"
head -c 2M /dev/zero | tr '\0' '\n' >"$TMP/long"
check "one that is too long" \
    refuses 1 'larger than a configuration' aoe-target import "$TMP/long"
check "an option it does not have" \
    refuses 2 '--frobnicate: no such option' aoe-target import --frobnicate
check "-- and nothing" refuses 2 'must follow' aoe-target import --
# shellcheck disable=SC2016 # for the inner shell
check "a full disk" refuses 1 'No space left' \
    bash -c 'aoe-target import "$0" >/dev/full' "$TMP/vblade.conf"

# ---- it serves the same ------------------------------------------------------

for n in {0..255}; do
    head -c 512 /dev/zero | tr '\000' "\\$(printf %03o "$n")"
done >"$TMP/disk"
cat >"$TMP/script" <<END
vblade -o 010 -l 0x20 1 2 eth0 $TMP/disk &
vblade -r -o 64 1 3 eth0 $TMP/disk &
END
sectors() { # NAME: what a client reads of both disks, and thereby their sizes
    local disk
    for disk in e1.2 e1.3; do
        host aoe copy "$disk" "$TMP/$1.$disk" -i eth0 || return
    done
}
for n in 1 2; do
    # shellcheck disable=SC2046 # words
    start "vblade$n" nas $(sed -n "${n}s/ &//p" "$TMP/script")
done
both_listen() {
    [ "$(nas grep -c 88a2 /proc/net/packet)" = 2 ]
}
eventually both_listen || fail "vblade does not listen"
check "what vblade serves can be read" sectors vblade
end vblade1
end vblade2
check "its script" imported 0 "$TMP/script"
start target nas aoe-target --config "$TMP/out"
await target 'e1\.2: serving'
await target 'e1\.3: serving'
check "what aoe-target serves can be read" sectors target
stop target
for disk in e1.2 e1.3; do
    check "$disk has the same size and sectors" cmp "$TMP/vblade.$disk" "$TMP/target.$disk"
done
