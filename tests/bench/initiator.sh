#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The initiator on the wires it was made for: shaped to 1 Gb/s, losing frames, two of
# them, one of two pulled; and as fast as the machine can.  `make bench-initiator` runs
# it; results in build/bench/.
#
#   BENCH_SECONDS  of each run (3)
#   BENCH_REPEAT   runs of each side of each row, in turns (5)
#   BENCH_ROWS     only rows whose name matches this (extended) pattern

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/bench.sh"
need vblade strace jq gnuplot=gnuplot-nox tc=iproute2 nft=nftables
BENCH_SECONDS=${BENCH_SECONDS:-3}
BENCH_REPEAT=${BENCH_REPEAT:-5}
BENCH_ROWS=${BENCH_ROWS:-.}
OUT=$BUILD/bench
ECHO=$BUILD/tests/bench/echo
SIZE=268435456
# What a frame costs on a real wire beyond what the kernel counts: preamble, checksum,
# gap.  The shaper counts it, too.
WIRE_EXTRA=24
RATE=1000000000

network 1500
ip -n "$NAS_NS" link add eth1 address 02:a0:e0:00:01:02 type veth \
    peer name eth1 address 02:a0:e0:00:01:01 netns "$HOST_NS" ||
    fail "cannot make a second cable"

MEMORY=$(mktemp -d /dev/shm/aoekit-bench-XXXXXX) || exit 1
at_exit rm -rf "$MEMORY"
head -c "$SIZE" /dev/urandom >"$MEMORY/disk"

mkdir -p "$OUT"
RUNS=$OUT/initiator-runs.tsv # row, side, the field that counts, MB/s, ops/s, CPU s/GB, sent again
: >"$RUNS"
: >"$OUT/initiator-rows.tsv" # row, unit, required, work, what it is compared with

# ---- the wire ------------------------------------------------------------------

everywhere() { # COMMAND...: at both ends
    nas "$@" && host "$@"
}
mtu() {
    everywhere ip link set eth0 mtu "$1" && everywhere ip link set eth1 mtu "$1"
}
# second up|down: the other cable.
second() {
    everywhere ip link set eth1 "$1"
    [ "$1" = down ] || eventually second_carries
}
second_carries() {
    nas ip -o link show eth1 2>/dev/null | grep -q 'state UP'
}
# shape on|off: both ways of both cables.
shape() {
    local interface
    for interface in eth0 eth1; do
        if [ "$1" = on ]; then
            everywhere tc qdisc replace dev $interface root tbf rate $RATE \
                burst 64kb limit 4mb overhead $WIRE_EXTRA
        else
            everywhere tc qdisc del dev $interface root 2>/dev/null
        fi
    done
}
# lose PERCENT: of what arrives at either end, at random.
lose() {
    everywhere nft flush ruleset
    [ "$1" = 0 ] || everywhere nft "table netdev loss {
        chain in {
            type filter hook ingress device eth0 priority 0;
            ether type 0x88a2 numgen random mod 100 < $1 drop
        }
    }"
}

# wire MTU SHAPE LOSS SECOND
wire() {
    mtu "$1"
    shape "$2"
    lose "$3"
    second "$4"
}

# ---- the two ends --------------------------------------------------------------

# serve aoe-target|vblade INTERFACES
serve() {
    start server nas "${SERVER_CPU[@]}" "$1" 1 2 "$2" "$MEMORY/disk"
    started "$1"
}

# bench OPTIONS...: into $TMP/json
bench() {
    host aoe bench e1.2 --json --seconds "$BENCH_SECONDS" --size "$SIZE" "$@" \
        >"$TMP/json" || fail "aoe bench $*: no result"
}

# record ROW SIDE FIELD: a run in $TMP/json whose figure is that jq expression.
record() {
    jq -r "[\"$1\", \"$2\", ($3), .megabytes_per_second, .operations_per_second,
        .cpu_seconds_per_gb, .frames_resent] | @tsv" "$TMP/json" >>"$RUNS"
}
# limit ROW SECTORS: what the shaper allows, as the other side of a row.
limit() {
    awk -v OFS='\t' -v row="$1" -v data=$(($2 * 512)) -v extra=$WIRE_EXTRA -v rate=$RATE \
        'BEGIN { mb = rate / 8 * data / (data + 36 + extra) / 1e6
                 print row, "reference", mb, mb, 0, 0, 0 }' >>"$RUNS"
}
# How many sectors a frame of the last run carried.
sectors() {
    jq -r '.bytes / (.frames_sent - .frames_resent) / 512 | round' "$TMP/json"
}

