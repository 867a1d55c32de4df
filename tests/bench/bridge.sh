#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The bridges beside what people use instead, on the same veth pair with
# offloads off and the same file in tmpfs on the NAS, in turns:
#
#   aoe-nbd + aoe-target    nbdkit's file plugin over TCP (fio, nbd engine)
#   the same                tgt over TCP (libiscsi's iscsi-perf; it only reads)
#   aoe-fuse + aoe-target   nbdfuse over nbdkit's TCP (fio, libaio, direct)
#
# `make bench-bridge` runs it; results in build/bench/.
#
#   BENCH_SECONDS  of each run (3)
#   BENCH_REPEAT   runs of each program in each row (5)
#   BENCH_ROWS     only rows whose name matches this (extended) pattern, such as
#                  nbd-1500-free-read4k-1 or fuse-9000-1g-write128k-4

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/bench.sh"
need nbdkit fio nbdfuse=libnbd-bin jq gnuplot=gnuplot-nox ethtool tgtd=tgt \
    tgtadm=tgt iscsi-perf=libiscsi-bin tc=iproute2
BENCH_SECONDS=${BENCH_SECONDS:-3}
BENCH_REPEAT=${BENCH_REPEAT:-5}
BENCH_ROWS=${BENCH_ROWS:-.}
OUT=$BUILD/bench
SIZE=$((256 << 20))
NAS_IP=10.99.0.1 NBD_PORT=10809
ISCSI=iqn.2026-11.test.aoekit:disk
CONTROL=$((20000 + $$ % 10000)) # of tgtd
network 1500

MEMORY=$(mktemp -d /dev/shm/aoekit-bench-XXXXXX) || exit 1
at_exit rm -rf "$MEMORY"
head -c "$SIZE" /dev/urandom >"$MEMORY/disk"
mkdir -p "$OUT" "$TMP/fuse" "$TMP/nbdfuse"
: >"$TMP/nbdfuse/disk"
RUNS=$OUT/bridge-runs.tsv # row, program, ops/s, MB/s, CPU s/GB on the NAS
ROWS=$OUT/bridge-rows.tsv # row, required, the other program, work
: >"$RUNS"
: >"$ROWS"

nas ip link set lo up
nas ip addr add "$NAS_IP/24" dev eth0
host ip addr add 10.99.0.2/24 dev eth0
for where in nas host; do
    $where ethtool -K eth0 tso off gso off gro off tx off rx off >/dev/null 2>&1
done

# ---- the contenders ------------------------------------------------------------

# wire MTU free|1g
wire() {
    local where
    for where in nas host; do
        $where ip link set eth0 mtu "$1"
        $where tc qdisc del dev eth0 root 2>/dev/null
        [ "$2" = free ] ||
            $where tc qdisc add dev eth0 root tbf rate 1gbit burst 256kb latency 50ms ||
            fail "tc: no token bucket filter"
    done
}

tgt_admin() {
    nas tgtadm -C "$CONTROL" --lld iscsi "$@" 2>/dev/null
}
start_tgt() {
    start tgt nas "${SERVER_CPU[@]}" tgtd -f -C "$CONTROL"
    at_exit rm -f "/var/run/tgtd/socket.$CONTROL" "/var/run/tgtd/socket.$CONTROL.lock"
    eventually tgt_admin --mode target --op new --tid 1 --targetname "$ISCSI"
    tgt_admin --mode logicalunit --op new --tid 1 --lun 1 \
        --backing-store "$MEMORY/disk" || fail "tgt does not accept the disk"
    tgt_admin --mode target --op bind --tid 1 -I ALL || fail "tgt does not accept initiators"
}

# Idle programs cost nothing, so all of them are there all the time.
begin() {
    start target nas "${SERVER_CPU[@]}" aoe-target 1 2 eth0 "$MEMORY/disk"
    await target 'serving'
    start nbdkit nas "${SERVER_CPU[@]}" nbdkit -f -i "$NAS_IP" -p "$NBD_PORT" file "$MEMORY/disk"
    eventually host nbdinfo --size "nbd://$NAS_IP:$NBD_PORT" >/dev/null 2>&1
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd.sock"
    await nbd 'serving'
    if [[ $FUSE = yes ]]; then
        start fuse host aoe-fuse mount e1.2 "$TMP/fuse" -f -i eth0
        eventually test -e "$TMP/fuse/e1.2"
        start nbdfuse host nbdfuse "$TMP/nbdfuse/disk" "nbd://$NAS_IP:$NBD_PORT"
        eventually mountpoint -q "$TMP/nbdfuse/disk"
    fi
}
finish() {
    if [[ $FUSE = yes ]]; then
        stop fuse
        umount "$TMP/nbdfuse/disk"
        finished nbdfuse
    fi
    stop nbd
    stop target
    end nbdkit
}
FUSE=no
if [ -e /dev/fuse ] && command -v aoe-fuse >/dev/null; then
    FUSE=yes
