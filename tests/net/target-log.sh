#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Whatever happens to the log, disks are served: its reader is stopped, the
# terminal has Ctrl-S, syslogd hangs.  What is lost is counted.  ps and a file
# say what is wrong.  script(1) and BusyBox's syslogd are the other side.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need script=bsdutils busybox xxd
network 1500
cd "$TMP" || exit
truncate -s 4M disk

# So many frames that any pipe and buffer is full of what -vv says of them.
much() {
    host timeout 60 aoe copy e1.2 -i eth0 "$TMP/copy" && rm copy
}

# ---- a pipe ------------------------------------------------------------------

mkfifo pipe
start reader host cat pipe
(exec nsenter --net="/run/netns/$NAS_NS" -- \
    aoe-target -vv 1 2 eth0 disk 2>pipe) </dev/null &
PID[target]=$!
await reader 'e1\.2: serving'
kill -STOP "${PID[reader]}"
check "with a full pipe the disk is served" much
kill -CONT "${PID[reader]}"
check "... and how many lines are missing is said" \
    seen reader ' [0-9]+ lines of the log are missing here: nobody read them'
stop target
finished reader

# ---- a terminal --------------------------------------------------------------

mkfifo keys
exec 3<>keys
(exec script --quiet --flush --return --command \
    "exec nsenter --net=/run/netns/$NAS_NS -- aoe-target -vv 1 2 eth0 disk" \
    screen <keys >/dev/null 2>&1 3>&-) &
PID[terminal]=$!
screen_says() {
    grep -aEq "$1" screen
}
check "a target on a terminal" eventually screen_says 'e1\.2: serving'
printf '\023' >&3
check "with Ctrl-S the disk is served" much
printf '\021' >&3
check "... and after Ctrl-Q it is said what is missing" \
    eventually screen_says ' [0-9]+ lines of the log are missing here'
printf '\003' >&3
exec 3>&-
finished terminal
check "it ends by Ctrl-C as ever" is 0 $?

# ---- syslog ------------------------------------------------------------------

# A /dev of our own: that of the machine may have a syslogd.
mkdir dev
mount -t tmpfs -o mode=755 none dev || skip "cannot mount a tmpfs"
at_exit umount -l /dev
for node in null zero full urandom random tty; do
    : >"dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm dev/pts
ln -s /proc/self/fd dev/fd
mount --rbind dev /dev
(exec busybox syslogd -n -O "$TMP/messages") &
PID[syslogd]=$!
eventually test -S /dev/log || fail "syslogd did not start"
said_there() {
    grep -Eq "$1" messages
}
printf '[e1.2]\nfile = disk\ninterfaces = eth0\n[e1.3]\nfile = none\ninterfaces = eth0\n' >conf
start target nas aoe-target --syslog --config conf --status status
check "syslog has the name, and what is an error" \
    eventually said_there 'daemon\.err aoe-target\[?[0-9]*\]?: e1\.3: not served: none: '
check "... and what is not" \
    eventually said_there 'daemon\.info aoe-target\[?[0-9]*\]?: e1\.2: serving disk'
check "standard error has nothing" is "" "$(cat "$(log_of target)")"
kill -STOP "${PID[syslogd]}"
flood() {
    for _ in {1..60}; do
        kill -USR1 "${PID[target]}"
    done
    much
}
check "when syslogd hangs the disk is served" flood
kill -CONT "${PID[syslogd]}"
end syslogd
rm -f /dev/log messages
counted() {
    mark target
    kill -USR1 "${PID[target]}"
    seen target 'e1\.2: '
}
check "without one, standard error gets the lines" \
    counted
(exec busybox syslogd -n -O "$TMP/messages") &
PID[syslogd]=$!
eventually test -S /dev/log || fail "syslogd did not start again"
kill -USR1 "${PID[target]}"
check "one that is started again gets the log" \
    eventually said_there 'daemon\.info aoe-target'

# ---- what is wrong, at a glance ----------------------------------------------

title() {
    tr '\0' ' ' <"/proc/${PID[target]}/cmdline"
}
title_is() {
    [[ $(title) =~ $1 ]]
}
check "ps says what is wrong" eventually title_is \
    '^aoe-target --syslog --config conf --status status \[1 of 2 disks not served as wanted: e1.3\]'
check "the status file has each disk" \
    eventually grep -Eq '^e1\.3.*\(not served: none: opening ' status
check "... and each interface" grep -Eq '^eth0.up$' status
truncate -s 1M none.new
mv none.new none
await_title() {
    [ "$(title)" = "aoe-target --syslog --config conf --status status " ]
}
check "when nothing is wrong ps has the command line alone" eventually await_title
check "... and the status file says so" eventually grep -Eq $'^e1\.3\t1048576\teth0\tnone$' status
check "its names are not in the way of others" \
    title_is '^aoe-target --syslog'
stop target
check "at the end the file says that" grep -q 'has ended' status
end syslogd
