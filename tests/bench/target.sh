#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-target beside vblade: the same backing file, the same veth pair, the same
# load, in turns.  `make bench-target` runs it; results in build/bench/.
#
#   BENCH_SECONDS  of each run (3)
#   BENCH_REPEAT   runs of each server in each row (5)
#   BENCH_ROWS     only rows whose name matches this (extended) pattern
#   BENCH_DISK     directory on a disk, not tmpfs (/var/tmp)
#   BENCH_ARM_VBLADE  Debian's vblade for armel (fetched with apt-get); without
#                  it, the cross compiler or qemu-arm-static the rows of ARM
#                  are left out

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/bench.sh"
need vblade strace gnuplot=gnuplot-nox
BENCH_SECONDS=${BENCH_SECONDS:-3}
BENCH_REPEAT=${BENCH_REPEAT:-5}
BENCH_ROWS=${BENCH_ROWS:-.}
OUT=$BUILD/bench
LOAD=$BUILD/tests/bench/load
SIZE=268435456
network 1500

DISK=$(mktemp -d "${BENCH_DISK:-/var/tmp}/aoekit-bench-XXXXXX") || exit 1
MEMORY=$(mktemp -d /dev/shm/aoekit-bench-XXXXXX) || exit 1
at_exit rm -rf "$DISK" "$MEMORY"
head -c "$SIZE" /dev/urandom >"$DISK/disk"
cp "$DISK/disk" "$MEMORY/disk"
sync "$DISK/disk"

mkdir -p "$OUT"
RUNS=$OUT/target-runs.tsv # row, server, ops/s, MB/s, CPU s/GB, resent, load's CPU
: >"$RUNS"
: >"$OUT/target-rows.tsv" # row, required, work

mtu() {
    nas ip link set eth0 mtu "$1" && host ip link set eth0 mtu "$1"
}

declare -A COMMAND=([vblade]=vblade [aoe-target]=aoe-target)
UNDER=
# serve vblade|aoe-target FILE FLAGS...
serve() {
    local program=$1 file=$2
    shift 2
    # shellcheck disable=SC2086 # a list of words
    start server nas "${SERVER_CPU[@]}" $UNDER ${COMMAND[$program]} "$@" 1 2 eth0 "$file"
    started "$program"
}

# CPU seconds of a process with all its threads, including the cost of its frames in the
# veth pair as far as the kernel does that work at once.
cpu_of() {
    sed 's/.*) //' "/proc/$1/stat" |
        awk -v hz="$(getconf CLK_TCK)" '{ print ($12 + $13) / hz }'
}

# one ROW vblade|aoe-target FILE "FLAGS" LOAD-OPTIONS...
one() {
    local row=$1 program=$2 file=$3 flags=$4 before after result
    shift 4
    # shellcheck disable=SC2086 # a list of words
    serve "$program" "$file" $flags
    before=$(cpu_of "${PID[server]}")
    if result=$(host "$LOAD" -t "$BENCH_SECONDS" -l $((SIZE / 512)) "$@" 1 2 eth0); then
        after=$(cpu_of "${PID[server]}")
        echo "$result" | awk -v OFS='\t' -v row="$row" -v program="$program" \
            -v seconds="$BENCH_SECONDS" -v cpu="$after" -v before="$before" \
            '{ print row, program, $2, $4, (cpu - before) * 1000 / ($4 * seconds), $6, $8 }' >>"$RUNS"
    else
        fail "$row: $program: no result"
    fi
    end server
}

# row NAME REQUIRED "WORK" MTU FILE "FLAGS" LOAD-OPTIONS...
row() {
    local name=$1 required=$2 work=$3 mtu=$4 i
    [[ $name =~ $BENCH_ROWS ]] || return 0
    shift 4
    mtu "$mtu"
    printf '%s\t%s\t%s\n' "$name" "$required" "$work" >>"$OUT/target-rows.tsv"
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        one "$name" vblade "$@"
        one "$name" aoe-target "$@"
    done
    check "$name ($(summary "$name"))" true
}

# summary ROW: both medians and their ratio.
summary() {
    awk -F'\t' -v row="$1" "$MEDIAN"'
        $1 == row { v[$2, ++n[$2]] = $4; }
        END {
            a = median("vblade"); b = median("aoe-target")
            printf "%.1f against %.1f MB/s: %.2f times", b, a, b / a
        }' "$RUNS"
}

# ---- rows ----------------------------------------------------------------------

for where in ext4 tmpfs; do
    file=$DISK/disk
    [ $where = tmpfs ] && file=$MEMORY/disk
    least() { # REQUIRED on a disk; on tmpfs nothing may be slower
        [ $where = tmpfs ] && echo 1.0 || echo "$1"
    }
    row $where-random "$(least 1.4)" "$where, page cache, MTU 1500, 2 sectors, random read" \
        1500 "$file" "" -r
    row $where-seq "$(least 1.5)" "$where, page cache, MTU 1500, 2 sectors, sequential read" \
        1500 "$file" ""
    row $where-jumbo-read "$(least 1.4)" "$where, page cache, MTU 9000, 16 sectors, sequential read" \
        9000 "$file" "" -n 16
    row $where-jumbo-write "$(least 1.7)" "$where, page cache, MTU 9000, 16 sectors, sequential write" \
        9000 "$file" "" -n 16 -W