fi

# ---- one run -------------------------------------------------------------------

# CPU seconds that the NAS has spent: all that its CPU did, except other programs' work
# at low priority.  Much of TCP's cost is in no process: data leaves when an
# acknowledgement arrives, in the kernel's own time.  As on every veth pair, the sender
# also does the work of receiving; handing each frame to the other side's CPU costs that
# CPU an interrupt per frame, which in a virtual machine outweighs everything else.
nas_cpu() {
    awk -v hz="$(getconf CLK_TCK)" '$1 == "cpu1" {
        printf "%.2f\n", ($2 + $4 + $7 + $8) / hz }' /proc/stat
}

# load HOW WORK DEPTH: "ops/s bytes/s".
load() {
    local rw=rand${2%%[0-9]*} bs=${2#read} engine
    bs=${bs#write}
    [ "$bs" = 4k ] || rw=${rw#rand}
    case $1 in
    aoe-nbd) engine="nbd --uri=nbd+unix:///e1.2?socket=$TMP/nbd.sock" ;;
    nbdkit) engine="nbd --uri=nbd://$NAS_IP:$NBD_PORT" ;;
    aoe-fuse) engine="libaio --direct=1 --filename=$TMP/fuse/e1.2" ;;
    nbdfuse) engine="libaio --direct=1 --filename=$TMP/nbdfuse/disk" ;;
    tgt)
        # shellcheck disable=SC2046
        host iscsi-perf $([[ $rw = rand* ]] && echo -r) -b $((${bs%k} * 2)) \
            -m "$3" -t "$BENCH_SECONDS" "iscsi://$NAS_IP/$ISCSI/1" </dev/null |
            tr '\r' '\n' | awk -v bytes=$((${bs%k} * 1024)) \
            '$1 == "iops" { print $3, $3 * bytes; n++ } END { exit !n }'
        return
        ;;
    esac
    # shellcheck disable=SC2086 # a list of words
    host fio --name=load --ioengine=$engine --rw="$rw" --bs="$bs" --iodepth="$3" \
        --size="$SIZE" --time_based --runtime="$BENCH_SECONDS" --randrepeat=0 \
        --output-format=json --output="$TMP/fio.json" >"$TMP/fio.log" 2>&1 &&
        jq -r '.jobs[0] | .read, .write | select(.total_ios > 0) |
            "\(.iops) \(.bw_bytes)"' "$TMP/fio.json"
}

# one ROW PROGRAM WORK DEPTH
one() {
    local row=$1 program=$2 before after result
    before=$(nas_cpu)
    result=$(load "$program" "$3" "$4") || fail "$row: $program: no result"
    after=$(nas_cpu)
    awk -v OFS='\t' -v row="$row" -v program="$program" -v cpu="$after" \
        -v before="$before" -v seconds="$BENCH_SECONDS" \
        '{ print row, program, $1, $2 / 1e6, (cpu - before) * 1e9 / ($2 * seconds) }' \
        <<<"$result" >>"$RUNS"
}

# row NAME REQUIRED "WORK" OURS OTHER WORK DEPTH
row() {
    local name=$1 i
    [[ $name =~ $BENCH_ROWS ]] || return 0
    printf '%s\t%s\t%s\t%s\n' "$name" "$2" "$5" "$3" >>"$ROWS"
    for ((i = 0; i < BENCH_REPEAT; i++)); do
        one "$name" "$5" "$6" "$7"
        one "$name" "$4" "$6" "$7"
    done
    check "$name" true
}

# ---- rows ----------------------------------------------------------------------

