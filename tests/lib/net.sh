# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The fixture of every network test: two network namespaces, `nas` and `host`,
# joined by a cable (a veth pair, eth0 at both ends), programs started in them,
# and nothing left behind afterwards, whatever happens.  Source it first:
#
#     . "$(dirname "$0")/../lib/net.sh"
#     need vblade nbdcopy=libnbd-bin      # COMMAND[=PACKAGE]; else skip
#     network 9000                        # the MTU; 1500 if left out
#     start target nas aoe-target 1 2 eth0 "$TMP/disk"
#     await target "serving"
#     check "it is discovered" host aoe discover -i eth0
#     stop target
#
# Exit status of a script: 0 passed, 77 skipped (its last line says why),
# anything else failed.  Names, files and processes are this run's own, so
# parallel runs do not interfere.

set -u

# The script has a mount namespace of its own: any other program that creates a
# mount namespace copies every mount it sees, and a file system unmounted here
# would live on there, in use and not clean.
if [ "$(id -u)" = 0 ] && [ -z "${AOEKIT_OWN_MOUNTS:-}" ] &&
    unshare --mount --propagation slave true 2>/dev/null; then
    AOEKIT_OWN_MOUNTS=1 exec unshare --mount --propagation slave bash "$0" "$@"
fi

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
[[ $BUILD = /* ]] || BUILD=$ROOT/$BUILD
HELPERS=$BUILD/tests/helpers
PATH=$BUILD:$HELPERS:$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C

TMP=$(mktemp -d "${TMPDIR:-/tmp}/aoekit-XXXXXX") || exit 1
chmod 711 "$TMP" # programs under test may run as someone else

NAS_NS=aoekit-nas-$$
HOST_NS=aoekit-host-$$
# For scripts that write frames by hand.
# shellcheck disable=SC2034
NAS_MAC=02:a0:e0:00:00:02 HOST_MAC=02:a0:e0:00:00:01

# AddressSanitizer writes its reports here, not between a program's own lines;
# any report fails the script at its end, however the program was started.
# GCC's UBSan can only write to standard error, which a daemon does not have:
# so it aborts, and AddressSanitizer reports that, in the place that UBSan sets
# again with its first message.
export ASAN_OPTIONS="log_path=$TMP/sanitizer:exitcode=86:handle_abort=1"
export UBSAN_OPTIONS="log_path=$TMP/sanitizer:print_stacktrace=1:abort_on_error=1"

declare -A PID=()  # of the programs that `start` started, by name
declare -A SEEN=() # lines of a log before the latest `mark`
AT_EXIT=()
CHECKS=0 FAILED=0

# ---- verdicts ----------------------------------------------------------------

# check DESCRIPTION COMMAND...: one thing that must be true.  Its output is
# shown only if it is not; the script continues either way.
check() {
    local what=$1
    shift
    CHECKS=$((CHECKS + 1))
    if "$@" >"$TMP/.check" 2>&1; then
        echo "ok - $what"
    else
        FAILED=$((FAILED + 1))
        echo "not ok - $what"
        sed 's/^/#   /' "$TMP/.check" | head -n 40
        return 1
    fi
}

# Nothing after this would make sense: ends the script as failed.
fail() {
    CHECKS=$((CHECKS + 1)) FAILED=$((FAILED + 1))
    echo "not ok - $*"
    logs
    exit 1
}

# Ends the script as skipped.
skip() {
    echo "skipped: $*"
    exit 77
}

# One check that cannot be made here, in a script whose others can.
skip_check() {
    CHECKS=$((CHECKS + 1))
    echo "ok - $1 # SKIP $2"
}

# need COMMAND[=PACKAGE]...
need() {
    local word
    for word; do
        command -v "${word%%=*}" >/dev/null ||
            skip "needs ${word%%=*} (package ${word#*=}; make deps brings it)"
    done
}

# refuses STATUS PATTERN COMMAND...: it must exit with that status after
# exactly one line on standard error, which matches the (extended) pattern.
refuses() {
    local status=$1 pattern=$2 got
    shift 2
    "$@" >"$TMP/.out" 2>"$TMP/.err" </dev/null
    got=$?
    cat "$TMP/.err"
    [ "$got" = "$status" ] || { echo "exit status $got, not $status" && return 1; }
    [ "$(wc -l <"$TMP/.err")" = 1 ] || { echo "not one line" && return 1; }
    grep -Eq -- "$pattern" "$TMP/.err" || { echo "does not say: $pattern" && return 1; }
    [ ! -s "$TMP/.out" ] || { echo "standard output is not empty" && return 1; }
}

# not COMMAND...: true if it fails deliberately: not by a signal, not by a
# sanitizer.
not() {
    "$@"
    local status=$?
    [ "$status" != 0 ] && [ "$status" != 86 ] && [ "$status" -lt 126 ]
}

# says PATTERN COMMAND...: it must succeed and print a line that matches.
says() {
    local pattern=$1 got
    shift
    "$@" >"$TMP/.out" 2>&1
    got=$?
    cat "$TMP/.out"
    [ "$got" = 0 ] || { echo "exit status $got" && return 1; }
    grep -Eq -- "$pattern" "$TMP/.out" || { echo "does not say: $pattern" && return 1; }
}

# ---- the network -------------------------------------------------------------

# network [MTU]: makes the two namespaces and the cable between them.
network() {
    local mtu=${1:-1500}
    [ "$(id -u)" = 0 ] || skip "needs root to make network namespaces"
    need ip=iproute2 nsenter=util-linux
    if ! ip netns add "$NAS_NS" 2>"$TMP/.ip" ||
        ! ip netns add "$HOST_NS" 2>>"$TMP/.ip"; then
        skip "cannot make a network namespace: $(tail -n 1 "$TMP/.ip")"
    fi
    # IPv6 would send packets of its own when the links come up.
    nas sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
    host sysctl -qw net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
    cable "$mtu" || skip "cannot make a veth pair: $(tail -n 1 "$TMP/.ip")"
}

# Creates the cable, also after it was removed.
cable() {
    local mtu=${1:-1500}
    ip -n "$NAS_NS" link add eth0 mtu "$mtu" address "$NAS_MAC" type veth \
        peer name eth0 mtu "$mtu" address "$HOST_MAC" netns "$HOST_NS" \
        2>>"$TMP/.ip" || return
    plug "$NAS_NS" && plug "$HOST_NS" && carries "$NAS_NS" && carries "$HOST_NS"
}
plug() {
    ip -n "$1" link set eth0 up
}
# The kernel notices the carrier slightly later, and drops frames until then.
carries() {
    eventually has_carrier "$1"
}
has_carrier() {
    ip -n "$1" -o link show eth0 | grep -q 'state UP'
}

# nas COMMAND..., host COMMAND...: runs it there, in the script's own mount
# namespace (`ip netns exec` would create yet another one, and nobody else
# would see what is mounted in it).
nas() {
    nsenter --net="/run/netns/$NAS_NS" -- "$@"
}
host() {
    nsenter --net="/run/netns/$HOST_NS" -- "$@"
}

# ---- programs in the background ----------------------------------------------

# start NAME nas|host COMMAND...: its output goes to log_of NAME.
start() {
    local name=$1 where=$2 ns=$HOST_NS
    shift 2
    [ "$where" = nas ] && ns=$NAS_NS
    SEEN[$name]=0
    : >"$(log_of "$name")" # before anyone looks into it
    (exec nsenter --net="/run/netns/$ns" -- "$@") \
        >>"$(log_of "$name")" 2>&1 </dev/null &
    PID[$name]=$!
}

log_of() {
    echo "$TMP/$1.log"
}

alive() {
    [ -n "${PID[$1]:-}" ] && kill -0 "${PID[$1]}" 2>/dev/null
}

# From here on `await NAME` accepts only lines that are still to come.
mark() {
    SEEN[$1]=$(wc -l <"$(log_of "$1")")
}

# seen NAME PATTERN [SECONDS]: waits until its log has a line that matches the
# (extended) pattern.  False if the program ended first or the time ran out.
seen() {
    local name=$1 pattern=$2 seconds=${3:-20} reader status
    [ -p "$TMP/.lines" ] || mkfifo "$TMP/.lines"
    tail --pid="${PID[$name]}" -s 0.1 \
        -n "+$((SEEN[$name] + 1))" -f "$(log_of "$name")" \
        >"$TMP/.lines" 2>/dev/null &
    reader=$!
    timeout "$seconds" grep -Eqm1 -- "$pattern" "$TMP/.lines"
    status=$?
    # Not TERM, which may arrive before the exec of tail.  It holds this
    # script's open descriptors.
    kill -KILL "$reader" 2>/dev/null
    wait "$reader" 2>/dev/null
    return "$status"
}

# await NAME PATTERN [SECONDS]: the same, but ends the script if it is false.
await() {
    seen "$@" || fail "$1: no line \"$2\""
}

# eventually COMMAND...: retries until it succeeds, for at most 20 s: for what
# no event announces.  The command itself should not fail too quickly.
eventually() {
    local end=$((SECONDS + 20))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
    done
}

# The same for a machine that boots, an emulated one perhaps.
in_a_minute() {
    eventually "$@" || eventually "$@" || eventually "$@"
}

# let_go LOOP: detaches a loop device and waits until it is free.  Any search
# for a free one opens them all for a moment, and an open one stays attached.
let_go() {
    losetup --detach "$1" && eventually detached "$1"
}
detached() {
    [ ! -e "/sys/block/${1##*/}/loop/backing_file" ]
}

