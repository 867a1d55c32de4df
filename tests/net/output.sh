#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Output that is lost, to a full disk or a closed descriptor, is an error of every
# command of every program.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
network 1500

truncate -s 1M "$TMP/disk"
start target nas aoe-target --control "$TMP/ctl" 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
printf '[e1.3]\nfile = %s\ninterfaces = eth0\n' "$TMP/disk" \
    >"$TMP/conf"

# lost PROGRAM COMMAND...: its output is lost; one line says so, and the exit status
# is 1.
lost() {
    local program=$1
    shift
    "$@" >"$TMP/printed" 2>"$TMP/err" </dev/null ||
        { echo "exit status $? with a file" && cat "$TMP/err" && return 1; }
    [ -s "$TMP/printed" ] || { echo "prints nothing" && return 1; }
    "$@" >/dev/full 2>"$TMP/err" </dev/null
    complains $? "$program" 'No space left on device' || return
    "$@" >&- 2>"$TMP/err" </dev/null
    complains $? "$program" 'Bad file descriptor'
}
complains() { # STATUS PROGRAM WHY
    cat "$TMP/err"
    [ "$1" = 1 ] || { echo "exit status $1, \"$3\"" && return 1; }
    # The reason is no longer known for what was printed early in a long text.
    [ "$(grep -Ec "^$2: standard output: ($3|not all of it could be written)\$" \
        "$TMP/err")" = 1 ]
}
# The programs say which commands there are.
commands() {
    "$1" --help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p'
    [ "$1" != aoe-target ] || echo ctl
}

for program in aoe aoe-target aoe-nbd aoe-fuse; do
    if ! command -v "$program" >/dev/null; then
        skip_check "$program" "not built here: see what make says"
        continue
    fi
    check "$program --help" lost "$program" "$program" --help
    check "$program --version" lost "$program" "$program" --version
    for command in $(commands "$program"); do
        check "$program $command --help" \
            lost "$program" "$program" "$command" --help
    done
done
check "the commands are those that this test knows" is \
    "bench config copy discover mask ping reserve stat" \
    "$(commands aoe | sort | paste -sd ' ')"

aoe() { # COMMAND ARGUMENT...: that prints something about e1.2
    check "aoe $*" lost aoe host aoe "$1" e1.2 -i eth0 "${@:2}"
}
host aoe config e1.2 -i eth0 set "a disk" >/dev/null
host aoe mask e1.2 -i eth0 add "$HOST_MAC" >/dev/null
host aoe reserve e1.2 -i eth0 take >/dev/null
aoe discover --wait 0.1
aoe discover --wait 0.1 --json
aoe stat --reads 1
aoe ping --count 1
aoe config
aoe mask list
aoe reserve list
aoe bench --seconds 0.1
aoe bench --seconds 0.1 --json
# It would not end by itself.
check "aoe ping ends when it cannot print" \
    timeout 20 sh -c "! nsenter --net=/run/netns/$HOST_NS \
        '$BUILD/aoe' ping e1.2 -i eth0 --count 1000000 --interval 0.01 >/dev/full"
# Copies print nothing there, so nobody has to read it.
silent() {
    host aoe copy e1.2 "$TMP/copy" -i eth0 >&- && cmp "$TMP/copy" "$TMP/disk"
}
check "aoe copy with a closed output" silent

ctl() {
    check "aoe-target ctl $*" lost aoe-target aoe-target ctl --control "$TMP/ctl" "$@"
}
ctl stats
ctl stats --prometheus
ctl exports
check "aoe-target --check" lost aoe-target nas aoe-target --config "$TMP/conf" --check

# Servers print nothing there, and serve.
start closed nas sh -c "exec aoe-target 1 4 eth0 '$TMP/disk' --force-file >&-"
await closed 'e1\.4: serving'
stop closed
PATH=$ROOT/dist:$PATH
full() {
    "$@" >/dev/full
    [ $? = 32 ]
}
check "mount.aoe --help" full mount.aoe --help
stop target