# row NAME UNIT REQUIRED "WORK" "COMPARED WITH": true if it is to be run.
row() {
    [[ $1 =~ $BENCH_ROWS ]] || return 1
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$OUT/initiator-rows.tsv"
}
done_with() {
    lose 0
    check "$1 ($(summary "$1"))" true
}

# ---- figures -------------------------------------------------------------------

# shellcheck disable=SC2016 # awk
FIGURES=$MEDIAN'
    function pick(column, row, s,   i) {
        n[s] = m[row, s] + 0
        for (i = 1; i <= n[s]; i++) v[s, i] = cell[row, s, i, column]
        return median(s)
    }
    function load() {
        m[$1, $2]++
        for (c = 3; c <= 7; c++) cell[$1, $2, m[$1, $2], c] = $c
    }
    # The figure of a row: what was measured, against its reference if it has one.
    function value(row,   r) {
        r = pick(3, row, "reference")
        return pick(3, row, "measured") / (r ? r : 1)
    }'

summary() {
    awk -F'\t' -v row="$1" "$FIGURES"'
        FNR == NR { if ($1 == row) { unit = $2; need = $3 } next }
        { load() }
        END { printf "%.2f %s, required %s", value(row), unit, need }' \
        "$OUT/initiator-rows.tsv" "$RUNS"
}

# ---- rows ----------------------------------------------------------------------

MB=.megabytes_per_second
SEQUENTIAL="--block 128k --depth 16"
RANDOM_READ="--random --block 4k --depth 16"
WRITE="--write --destructive"

# shaped NAME TARGET MTU "OPTIONS" WORK
shaped() {
    local name=$1 target=$2 mtu=$3 options=$4 i
    row "$name" "of the wire's rate" ">=0.97" "$5" "payload the wire carries" || return
    wire "$mtu" on 0 down
    serve "$target" eth0
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        # shellcheck disable=SC2086
        bench -i eth0 $SEQUENTIAL $options
        record "$name" measured $MB
    done
    limit "$name" "$(sectors)"
    end server
    done_with "$name"
}
for mtu in 1500 9000; do
    shaped wire-$mtu-read aoe-target $mtu "" "1 Gb/s, MTU $mtu, sequential read"
    shaped wire-$mtu-write aoe-target $mtu "$WRITE" "1 Gb/s, MTU $mtu, sequential write"
    shaped wire-$mtu-read-vblade vblade $mtu "" "1 Gb/s, MTU $mtu, sequential read, vblade"
    shaped wire-$mtu-write-vblade vblade $mtu "$WRITE" "1 Gb/s, MTU $mtu, sequential write, vblade"
done

# lossy NAME MTU "OPTIONS" WORK: in turns with the same without loss.
lossy() {
    local name=$1 options=$3 i
    row "$name" "of the lossless rate" ">=0.85" "$4" "without loss" || return
    wire "$2" on 0 down
    serve aoe-target eth0
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        lose 0
        # shellcheck disable=SC2086
        bench -i eth0 $SEQUENTIAL $options
        record "$name" reference $MB
        lose 1
        # shellcheck disable=SC2086
        bench -i eth0 $SEQUENTIAL $options
        record "$name" measured $MB
    done
    end server
    done_with "$name"
}
for mtu in 1500 9000; do
    lossy loss-$mtu-read $mtu "" "1 Gb/s, 1 % loss each way, MTU $mtu, sequential read"
    lossy loss-$mtu-write $mtu "$WRITE" "1 Gb/s, 1 % loss each way, MTU $mtu, sequential write"
done

