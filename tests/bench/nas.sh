#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a request costs on a small NAS: the instructions that an ARM guest executes
# for it, in the server and in the kernel, counted by qemu, with vblade and
# aoe-target in turns under the same load from outside; beside them nbd-server and
# tgt, over TCP.  These counts hardly depend on what else this machine does;
# requests a second do.  `make bench-nas` runs all of it, in an hour; results in
# build/bench/: nas.md, nas.svg, and nas-profile/ with the instructions a request of
# each function.
#
# One row of one build, in half a minute:
#
#     make bench-nas-built MACHINES=arm926 ROWS='^tmpfs-r2rand$' REPEAT=1 \
#         TARGETS="vblade aoe-target before=/tmp/aoe-target"
#
#   MACHINES  guests: arm926 armv7 (both)
#   ROWS      only rows whose name matches this (extended) pattern.  They are
#             PLACE-LOAD: place tmpfs, tmpfs-s, ext3 or ext3-s, load r2rand, r2seq,
#             w2seq (MTU 1500), r16seq or w16seq (MTU 9000); and tcp-MTU-WORK, work
#             read64k, write64k, randread4k, randwrite4k
#   TARGETS   vblade, aoe-target (this build's) and NAME=FILE, any static program
#             for ARM that takes aoe-target's arguments; of one with symbols (make
#             nas STRIP=) the profile names the functions
#   TCP_SERVERS  of the rows tcp: aoe-target nbd-server tgt
#   FLAGS     more options of the targets, not of vblade
#   REPEAT    runs of each in each row, of which the median counts (3)
#   EACH      seconds of each run (2)
#   PROFILE   no: without

set -u
cd "$(dirname "$0")/../.." || exit 1
export BUILD=${BUILD:-build}
[[ $BUILD = /* ]] || BUILD=$PWD/$BUILD
export OUT=$BUILD/bench
export MACHINES=${MACHINES:-arm926 armv7} ROWS=${ROWS:-.}
export TARGETS=${TARGETS:-vblade aoe-target} FLAGS=${FLAGS:-}
export TCP_SERVERS=${TCP_SERVERS-aoe-target nbd-server tgt}
export REPEAT=${REPEAT:-3} EACH=${EACH:-2} PROFILE=${PROFILE:-yes}
mkdir -p "$OUT"
rm -rf "$OUT"/nas-{runs.tsv,tcp-runs.tsv,profile}

for machine in $MACHINES; do
    GUEST_MACHINE=$machine bash tests/bench/nas-guest.sh || exit
done

{
    echo "# aoe-target on a small NAS"
    echo
    echo "arm926: ARM926, 32 MiB, Linux 6.1; armv7: Cortex-A7, 128 MiB, Debian's kernel."
    echo "Counted by $(qemu-system-arm --version | head -n 1); medians of $REPEAT runs of $EACH s each, in turns; 16 requests outstanding."
    tests/bench/nas_table.py "$OUT"
} >"$OUT/nas.md"
[ ! -s "$OUT/nas-ratios.tsv" ] || gnuplot <<END
set terminal svg size 1200,480 background "white"
set output "$OUT/nas.svg"
set title "aoe-target: instructions a request, times vblade's (line: at most)"
set style fill solid 0.7
set boxwidth 0.7
set yrange [0:]
set grid ytics
set xtics rotate by -60 noenhanced
set key off
plot "$OUT/nas-ratios.tsv" using 0:2:xtic(1) with boxes linecolor rgb "#4477aa", \
    "" using 0:3:(0.4) with xerrorbars pointtype 0 linewidth 2 linecolor rgb "#cc3311"
END
cat "$OUT/nas.md"
