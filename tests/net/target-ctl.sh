#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The control socket: counters agree with what was sent on the wire, as text and for
# Prometheus; reload; and the owner removes what clients set.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need xxd
network 1500
cd "$TMP" || exit

truncate -s 1M disk
start target nas aoe-target --control ctl --state-dir . 1 2 eth0 disk
await target 'e1\.2: serving'
ctl() {
    aoe-target ctl --control "$TMP/ctl" "$@"
}

check "only its owner may use it" is 600 "$(stat -c %a ctl)"
check "exports" is $'e1.2\t1048576\teth0\tdisk' "$(ctl exports)"

# ---- counters ----------------------------------------------------------------

for lba in 1 2 3; do
    read_sectors "$lba" 1 >/dev/null
done
write_sectors 5 2 "aax1024" >/dev/null
read_sectors 2048 1 >/dev/null # beyond the end
# counter NAME: of the disk.
counter() {
    ctl stats | grep '^e1\.2:' | grep -oE " $1=[0-9]+" | cut -d = -f 2
}
check "reads are counted" is 4 "$(counter reads)"
check "writes" is 1 "$(counter writes)"
check "bytes" is "1536 1024" "$(counter read_bytes) $(counter written_bytes)"
check "errors by kind" is 1 "$(counter not_found)"
check "nothing is in progress" is 0 "$(counter queue_depth)"
check "latencies" says 'e1\.2: latency: read<=' ctl stats
check "the interface" says '^eth0: rx_frames=[1-9].* tx_frames=[1-9]' ctl stats
kill -USR1 "${PID[target]}"
check "SIGUSR1 prints the same" seen target '^aoe-target: e1\.2: .* reads=4 '

# Prometheus's text format: every sample belongs to a metric that was described before
# it, no series occurs twice, and a histogram's buckets add up.
exposition() {
    awk '
    function bad(why) { print why ": " $0; status = 1; exit }
    /^# HELP [a-z_]+ [A-Z]/ { described = $3; next }
    /^# TYPE [a-z_]+ (counter|gauge|histogram)$/ {
        if ($3 != described || seen[$3]++) bad("type")
        type[$3] = $4; next
    }
    !/^[a-z_]+\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\} [0-9.e+-]+$/ { bad("form") }
    {
        name = $1; sub(/\{.*/, "", name)
        family = name
        if (!(family in type)) sub(/_(bucket|sum|count)$/, "", family)
        if (family != described) bad("elsewhere")
        if ((type[family] == "counter") != (name ~ /_total$/)) bad("name")
        if (series[$1]++) bad("twice")
        if (name ~ /_bucket$/) {
            if ($1 !~ /le="0.00001"|le="1e-05"/ && $2 < last) bad("falls")
            last = $2
        }
        if (name ~ /_count$/ && $2 != last) bad("count")
        samples++
    }
    END { exit status || samples < 30 }' "$1"
}
ctl stats --prometheus >metrics
check "--prometheus is in its format" exposition metrics
metric() { # PATTERN: the value of the one sample that matches
    grep -E "^aoe_target_$1" metrics | awk '{ print $2 }'
}
check "--prometheus: reads" is 4 "$(metric 'requests_total\{export="e1.2",.*command="read"')"
check "--prometheus: bytes" is 1536 "$(metric 'bytes_total\{.*direction="read"')"
# The one beyond the end never reached the disk.
check "--prometheus: the latencies of three reads" \
    is 3 "$(metric 'request_seconds_count\{.*command="read"')"
check "--prometheus: errors" is 1 "$(metric 'errors_total\{.*kind="not_found"')"
check "--prometheus: the size" is 1048576 "$(metric 'size_bytes')"
check "--prometheus: the interface" is 1 "$(metric 'interface_up\{interface="eth0"')"

# ---- what clients set --------------------------------------------------------

ask 02 "00 01 00 01 00 01 020000000077" >/dev/null # a mistake: locked out
check "a client locks itself out" not answered
check "clear-mask" ctl clear-mask e1.2
check "... lets it back in" answered
check "... and that is saved" not grep -q '^mask' e1.2.state
ask 03 "01 01 020000000077" >/dev/null
check "another client's reservation keeps us out" \
    is 1c06 "$(field "$(read_sectors 1 1)" 14 2)"
check "clear-reservation" ctl clear-reservation e1.2
check "... lets us read" is "40 00" "$(status "$(read_sectors 1 1)")"
check "... of a disk that is not there" \
    refuses 1 '^aoe-target: no such disk: e9\.9' ctl clear-mask e9.9
check "... of something that is not a disk" refuses 1 '^aoe-target: not an address' ctl clear-mask x

# ---- reload ------------------------------------------------------------------

truncate -s 2M disk
check "reload" ctl reload
check "... returns when it is done: a grown disk" is 4096 "$(sectors "$(identify)")"
mv disk away
check "reload with nothing changed" ctl reload
check "the disk is still served" is 4096 "$(sectors "$(identify)")"
mv away disk

# ---- clients that misbehave --------------------------------------------------

say() { # TEXT: to the socket, and prints what comes back
    perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Peer => shift) or die;
        print $s shift; $s->flush; print while <$s>' "$TMP/ctl" "$1"
}
if command -v perl >/dev/null; then
    check "nonsense is refused" says '^error no such command: frob' say $'frob\n'
    check "so is an endless line" says '^error the line is too long' \
        say "$(printf 'x%.0s' {1..500})"
else
    skip_check "nonsense on the socket" "needs perl (package perl)"
fi
check "usage: no command" refuses 2 '^aoe-target: ctl: COMMAND' ctl
check "usage: an unknown command" refuses 2 '^aoe-target: ctl: frob: no such command' ctl frob
check "usage: no disk" refuses 2 'needs a disk' ctl clear-mask
check "a second target on the socket is refused" \
    refuses 1 '^aoe-target: .*ctl: control socket: another target has it' \
    nas timeout 20 aoe-target --control "$TMP/ctl" -r 1 3 eth0 disk
check "a file is not taken for a socket" \
    refuses 1 '^aoe-target: disk: control socket: File exists' \
    nas timeout 20 aoe-target --control disk 1 3 eth0 disk
check "the target still answers" answered
stop target
check "the socket is removed with its target" not test -e ctl
check "no target there" refuses 1 '^aoe-target: .*was it started with --control' ctl stats
start target nas aoe-target --control ctl 1 2 eth0 disk
await target 'serving'
stop target KILL
start target nas aoe-target --control ctl 1 2 eth0 disk
await target 'serving'
check "a socket left by a crash is replaced" ctl exports
stop target