# late NAME MTU: the 99.9th percentile on the lossy wire.
late() {
    local name=$1 i
    row "$name" "ms, 99.9th percentile" "<=10" \
        "1 Gb/s, 1 % loss each way, MTU $2, 4 KiB random read, depth 16" "" || return
    wire "$2" on 1 down
    serve aoe-target eth0
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        # shellcheck disable=SC2086
        bench -i eth0 $RANDOM_READ
        record "$name" measured '.latency_us.p999 / 1000'
    done
    end server
    done_with "$name"
}
late loss-1500-random 1500
late loss-9000-random 9000

fast() {
    local i
    row fast-random "k/s" ">=100" "unshaped, MTU 9000, 4 KiB random read, depth 16" "" || return
    wire 9000 off 0 down
    serve aoe-target eth0
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        # shellcheck disable=SC2086
        bench -i eth0 $RANDOM_READ
        record fast-random measured '.operations_per_second / 1000'
    done
    end server
    done_with fast-random
}
fast

# One request at a time, beside a bare frame that is echoed.
alone() {
    local i us
    row alone "times the echo" "<=1.3" \
        "unshaped, MTU 9000, 4 KiB random read, depth 1, median" \
        "AF_PACKET echo of the same sizes" || return
    wire 9000 off 0 down
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        start echo nas "${SERVER_CPU[@]}" "$ECHO" -0 eth0
        until nas grep -q 88b5 /proc/net/packet; do
            alive echo || fail "echo: ended: $(cat "$(log_of echo)")"
        done
        us=$(host "$ECHO" -t "$BENCH_SECONDS" -a $((36 + 4096)) eth0 |
            awk '{ print $4 }') || fail "echo: no result"
        printf 'alone\treference\t%s\t0\t0\t0\t0\n' "$us" >>"$RUNS"
        end echo
        serve aoe-target eth0
        bench -i eth0 --random --block 4k --depth 1
        record alone measured '.latency_us.median'
        end server
    done
    done_with alone
}
alone

# two NAME "OPTIONS" WORK: two cables in turns with one.
two() {
    local name=$1 options=$2 i
    row "$name" "times one path" ">=1.9" "$3" "one path" || return
    wire 9000 on 0 up
    serve aoe-target eth0,eth1
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        # shellcheck disable=SC2086
        bench -i eth0 $SEQUENTIAL $options
        record "$name" reference $MB
        # shellcheck disable=SC2086
        bench -i eth0,eth1 $SEQUENTIAL $options
        record "$name" measured $MB
    done
    end server
    done_with "$name"
}
two two-read "" "two paths of 1 Gb/s, MTU 9000, sequential read"
two two-write "$WRITE" "two paths of 1 Gb/s, MTU 9000, sequential write"

