# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A guest with its own kernel, under qemu without KVM, because the machine that
# runs the tests may have no nbd or aoe driver, and a driver that hangs must not
# take it down.  It is a PC, or what GUEST_MACHINE says (tests/lib/machine-*.sh).
# It has no disk, and no network except a wire (a tap) to the `nas` namespace.
# Source it instead of net.sh:
#
#     . "$(dirname "$0")/../lib/guest.sh"
#     guest_needs                           # or the script is skipped
#     guest_program mkfs.ext4 aoe-nbd
#     start target nas aoe-target 1 2 tap0 "$TMP/disk"
#     guest 60 <<'END'                      # at most 60 s
#     load nbd
#     check "it is there" test -b /dev/nbd0
#     END
#
# or guest_start, then something out here, and guest_end.  The script in the
# guest runs in busybox's ash on top of guest-init.sh; its "ok" and "not ok"
# lines become this script's.  Programs of a sanitized build bring their
# sanitizers along, and each report becomes a "not ok".

. "$(dirname "${BASH_SOURCE[0]}")/net.sh"
. "$ROOT/tests/lib/foreign.sh"
GUEST_ROOT=$TMP/guest
GUEST_APPEND=    # appended to the kernel's command line
GUEST_MTU=1500
GUEST_MAC=52:54:00:12:34:56
GUEST_DEVICES=() # more options for qemu
GUEST_PORTS=()   # more chardevs for serial lines
GUEST_MACHINE=${GUEST_MACHINE:-pc}
# shellcheck source=tests/lib/machine-pc.sh
. "$ROOT/tests/lib/machine-$GUEST_MACHINE.sh"

# ---- the kernel --------------------------------------------------------------

