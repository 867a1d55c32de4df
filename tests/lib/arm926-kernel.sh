#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the kernel of the ARM926 guest (machine-arm926.sh) from Debian's
# linux-source-6.1 and arm926.config into the cache, unless it is there.  `make
# nas-kernel` calls it.  Four minutes on two idle processors.
#
# Environment: JOBS, how many compilers at once (one for each processor).

set -eu
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/foreign.sh"
CACHE=$AOEKIT_CACHE/arm926
CONFIG=$ROOT/tests/lib/arm926.config
SOURCE=/usr/src/linux-source-6.1.tar.xz
BUILT_IN="virtio_net virtio_blk ext4" # nothing is to be loaded for them

say() {
    echo "arm926-kernel: $*" >&2
}

# The sources of other architectures and of whole leftes of hardware stay packed;
# the Kconfig files of all are read.
unpack() {
    local dir arch left=()
    for arch in '[!a]*' alpha arc arm64; do
        left+=(--exclude="*/arch/$arch/*.[chS]" --exclude="*/arch/$arch/*.dts*")
    done
    for dir in drivers/{gpu,media,staging,infiniband,scsi,usb} \
        drivers/net/{wireless,ethernet} sound tools/{perf,testing}; do
        left+=(--exclude="*/$dir/*.[ch]")
    done
    tar -xf "$SOURCE" --strip-components=1 --wildcards "${left[@]}"
}

# all_taken: each line of ours is in the configuration; a misspelt option, or one
# that needs another, would otherwise be missed only in a guest.
all_taken() {
    local line
    while read -r line; do
        grep -qxF "$line" .config || { say "not taken: $line" && return 1; }
    done < <(grep '^CONFIG' "$CONFIG")
}

build() {
    local compile=(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s
        -j "${JOBS:-$(nproc)}" ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-)
    "${compile[@]}" KCONFIG_ALLCONFIG="$CONFIG" allnoconfig >/dev/null
    all_taken
    "${compile[@]}" zImage versatile-pb.dtb
}

# What guest.sh looks for.
into_cache() {
    local module new=$CACHE.new
    rm -rf "$new"
    mkdir -p "$new/modules"
    cp arch/arm/boot/zImage "$new/vmlinuz"
    cp arch/arm/boot/dts/versatile-pb.dtb System.map "$new/"
    for module in $BUILT_IN; do
        : >"$new/modules/$module.list"
    done
    cp "$CONFIG" "$new/config"
    rm -rf "$CACHE"
    mv "$new" "$CACHE"
}

mkdir -p "$AOEKIT_CACHE"
exec 8>"$CACHE.lock"
flock 8
if cmp -s "$CONFIG" "$CACHE/config"; then
    say "it is in $CACHE"
    exit 0
fi
[ -e "$SOURCE" ] || { say "no $SOURCE: apt-get install linux-source-6.1" && exit 1; }
WORK=$(mktemp -d "$AOEKIT_CACHE/arm926-build-XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cd "$WORK"
say "building the kernel, once; this takes minutes"
unpack
build
into_cache
say "it took $SECONDS s"