done
row direct-read 5.5 "-d, disk, MTU 1500, sequential read" 1500 "$DISK/disk" -d
row direct-write 5.5 "-d, disk, MTU 1500, sequential write" 1500 "$DISK/disk" -d -W
row direct-read-all 10 "-d, disk, MTU 1500, sequential read, advertised buffer count" \
    1500 "$DISK/disk" -d -w 0
row direct-write-all 10 "-d, disk, MTU 1500, sequential write, advertised buffer count" \
    1500 "$DISK/disk" -d -w 0 -W
row direct-random-16 4 "-d, disk, MTU 1500, random read, 16 outstanding" \
    1500 "$DISK/disk" -d -r
row direct-random-64 5.5 "-d, disk, MTU 1500, random read, 64 outstanding" \
    1500 "$DISK/disk" -d -r -w 64
row direct-jumbo-read 4.5 "-d, disk, MTU 9000, 16 sectors, sequential read" \
    9000 "$DISK/disk" -d -n 16
row direct-jumbo-write 4.5 "-d, disk, MTU 9000, 16 sectors, sequential write" \
    9000 "$DISK/disk" -d -n 16 -W

# Debian's package for another architecture, without involving this machine's package
# manager.
fetch_arm_vblade() {
    local dir=$TMP/arm
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    local options=(-qq -o APT::Architecture=armel -o APT::Architectures=armel
        -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache"
        -o APT::Sandbox::User=root)
    (cd "$dir" && apt-get "${options[@]}" update &&
        apt-get "${options[@]}" download vblade && dpkg -x vblade*.deb .) >"$dir/log" 2>&1
    BENCH_ARM_VBLADE=$dir/usr/sbin/vblade
}
arm() {
    local cc=arm-linux-gnueabi-gcc
    [[ "arm-seq arm-jumbo-read" =~ $BENCH_ROWS ]] || return 1
    command -v $cc >/dev/null && command -v qemu-arm-static >/dev/null || return 1
    [ "${BENCH_ARM_VBLADE:-}" ] || fetch_arm_vblade
    [ -x "$BENCH_ARM_VBLADE" ] || return 1
    env -u MAKEFLAGS -u MAKELEVEL make -s -C "$ROOT" target BUILD="$TMP/arm-build" \
        STATIC=1 CC=$cc >/dev/null
}
if arm; then
    COMMAND=([vblade]="qemu-arm-static -L /usr/arm-linux-gnueabi $BENCH_ARM_VBLADE"
        [aoe-target]="qemu-arm-static $TMP/arm-build/aoe-target")
    row arm-seq 1.3 "ARM under qemu-arm-static, tmpfs, MTU 1500, sequential read" \
        1500 "$MEMORY/disk" ""
    row arm-jumbo-read 1.3 "ARM under qemu-arm-static, tmpfs, MTU 9000, 16 sectors, sequential read" \
        9000 "$MEMORY/disk" "" -n 16
    COMMAND=([vblade]=vblade [aoe-target]=aoe-target)
fi

# ---- many disks ----------------------------------------------------------------

# 1,000 disks in one process: its memory, and how long it takes until all have answered
# a discovery.
many() {
    local i seconds
    printf '[defaults]\ninterfaces = eth0\n' >"$TMP/many.conf"
    for i in {1..1000}; do
        truncate -s 1M "$DISK/many-$i"
        printf '[e%d.%d]\nfile = %s\n' $((i / 100)) $((i % 100)) "$DISK/many-$i"
    done >>"$TMP/many.conf"
    start server nas aoe-target --config "$TMP/many.conf"
    await server 'e10\.0: serving'
    seconds=$(host "$LOAD" -q 1000 eth0 | awk '{ print $2 }')
    awk -v seconds="$seconds" '$1 == "VmRSS:" {
        printf "%.1f MiB resident, all answer within %s s\n", $2 / 1024, seconds }' \
        "/proc/${PID[server]}/status"
    stop server
}
MANY=
if [[ many =~ $BENCH_ROWS ]] && aoe-target --help | grep -q -- '--config FILE'; then
    mtu 1500
    MANY=$(many)
    check "1,000 exports: $MANY" test "$MANY"
fi

# ---- system calls --------------------------------------------------------------