# finished NAME [SECONDS]: waits until it ends and returns its exit status; 124
# if it was still running and had to be killed.
finished() {
    local name=$1 seconds=${2:-20} pid=${PID[$1]} status clock ended
    # Once the shell has reported a child's death by a signal, `wait -n` no
    # longer sees that child.
    if kill -0 "$pid" 2>/dev/null; then
        sleep "$seconds" &
        clock=$!
        wait -n -p ended "$pid" "$clock" 2>/dev/null
        [ "${ended:-}" != "$clock" ] || kill -KILL "$pid" 2>/dev/null
        # TERM may arrive before the exec of sleep, and be ignored.
        kill -KILL "$clock" 2>/dev/null
        wait "$clock" 2>/dev/null
    fi
    wait "$pid" 2>/dev/null
    status=$?
    [ -z "${clock:-}" ] || [ "${ended:-}" != "$clock" ] || status=124
    unset "PID[$name]"
    return "$status"
}

# stop NAME [SIGNAL]: ends it and requires exit status 0 or, after KILL, that
# it was still running.
stop() {
    local name=$1 signal=${2:-TERM} status
    kill -s "$signal" "${PID[$name]}" 2>/dev/null ||
        fail "$name: had ended before it was stopped"
    finished "$name"
    status=$?
    [ "$status" = 0 ] || [ "$signal/$status" = KILL/137 ] ||
        fail "$name: exit status $status after $signal"
}