# required COMPARISON MTU SHAPE WORK: times the other's throughput.
required() {
    case $1-$2-$3-$4 in
    nbd-*4k | nbd-*-1g-*) echo 1.0 ;;
    nbd-9000-*) echo 0.8 ;;
    nbd-*) echo 0.5 ;;
    iscsi-*) echo 2.0 ;;
    fuse-*4k) echo 1.5 ;;
    fuse-9000-*) echo 0.8 ;;
    *) echo - ;;
    esac
}
rows() { # MTU free|1g
    local work depth about
    while read -r work depth about; do
        about="MTU $1, $([ "$2" = free ] && echo unshaped || echo 1 Gb/s), $about, depth $depth"
        row "nbd-$1-$2-$work-$depth" "$(required nbd "$1" "$2" "$work")" \
            "$about" aoe-nbd nbdkit "$work" "$depth"
        [[ $work != read4k ]] || row "iscsi-$1-$2-$work-$depth" \
            "$(required iscsi "$1" "$2" "$work")" "$about" \
            aoe-nbd tgt "$work" "$depth"
        [[ $FUSE != yes ]] || row "fuse-$1-$2-$work-$depth" \
            "$(required fuse "$1" "$2" "$work")" "$about" \
            aoe-fuse nbdfuse "$work" "$depth"
    done <<END
read4k 1 4 KiB random read
read4k 16 4 KiB random read
write4k 16 4 KiB random write
read128k 4 128 KiB sequential read
write128k 4 128 KiB sequential write
END
}
start_tgt
for mtu in 1500 9000; do
    for shape in free 1g; do
        wire "$mtu" "$shape"
        begin
        rows "$mtu" "$shape"
        finish
    done
done
stop tgt KILL

# ---- results -------------------------------------------------------------------

table() {
    awk -F'\t' "$MEDIAN"'
        function add(key, value) { v[key, ++n[key]] = value }
        FNR == NR { row[++rows] = $1; need[$1] = $2; other[$1] = $3; work[$1] = $4; next }
        {
            side = $2 == other[$1] ? "other" : "ours"
            add($1 side "ops", $3); add($1 side "mb", $4); add($1 side "cpu", $5)
        }
        END {
            print "| Work | the other | its ops/s, MB/s | ours | times | required | NAS CPU s/GB: the other | ours | ratio |"
            print "|---|---|---|---|---|---|---|---|---|"
            for (i = 1; i <= rows; i++) {
                r = row[i]
                a = median(r "othermb"); b = median(r "oursmb")
                ca = median(r "othercpu"); cb = median(r "ourscpu")
                printf "| %s: %s | %s | %d, %.1f | %d, %.1f | %.2f | %s | %.2f | %.2f | %s |\n",
                    r ~ /^fuse/ ? "FUSE" : "NBD", work[r], other[r],
                    median(r "otherops"), a, median(r "oursops"), b, b / a, need[r],
                    ca, cb, ca ? sprintf("%.2f", cb / ca) : "-"
                printf "%s\t%.3f\t%s\n", r, b / a, need[r] == "-" ? "" : need[r] >ratios
            }
        }' ratios="$OUT/bridge-ratios.tsv" "$ROWS" "$RUNS"
}
[ -s "$ROWS" ] || fail "no row matches $BENCH_ROWS"
{
    echo "# aoe-nbd and aoe-fuse beside nbdkit, tgt and nbdfuse"
    echo
    echo "$(uname -r), $(nproc --all) CPUs, $(nbdkit --version), $(fio --version), load average $(cut -d' ' -f1-3 /proc/loadavg)."
    echo "Medians of $BENCH_REPEAT runs of $BENCH_SECONDS s each, in turns. On a 1 Gb/s wire at MTU 1500, CPU on the NAS is to be at most 1.0 times nbdkit's."
    echo
    table
} >"$OUT/bridge.md"

gnuplot <<END
set terminal svg size 1400,480 background "white"
set output "$OUT/bridge.svg"
set title "aoe-nbd and aoe-fuse: times the throughput of the other (line: required)"
set style fill solid 0.7
set boxwidth 0.7
set logscale y
set grid ytics
set xtics rotate by -50
set key off
set datafile separator "\t"
plot "$OUT/bridge-ratios.tsv" using 0:2:xtic(1) with boxes linecolor rgb "#4477aa", \
    "" using 0:3:(0.4) with xerrorbars pointtype 0 linewidth 2 linecolor rgb "#cc3311"
END
cat "$OUT/bridge.md"
