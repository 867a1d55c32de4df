#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# --state-dir: what clients set on a disk survives a crash, and a damaged state file is
# not used.  aoecfg of Debian's aoetools judges.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need aoecfg=aoetools xxd
network 1500
cd "$TMP" || exit

truncate -s 1M disk
mkdir state
serve() { # FLAGS...
    start target nas "${TRACE[@]}" aoe-target --state-dir state "$@" 1 2 eth0 disk
    await target 'e1\.2: serving'
}
TRACE=()
config() {
    host timeout 10 aoecfg -t 5 "$@" 1 2 eth0 | head -n 1
}
masked() {
    field "$(ask 02 "00 00 00 00")" 27 1
}
reserved_for() {
    field "$(ask 03 "00 00")" 25 7
}
HOST=${HOST_MAC//:/}

# counted COUNTER=VALUE: among those that SIGUSR1 prints.
counted() {
    mark target
    kill -USR1 "${PID[target]}"
    seen target " $1( |\$)"
}

serve
check "nothing is set at first" is "" "$(config)"
check "a config string is set" is "nas 1" "$(config -c set -s "nas 1")"
check "... and is in its file when that is answered" \
    grep -qx "config $(printf 'nas 1' | xxd -p)" state/e1.2.state
ask 02 "00 01 00 02 00 01 $HOST 00 01 020000000077" >/dev/null
ask 03 "01 01 $HOST" >/dev/null
stop target KILL
serve
check "after a crash: the config string" is "nas 1" "$(config)"
check "... the mask list" is 02 "$(masked)"
check "... the reservation" is "01$HOST" "$(reserved_for)"
config -c fset -s "" >/dev/null
ask 03 "01 00" >/dev/null
stop target
serve -m "$HOST_MAC"
check "what was removed stays removed" is "00" "$(reserved_for | cut -c 1-2)"
check "... the empty config string" is "" "$(config)"
check "a different -m takes effect" is 01 "$(masked)"

# ---- first the medium, then the response -------------------------------------

if command -v strace >/dev/null; then
    stop target
    TRACE=(strace -f -qq -e "trace=fsync,renameat,sendmmsg,sendmsg" -o trace)
    serve
    TRACE=()
    config -c fset -s durable >/dev/null
    # Its child is the target.
    kill -TERM "$(pgrep -P "${PID[target]}")"
    finished target
    order() {
        grep -oE '(fsync|renameat|sendm+sg)\(' trace | tr '\n' ' ' >order
        cat order
        grep -Fq 'fsync( renameat( fsync( sendm' order
    }
    check "file, name and directory are synced before the response" order
    serve
else
    skip_check "the order of system calls" "needs strace (package strace)"
fi

# ---- when it cannot be saved, and when it is damaged -------------------------

config -c fset -s old >/dev/null
mv state elsewhere
mv elsewhere/e1.2.state kept && rm -r elsewhere
check "a change that cannot be saved is not answered" \
    not host rawframe -p -u "$TAG" -w 700 eth0 \
    <<<"$(frame 01 '0000 0000 00 04 0003 6e6577')"
check "it says why" grep -q 'state/e1\.2\.state: saving: No such file' \
    "$(log_of target)"
check "... and counted" counted drop_unsaved=1
check "reading is answered" is 18 "$(field "$(ask 01 "$QUERY")" 14 1)"
stop target
mkdir state
mv kept state/e1.2.state
serve
check "the last saved state is restored" is old "$(config)"
stop target
printf X | dd of=state/e1.2.state bs=1 seek=25 conv=notrunc status=none
serve
check "a damaged file is reported" \
    grep -q 'state/e1\.2\.state: is damaged' "$(log_of target)"
check "... not used" is "" "$(config)"
check "... and set aside" test -s state/e1.2.state.damaged
check "what is set then is kept" is anew "$(config -c set -s anew)"
stop target
serve
check "... across a restart" is anew "$(config)"
stop target
serve --control ctl
ask 02 "00 01 00 01 00 01 $HOST" >/dev/null
truncate -s 2M disk
check "a reload reopens the disk" aoe-target ctl --control ctl reload
config -c fset -s later >/dev/null
stop target KILL
serve
check "the mask list outlives a reload and a restart" is 01 "$(masked)"
check "... and so does what was set after the reload" is later "$(config)"
stop target
check "a state directory that does not exist" refuses 1 '^aoe-target: none: opening the state directory' \
    nas timeout 20 aoe-target --state-dir none 1 2 eth0 disk