# From the moment the cable was pulled to the end of the first two tenths of a second in
# a row that each reached 95 % of one path; a run that never did counts until its end.
# shellcheck disable=SC2016 # jq
BACK='[.interval_bytes[] / .interval_ms * 1000] as $rate |
    (($at - .began) * 1000 / .interval_ms | floor) as $from |
    ([range($from + 1; ($rate | length) - 2) |
      select($rate[.] >= $one * 950000 and $rate[. + 1] >= $one * 950000)][0]
     // ($rate | length)) as $to |
    .began + $to * .interval_ms / 1000 - $at'
pulled() {
    local name=$1 options=$2 i at one
    row "$name" "s until back at 95 % of one path" "<=1" "$3" "" || return
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        wire 9000 on 0 up
        serve aoe-target eth0,eth1
        # shellcheck disable=SC2086
        bench -i eth0 $SEQUENTIAL $options
        one=$(jq $MB "$TMP/json")
        # shellcheck disable=SC2086
        start bench host aoe bench e1.2 -i eth0,eth1 --json --size $SIZE \
            --seconds $((BENCH_SECONDS * 2 + 2)) $SEQUENTIAL $options
        sleep "$BENCH_SECONDS" # in the middle of its run
        at=$EPOCHREALTIME
        nas ip link set eth1 down
        finished bench $((BENCH_SECONDS * 4 + 60)) ||
            fail "$name: ended with an error: $(cat "$(log_of bench)")"
        sed -n '/^{/,$p' "$(log_of bench)" >"$TMP/json"
        check "$name: no error" jq -e '.errors == 0' "$TMP/json"
        jq --argjson at "$at" --argjson one "$one" "$BACK" "$TMP/json" >"$TMP/back"
        record "$name" measured "$(cat "$TMP/back")"
        end server
    done
    done_with "$name"
}

pulled pulled-read "" "two paths of 1 Gb/s, MTU 9000, sequential read, one pulled"
pulled pulled-write "$WRITE" "two paths of 1 Gb/s, MTU 9000, sequential write, one pulled"

# calls "OPTIONS": system calls per request of one frame.  Tracing slows the command
# down, so this run is not timed.
calls() {
    local operations
    wire 1500 off 0 down
    serve aoe-target eth0
    # shellcheck disable=SC2086
    host strace -c -f -o "$TMP/calls" aoe bench e1.2 -i eth0 --json --seconds 2 \
        --size $SIZE --block 1k --depth 16 $1 >"$TMP/json" || fail "strace: no result"
    operations=$(jq .operations "$TMP/json")
    end server
    awk -v ops="$operations" '$NF == "total" { printf "%.2f", $4 / ops }' "$TMP/calls"
}
CALLS=
if [[ calls =~ $BENCH_ROWS ]]; then
    CALLS="| unshaped, MTU 1500, 1 KiB sequential read, depth 16 | $(calls "") | <=0.5 |
| unshaped, MTU 1500, 1 KiB random read, depth 16 | $(calls --random) | <=0.5 |"
    check "system calls were counted" test "$CALLS"
fi

# ---- results -------------------------------------------------------------------

table() {
    awk -F'\t' "$FIGURES"'
        FNR == NR { rows[++count] = $1; unit[$1] = $2; need[$1] = $3; work[$1] = $4; with[$1] = $5; next }
        { load() }
        END {
            print "| Work | result | required | measured | compared with | CPU s/GB | frames sent again | spread of runs |"
            print "|---|---|---|---|---|---|---|---|"
            for (i = 1; i <= count; i++) {
                r = rows[i]
                result = value(r)
                width = spread("measured")
                limit = need[r]
                sub(/[<>]=/, "", limit)
                ok = need[r] ~ />/ ? result / limit : limit / (result ? result : 1)
                reference = with[r] == "" ? "" : sprintf("%s: %.1f", with[r], pick(3, r, "reference"))
                printf "| %s | %.2f %s | %s | %.1f MB/s, %.1f k/s | %s | %.3f | %d | %.0f %% |\n",
                    work[r], result, unit[r], need[r], pick(4, r, "measured"),
                    pick(5, r, "measured") / 1000, reference, pick(6, r, "measured"),
                    pick(7, r, "measured"), width
                printf "%s\t%.4f\n", r, ok >ratios
            }
        }' ratios="$OUT/initiator-ratios.tsv" "$OUT/initiator-rows.tsv" "$RUNS"
}
{
    echo "# The initiator"
    echo
    echo "$(uname -r), $(nproc --all) CPUs, load average $(cut -d' ' -f1-3 /proc/loadavg)."
    echo "Medians of $BENCH_REPEAT runs of $BENCH_SECONDS s each, in turns with what they are"
    echo "compared with. aoe-target serves from memory unless said. CPU is that of aoe bench."
    echo
    table
    if [ "$CALLS" ]; then
        echo
        echo "| Work | system calls per request | required |"
        echo "|---|---|---|"
        echo "$CALLS"
    fi
} >"$OUT/initiator.md"

[ -s "$OUT/initiator-ratios.tsv" ] && gnuplot <<END_PLOT
set terminal svg size 900,420 background "white"
set output "$OUT/initiator.svg"
set title "the initiator: how far each row is beyond what is required (line)"
set style fill solid 0.7
set boxwidth 0.7
set yrange [0:*]
set grid ytics
set xtics rotate by -35
set key off
plot "$OUT/initiator-ratios.tsv" using 0:2:xtic(1) with boxes linecolor rgb "#4477aa", \
    1 with lines linewidth 2 linecolor rgb "#cc3311"
END_PLOT
cat "$OUT/initiator.md"