# guest_unpack_kernel DIR: leaves vmlinuz and the modules, in load order, of the
# Debian package there.
guest_unpack_kernel() {
    local version module how file
    dpkg -x "$1"/*.deb "$1/all" || return
    mv "$1"/all/boot/vmlinuz-* "$1/vmlinuz" || return
    version=$(ls "$1/all/lib/modules")
    depmod -b "$1/all" "$version" || return
    for module in $GUEST_MODULES; do
        modprobe -C /dev/null -d "$1/all" -S "$version" \
            --show-depends "$module" >"$1/depends" || return
        while read -r how file _; do
            [ "$how" = insmod ] || continue # it is built in
            cp "$file" "$1/modules/" && echo "${file##*/}"
        done <"$1/depends" >"$1/modules/$module.list"
    done
    rm -rf "$1/all" "$1"/*.deb "$1/depends"
}

# Puts a kernel with its modules into the cache.
guest_fetch_kernel() {
    rm -rf "$GUEST_CACHE.new"
    mkdir -p "$GUEST_CACHE.new/modules" &&
        machine_fetch "$GUEST_CACHE.new" || return
    rm -rf "$GUEST_CACHE"
    mv "$GUEST_CACHE.new" "$GUEST_CACHE"
}

guest_has_kernel() {
    local module
    [ -s "$GUEST_CACHE/vmlinuz" ] || return
    [ -z "${MACHINE_CONFIG:-}" ] || cmp -s "$MACHINE_CONFIG" "$GUEST_CACHE/config" || return
    for module in $GUEST_MODULES; do
        [ -e "$GUEST_CACHE/modules/$module.list" ] || return
    done
}

# guest_needs: skips where no guest can run; makes the wire.
guest_needs() {
    need cpio
    machine_needs
    [ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
    mkdir -p "$GUEST_CACHE/.." || skip "cannot make $GUEST_CACHE"
    exec 8>"$GUEST_CACHE.lock"
    flock 8
    if ! guest_has_kernel; then
        guest_fetch_kernel >"$TMP/fetch.log" 2>&1 ||
            skip "no kernel for the guest: $(tail -n 1 "$TMP/fetch.log")"
    fi
    exec 8>&-
    network "$GUEST_MTU"
    ip -n "$NAS_NS" tuntap add tap0 mode tap 2>>"$TMP/.ip" ||
        skip "cannot make a tap: $(tail -n 1 "$TMP/.ip")"
    ip -n "$NAS_NS" link set tap0 up
    mkdir -p "$GUEST_ROOT"/{bin,modules,proc,sys,dev,run,tmp,mnt,etc}
}

# ---- what is in it -----------------------------------------------------------

# guest_program NAME[=PACKAGE]...: copies it from here, with its libraries.
guest_program() {
    local word path
    for word; do
        path=$(machine_program "$word") || skip "${path#skipped: }"
        guest_take "$path" "/bin/${word%%=*}"
    done
}
# guest_take FILE PATH: the same with a program that is at FILE, to PATH there.
guest_take() {
    local file there
    install -D "$1" "$GUEST_ROOT$2" || fail "cannot copy $1"
    machine_libraries "$1" >"$TMP/libraries" || skip "a library of $1 is not there"
    while read -r file there; do
        [ -e "$GUEST_ROOT$there" ] || install -D "$file" "$GUEST_ROOT$there"
    done <"$TMP/libraries"
}

# guest_file FILE PATH: copies a file of ours to that path there.
guest_file() {
    install -D -m 644 "$1" "$GUEST_ROOT$2"
}

# Whether aoe-nbd, and thus the whole build, has AddressSanitizer.
guest_sanitized() {
    grep -q __asan_init "$BUILD/aoe-nbd"
}

guest_image() {
    cp "$MACHINE_BUSYBOX" "$GUEST_ROOT/bin/busybox"
    cp -r "$GUEST_CACHE/modules/." "$GUEST_ROOT/modules/"
    install -m 755 "$ROOT/tests/lib/guest-init.sh" "$GUEST_ROOT/init"
    cat >"$GUEST_ROOT/test.sh"
    if guest_sanitized; then
        # As in net.sh, except for the directory.
        printf "export %s='%s'\n" ASAN_OPTIONS "${ASAN_OPTIONS//"$TMP"//run}" \
            UBSAN_OPTIONS "${UBSAN_OPTIONS//"$TMP"//run}" \
            >"$GUEST_ROOT/sanitized"
    fi
    (cd "$GUEST_ROOT" && find . | cpio --quiet -o -H newc) >"$TMP/initrd"
}

# ---- running it --------------------------------------------------------------

# guest_start SECONDS: boots with the script on standard input, for at most
# that long, or twice that if sanitized.  `await guest PATTERN` reads its
# output.
guest_start() {
    GUEST_SECONDS=$1
    ! guest_sanitized || GUEST_SECONDS=$(($1 * 2))
    guest_image
    machine_qemu says "${GUEST_PORTS[@]}"
    start guest nas timeout --kill-after=5 "$GUEST_SECONDS" \
        "${MACHINE_QEMU[0]}" -m "$GUEST_MEMORY" -nodefaults -no-user-config \
        -nographic -no-reboot -initrd "$TMP/initrd" \
        -append "console=$MACHINE_CONSOLE loglevel=5 panic=-1 random.trust_cpu=on $MACHINE_SETS$GUEST_APPEND" \
        -serial "file:$TMP/guest-kernel.log" -chardev stdio,id=says,signal=off \
        -netdev tap,id=wire,ifname=tap0,script=no,downscript=no \
        "${GUEST_DEVICES[@]}" "${MACHINE_QEMU[@]:1}"
}

# Waits until it has ended; its checks become ours.
guest_end() {
    local line ended=
    finished guest "$((GUEST_SECONDS + 10))"
    while read -r line; do
        case $line in
        'ok - '*) CHECKS=$((CHECKS + 1)) ;;
        'not ok - '*) CHECKS=$((CHECKS + 1)) FAILED=$((FAILED + 1)) ;;
        'guest: ended 0') ended=1 ;;
        esac
        printf '%s\n' "$line"
    done < <(tr -d '\r' <"$(log_of guest)")
    [ -n "$ended" ] ||
        fail "the guest's script ends within $GUEST_SECONDS s"
}

guest() {
    guest_start "$1"
    guest_end
}