# calls PROGRAM LOAD-OPTIONS...: system calls per request.  Tracing slows a
# server down, so this run is not timed.
calls() {
    local program=$1 ops
    shift
    UNDER="strace -c -f -o $TMP/calls --"
    serve "$program" "$DISK/disk"
    UNDER=
    ops=$(host "$LOAD" -t 2 -l $((SIZE / 512)) "$@" 1 2 eth0 | awk '{ print $2 * 2 }')
    kill "$(pgrep -P "${PID[server]}")"
    finished server
    awk -v ops="$ops" '$NF == "total" { printf "%.2f\n", $4 / ops }' "$TMP/calls"
}
CALLS=
if [[ calls =~ $BENCH_ROWS ]]; then
    mtu 1500
    for how in "" "-r"; do
        # shellcheck disable=SC2086
        CALLS+="| system calls per request, ext4, MTU 1500, $([ "$how" ] && echo random || echo sequential) read | $(calls vblade $how) | $(calls aoe-target $how) | | at most 0.5 |"$'\n'
    done
fi

# ---- the load itself -----------------------------------------------------------

ceiling() {
    start null nas "${SERVER_CPU[@]}" "$LOAD" -0 eth0
    host "$LOAD" -t "$BENCH_SECONDS" "$@" 1 2 eth0
    end null
}
mtu 1500
LIMITS="- MTU 1500, 2 sectors, read: $(ceiling)"$'\n'
mtu 9000
LIMITS+="- MTU 9000, 16 sectors, read: $(ceiling -n 16)"$'\n'
LIMITS+="- MTU 9000, 16 sectors, write: $(ceiling -n 16 -W)"

# ---- results -------------------------------------------------------------------

table() {
    awk -F'\t' "$MEDIAN"'
        FNR == NR { rows[++count] = $1; need[$1] = $2; work[$1] = $3; next }
        { k = $1 SUBSEP $2; m[k]++; mb[k, m[k]] = $4; cpu[k, m[k]] = $5; op[k, m[k]] = $3
          lost[$2] += $6 }
        function pick(a, row, s,   i) {
            n[s] = m[row SUBSEP s]
            for (i = 1; i <= n[s]; i++) v[s, i] = a[row SUBSEP s, i]
            return median(s)
        }
        END {
            print "| Work | vblade | aoe-target | times vblade | required | CPU s/GB: vblade | aoe-target | ratio | spread of runs |"
            print "|---|---|---|---|---|---|---|---|---|"
            for (i = 1; i <= count; i++) {
                r = rows[i]
                ca = pick(cpu, r, "vblade"); cb = pick(cpu, r, "aoe-target")
                oa = pick(op, r, "vblade"); ob = pick(op, r, "aoe-target")
                a = pick(mb, r, "vblade"); b = pick(mb, r, "aoe-target")
                printf "| %s | %.1f MB/s, %.1f k/s | %.1f MB/s, %.1f k/s | %.2f | %s | %.2f | %.2f | %.2f | %.0f %%, %.0f %% |\n",
                    work[r], a, oa / 1000, b, ob / 1000, b / a, need[r], ca, cb, ca ? cb / ca : 0,
                    spread("vblade"), spread("aoe-target")
                printf "%s\t%.3f\t%s\n", r, b / a, need[r] >ratios
            }
            printf "\nRetransmitted: %d of vblade'\''s, %d of aoe-target'\''s.\n", lost["vblade"], lost["aoe-target"]
        }' ratios="$OUT/target-ratios.tsv" "$OUT/target-rows.tsv" "$RUNS"
}
{
    echo "# aoe-target beside vblade"
    echo
    echo "$(uname -r), $(nproc --all) CPUs, $(vblade -h 2>&1 | grep -ci vblade >/dev/null && dpkg-query -W -f='vblade ${Version}' vblade 2>/dev/null), disk $(stat -f -c %T "$DISK"), load average $(cut -d' ' -f1-3 /proc/loadavg)."
    echo "Medians of $BENCH_REPEAT runs of $BENCH_SECONDS s each, in turns; 16 requests outstanding unless said."
    echo
    table
    if [ "$CALLS" ]; then
        echo
        echo "| Work | vblade | aoe-target | | required |"
        echo "|---|---|---|---|---|"
        printf '%s' "$CALLS"
    fi
    if [ "$MANY" ]; then
        echo
        echo "1,000 exports in one process: $MANY (required: at most 64 MiB, within 1 s)."
    fi
    echo
    echo "What the load reaches against a target without a disk (tests/bench/load -0):"
    echo
    echo "$LIMITS"
} >"$OUT/target.md"

gnuplot <<END
set terminal svg size 900,420 background "white"
set output "$OUT/target.svg"
set title "aoe-target: times the throughput of vblade (line: required)"
set style fill solid 0.7
set boxwidth 0.7
set logscale y
set grid ytics
set xtics rotate by -35
set key off
plot "$OUT/target-ratios.tsv" using 0:2:xtic(1) with boxes linecolor rgb "#4477aa", \
    "" using 0:3:(0.4) with xerrorbars pointtype 0 linewidth 2 linecolor rgb "#cc3311"
END
cat "$OUT/target.md"
