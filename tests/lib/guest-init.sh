#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
#
# The first process of a guest (tests/lib/guest.sh): sets up the system, runs
# /test.sh, which may use the functions here, and powers off.  If there is an
# /etc/inittab, BusyBox's init becomes the first process and starts what is in
# there: `/init test` for /test.sh (nas_inittab in tests/lib/guest-nas.sh).

PATH=/bin:/sbin:/usr/bin:/usr/sbin
export PATH LC_ALL=C

set_up() {
    /bin/busybox mkdir -p /sbin /usr/bin /usr/sbin
    /bin/busybox --install -s 2>/dev/null
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t devtmpfs dev /dev
    mount -t tmpfs run /run
    mount -t tmpfs tmp /tmp
}

# load MODULE...: with its dependencies.
load() {
    for module; do
        while read -r file; do
            grep -q "^$(basename "$file" .ko | tr - _) " /proc/modules ||
                insmod "/modules/$file" || echo "# cannot load $file"
        done <"/modules/$module.list"
    done
}

# The kernel's command line (machine-*.sh) says what this machine needs first, and
# on which lines it talks to those outside.
if [ $$ = 1 ]; then
    set_up
    # shellcheck disable=SC2046,SC2153 # a list of words, from the environment
    load $(echo "$LOAD" | tr , ' ')
    if [ -e /etc/inittab ]; then
        ip link set lo up
        ip link set eth0 up
        exec /bin/busybox init
    fi
fi
exec >"$SAYS" 2>&1 </dev/null
stty -F "$SAYS" -onlcr # the last close of some lines forgets it

# check DESCRIPTION COMMAND...: as in net.sh.
check() {
    what=$1
    shift
    if "$@" >/tmp/.check 2>&1; then
        echo "ok - $what"
    else
        echo "not ok - $what"
        sed 's/^/#   /' /tmp/.check | tail -n 20
        return 1
    fi
}

# As in net.sh, too.
skip_check() {
    echo "ok - $1 # SKIP $2"
}

not() {
    ! "$@"
}

# says PATTERN COMMAND...: whatever its exit status.
says() {
    pattern=$1
    shift
    "$@" >/tmp/.out 2>&1
    cat /tmp/.out
    grep -Eq -- "$pattern" /tmp/.out
}

# refuses PATTERN COMMAND...: it fails with one line.
refuses() {
    pattern=$1
    shift
    "$@" >/tmp/.out 2>&1
    [ $? = 1 ] || { cat /tmp/.out && return 1; }
    cat /tmp/.out
    [ "$(wc -l </tmp/.out)" = 1 ] && grep -Eq -- "$pattern" /tmp/.out
}

# eventually COMMAND...: retries for up to 30 s, for what no event announces.
eventually() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || return 1
        usleep 100000
    done
}

# tree DIR: files of many sizes, the same every time; sums DIR: their
# checksums.
tree() {
    mkdir -p "$1/a/b" "$1/c" || return
    for n in 1 2 3 4 5 6 7 8; do
        dd if=/modules/$TREE of="$1/a/$n" bs=4093 count=$((n * 7)) 2>/dev/null &&
            dd if=/modules/$TREE of="$1/a/b/$n" bs=65536 count=$n 2>/dev/null &&
            cp "$1/a/$n" "$1/c/$n" || return
    done
}
TREE=xfs.ko # something large
sums() {
    (cd "$1" && find . -type f | sort | xargs sha256sum)
}

# orders: executes what guest_does (tests/lib/guest-nas.sh) sends, each line in
# this shell, up to `end`.
orders() {
    enough=
    stty -F "$ORDERS" raw -echo
    echo 'guest: ready'
    while [ -z "$enough" ] && read -r id order; do
        eval "$order" >/tmp/.answer 2>&1
        status=$?
        awk -v id="$id" '{ print id "| " $0 }' /tmp/.answer
        echo "guest: did $id $status"
    done <"$ORDERS"
}
end() {
    enough=1
}

# ---- sanitizers --------------------------------------------------------------

sanitized() {
    [ -e /sanitized ]
}

# complete FILE: the process that writes this report has ended.
complete() {
    [ ! -e "/proc/${1##*.}/exe" ]
}

# reports COMMAND: all of those for which it is true.
reports() {
    for report in /run/sanitizer.*; do
        [ -s "$report" ] || continue
        "$1" "$report" || continue
        echo "not ok - no sanitizer report"
        head -n 60 "$report" | sed 's/^/#   /'
        rm "$report"
    done
}

# At once, because the script may wait forever for a server that has died.
watch_reports() {
    while sleep 2; do
        reports complete
    done
}

# ---- from the beginning to the end -------------------------------------------

# A server checks for leaks when it exits.
all_ended() {
    for exe in /proc/[0-9]*/exe; do
        [ ! "$exe" -ef /bin/aoe-nbd ] && [ ! "$exe" -ef /bin/aoe-target ] ||
            return 1
    done
}

echo 'guest: started'
if sanitized; then
    # shellcheck disable=SC1091 # it exists in the guest
    . /sanitized
    watch_reports &
    watch=$!
fi
ip link set lo up
ip link set eth0 up

# shellcheck disable=SC1091 # it exists in the guest
(. /test.sh)
status=$?
if [ ! -e /etc/inittab ] && { [ -e /bin/aoe-nbd ] || [ -e /bin/aoe-target ]; }; then
    check "every server has ended" eventually all_ended
fi
if sanitized; then
    kill "$watch"
    reports true
fi
echo "guest: ended $status"
sync
sleep 1 # let the serial line drain
${OFF:-poweroff} -f
