#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The files that `make nas` makes: each is one static file for its processor,
# the same whoever builds it wherever, and serves under an emulator of the oldest
# processor it is for, with a client of this machine.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need readelf=binutils xxd jq tar
FILES=$ROOT/build/nas
[ -s "$FILES/SHA256SUMS" ] || skip "there is nothing in build/nas (make nas makes it)"
network 1500
cd "$TMP" || exit

# NAME: what readelf calls its machine, its byte order, and who runs it.
machine_of() {
    case $1 in
    armv5te) echo "ARM little qemu-arm-static -cpu arm926" ;;
    armv6) echo "ARM little qemu-arm-static -cpu arm1136" ;;
    armv7) echo "ARM little qemu-arm-static -cpu cortex-a8" ;;
    aarch64) echo "AArch64 little qemu-aarch64-static -cpu cortex-a53" ;;
    mips) echo "MIPS big qemu-mips-static -cpu 4Kc" ;;
    mipsel) echo "MIPS little qemu-mipsel-static -cpu 4Kc" ;;
    powerpc) echo "PowerPC big qemu-ppc-static -cpu 603e" ;;
    # On its own: QEMU 7.2 for i386 dies when a thread was joined.  Old kernels
    # are below.
    i386) echo "80386 little env" ;;
    x86_64) echo "X86-64 little qemu-x86_64-static -cpu qemu64" ;;
    riscv64) echo "RISC-V little qemu-riscv64-static -cpu rv64" ;;
    *) return 1 ;;
    esac
}

# ---- the files ---------------------------------------------------------------

static_for() { # FILE MACHINE ORDER
    readelf -h "$1" | grep -E 'Machine|Data'
    readelf -h "$1" | grep -qE "Machine:.*[ -]$2( |\$)" &&
        readelf -h "$1" | grep -q "Data:.*$3 endian" &&
        ! readelf -l "$1" | grep -q INTERP && ! readelf -d "$1" | grep -q NEEDED
}
stripped() {
    ! readelf -SW "$1" | grep -E '\.(symtab|debug)'
}
small() {
    echo "$(stat -c %s "$1") bytes"
    [ "$(stat -c %s "$1")" -lt $((512 * 1024)) ]
}
# Another directory, another time, and none of the objects.
again() { # NAME...
    mkdir -p elsewhere/with/another/name &&
        tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . |
        tar -C elsewhere/with/another/name -xmf - &&
        env -u MAKEFLAGS -u MAKELEVEL -u SAN -u CFLAGS -u BUILD \
            make -C elsewhere/with/another/name -j2 nas NAS="$*"
}

sums() {
    (cd "$FILES" && sha256sum -c SHA256SUMS)
}
check "the sums are those of the files" sums
NAMES=$(sed 's/.*aoe-target-//' "$FILES/SHA256SUMS")
for name in $NAMES; do
    file=$FILES/aoe-target-$name
    read -r machine order _ <<<"$(machine_of "$name")"
    check "$name: one static file for this processor" \
        static_for "$file" "$machine" "$order"
    check "... stripped" stripped "$file"
    check "... small ($(stat -c %s "$file") bytes)" small "$file"
done
if grep -q armv5te <<<"$NAMES" && grep -q x86_64 <<<"$NAMES"; then
    check "two are built again elsewhere" again armv5te x86_64
    for name in armv5te x86_64; do
        check "... $name is the same, byte for byte" \
            cmp "$FILES/aoe-target-$name" \
            "elsewhere/with/another/name/build/nas/aoe-target-$name"
    done
    rm -rf elsewhere
fi

# ---- under an emulator -------------------------------------------------------

SIZE=$((1 << 20))
head -c $SIZE /dev/urandom >random
section() { # SLOT FILE [LINE...]
    printf '[e1.%s]\nfile = %s\ninterfaces = eth0\n' "$1" "$2"
    shift 2
    printf '%s\n' "$@"
}
found() { # FILTER
    host aoe discover -i eth0 --wait 0.3 --json >answer && jq -e "$1" answer
}
copied() { # SLOT FILE: onto the disk, and back
    rm -f back
    host aoe copy -q -i eth0 random "e1.$1" --destructive && cmp random "$2" &&
        host aoe copy -q -i eth0 "e1.$1" back && cmp random back
}
flushed() {
    local DISK="0001 02"
    is "40 00" "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
}

# A request that waited in the kernel's queue for more than a second is not
# executed.  Its age comes from the kernel's time stamp.
old_frames_are_dropped() {
    kill -STOP "${PID[target]}"
    host aoe discover -i eth0 --wait 1.5
    kill -CONT "${PID[target]}"
    mark target
    kill -USR1 "${PID[target]}"
    seen target 'drop_aged=[1-9]'
}

serves() { # NAME EMULATOR...
    local name=$1
    shift
    rm -f disk?
    truncate -s $SIZE disk2 disk3
    section 2 disk2 'sync = yes' >conf
    rm -rf "state-$name" && mkdir "state-$name"
    start target nas "$@" "$FILES/aoe-target-$name" --config conf \
        --state-dir "state-$name"
    seen target 'e1\.2: serving' || { logs && return 1; }
    check "$name: its disk is found" found '[.[].disk] == ["e1.2"]'
    check "... written and read" copied 2 disk2
    check "... flushed" flushed
    section 3 disk3 >>conf
    kill -HUP "${PID[target]}"
    check "... SIGHUP brings another" seen target 'e1\.3: serving'
    check "... which is written and read" copied 3 disk3
    check "... what waited too long is dropped" old_frames_are_dropped
    stop target
    check "... SIGTERM ends it in order" grep -rq '^aoe-boot 1 s ' "state-$name"
}

for name in $NAMES; do
    read -r _ _ emulator <<<"$(machine_of "$name")"
    if [ "$emulator" = env ] && ! "$FILES/aoe-target-$name" --version >/dev/null 2>&1; then
        skip_check "$name serves" "this machine cannot run it"
        continue
    fi
    if ! command -v "${emulator%% *}" >/dev/null; then
        skip_check "$name serves" "needs ${emulator%% *} (package qemu-user-static)"
        continue
    fi
    # shellcheck disable=SC2086 # a command and its arguments
    serves "$name" $emulator || check "$name serves" false
done

# ---- 32 bits on old kernels --------------------------------------------------

OLD=$FILES/tests/oldkernel-i386
if ! "$OLD" 3.2 "$FILES/aoe-target-i386" --version >/dev/null 2>trouble; then
    skip_check "32 bits on old kernels" "cannot be run here: $(head -n 1 trouble)"
    exit
fi
for kernel in 2.6.17 2.6.24 2.6.32 3.2; do
    echo "# Linux $kernel"
    serves i386 "$OLD" "$kernel" || check "i386 serves on Linux $kernel" false
done