# end NAME: the same for other projects' programs, which have no clean exit.
end() {
    kill "${PID[$1]}" 2>/dev/null
    finished "$1"
    true
}

# capture NAME nas|host FILE.pcap ... capture_end NAME: captures every AoE
# frame, up to the last one before capture_end.
capture() {
    start "$1" "$2" tcpdump -Z root -i eth0 -U --immediate-mode -l --print \
        -s 9216 -B 262144 -w "$3" 'ether proto 0x88a2 or ether proto 0x88b5'
    await "$1" 'listening on'
}
capture_end() {
    # A frame of the local experimental type: once tcpdump has it, it has
    # everything before.
    echo "ff:ff:ff:ff:ff:ff $HOST_MAC 88b5 $(printf '00%.0s' {1..46})" |
        host rawframe eth0
    await "$1" '0x88b5'
    stop "$1"
    grep -q '^0 packets dropped by kernel' "$(log_of "$1")" ||
        fail "$1: tcpdump missed frames"
}

# ---- leaving -----------------------------------------------------------------

# at_exit COMMAND...: runs at the end of the script, in reverse order.
at_exit() {
    AT_EXIT+=("$(printf '%q ' "$@")")
}

# The last lines of every log, to find the cause.
logs() {
    local log
    for log in "$TMP"/*.log; do
        [ -s "$log" ] || continue
        echo "# --- ${log##*/}"
        tail -n 20 "$log" | sed 's/^/#   /'
    done
}

sanitizer_reports() {
    local report
    for report in "$TMP"/sanitizer.* "$TMP"/*.log; do
        [ -f "$report" ] || continue
        grep -Eq 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$report" ||
            continue
        echo "not ok - no sanitizer report"
        head -n 60 "$report" | sed 's/^/#   /'
        return 0
    done
    return 1
}

# The mounts below our directory, latest first.
our_mounts() {
    awk -v dir="$TMP/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts | tac
}

our_loops() {
    losetup --list --noheadings --output NAME,BACK-FILE 2>/dev/null |
        awk -v dir="$TMP/" 'index($2, dir) == 1 { print $1 }'
}

leave() {
    local status=$? i name ns where pid
    # A child that is signalled before its exec is still this shell, with these
    # traps.
    [ "$BASHPID" = "$$" ] || exit
    trap : INT TERM HUP # only once; our children still obey them
    for ((i = ${#AT_EXIT[@]} - 1; i >= 0; i--)); do
        eval "${AT_EXIT[i]}" >/dev/null 2>&1
    done
    for where in $(our_mounts); do
        timeout 20 umount "$where" 2>/dev/null || umount -l "$where" 2>/dev/null
        for name in $(our_loops); do
            losetup --detach "$name" 2>/dev/null
        done
    done
    for name in $(our_loops); do
        losetup --detach "$name" 2>/dev/null
    done
    for name in "${!PID[@]}"; do
        kill "${PID[$name]}" 2>/dev/null
        finished "$name" 10
    done
    for ns in "$NAS_NS" "$HOST_NS"; do
        [ -e "/run/netns/$ns" ] || continue
        # Programs that have daemonized.
        for pid in $(ip netns pids "$ns" 2>/dev/null); do
            kill -KILL "$pid" 2>/dev/null
        done
        ip netns del "$ns"
    done
    if sanitizer_reports; then
        status=1
    elif [ "$status" = 0 ] && [ "$FAILED" != 0 ]; then
        logs
        status=1
    elif [ "$status" = 0 ] && [ "$CHECKS" = 0 ]; then
        echo "not ok - the script checked nothing"
        status=1
    fi
    if [ -z "${KEEP:-}" ]; then
        rm -rf --one-file-system "$TMP"
    else
        echo "# kept: $TMP"
    fi
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP
