#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a request costs on a small NAS: the instructions that an ARM guest executes
# for it, in the server and in the kernel, counted by qemu, with vblade and
# aoe-target in turns under the same load from outside.  These counts hardly depend
# on what else this machine does; requests a second do.  `make bench-nas` runs all
# of it; results in build/bench/: nas-runs.tsv, and nas-profile/ with the
# instructions a request of each function.
#
# One row of one build, in half a minute:
#
#     make bench-nas-built MACHINES=arm926 ROWS='^tmpfs-r2rand$' REPEAT=1 \
#         TARGETS="vblade aoe-target before=/tmp/aoe-target"
#
#   MACHINES  guests: arm926 armv7 (both)
#   ROWS      only rows whose name matches this (extended) pattern.  They are
#             PLACE-LOAD: place tmpfs, tmpfs-s, ext3 or ext3-s, load r2rand, r2seq,
#             w2seq (MTU 1500), r16seq or w16seq (MTU 9000)
#   TARGETS   vblade, aoe-target (this build's) and NAME=FILE, any static program
#             for ARM that takes aoe-target's arguments; of one with symbols (make
#             nas-target STRIP=) the profile names the functions
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
export REPEAT=${REPEAT:-3} EACH=${EACH:-2} PROFILE=${PROFILE:-yes}
mkdir -p "$OUT"
rm -rf "$OUT"/nas-{runs.tsv,profile}

for machine in $MACHINES; do
    GUEST_MACHINE=$machine bash tests/bench/nas-guest.sh || exit
done
