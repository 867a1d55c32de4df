# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A guest with its own kernel: Debian's, under qemu without KVM, because the
# machine that runs the tests may have no nbd or aoe driver, and a driver that
# hangs must not take it down.  The guest has no disk, and no network except a
# wire (a tap) to the `nas` namespace.  Source it instead of net.sh:
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

GUEST_MODULES="virtio_pci virtio_net virtio_blk virtio_scsi sd_mod xhci_pci
    usb-storage nbd aoe ext4 xfs dm-flakey dm-log-writes faulty scsi_debug"
GUEST_CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/aoekit/guest
GUEST_ROOT=$TMP/guest
GUEST_MEMORY=768 # MiB
GUEST_APPEND=    # appended to the kernel's command line
GUEST_MTU=1500
GUEST_MAC=52:54:00:12:34:56
GUEST_DEVICES=() # more options for qemu

# ---- the kernel --------------------------------------------------------------

# The newest packaged 6.1 kernel, which is fetched once.
guest_kernel_package() {
    apt-cache --names-only search '^linux-image-6\.1\.[0-9]+-[0-9]+-amd64$' |
        cut -d' ' -f1 | sort -V | tail -n 1
}

# Puts vmlinuz and the modules, in load order, into the cache.
guest_fetch_kernel() {
    local work=$GUEST_CACHE.new package version module
    package=$(guest_kernel_package)
    [ -n "$package" ] || { echo "no package linux-image-6.1*-amd64" && return 1; }
    rm -rf "$work"
    mkdir -p "$work/modules" || return
    (cd "$work" && apt-get -qq download "$package") || return
    dpkg -x "$work"/*.deb "$work/all" || return
    mv "$work"/all/boot/vmlinuz-* "$work/vmlinuz" || return
    version=$(ls "$work/all/lib/modules")
    depmod -b "$work/all" "$version" || return
    for module in $GUEST_MODULES; do
        modprobe -C /dev/null -d "$work/all" -S "$version" \
            --show-depends "$module" >"$work/depends" || return
        while read -r _ file _; do
            cp "$file" "$work/modules/" && echo "${file##*/}"
        done <"$work/depends" >"$work/modules/$module.list"
    done
    rm -rf "$work/all" "$work"/*.deb "$work/depends" "$GUEST_CACHE"
    mv "$work" "$GUEST_CACHE"
}

guest_has_kernel() {
    local module
    [ -s "$GUEST_CACHE/vmlinuz" ] || return
    for module in $GUEST_MODULES; do
        [ -s "$GUEST_CACHE/modules/$module.list" ] || return
    done
}

# guest_needs: skips where no guest can run; makes the wire.
guest_needs() {
    [ "$(uname -m)" = x86_64 ] || skip "the guest's kernel is for x86_64"
    need qemu-system-x86_64=qemu-system-x86 busybox=busybox-static cpio \
        depmod=kmod
    busybox ip -V >/dev/null 2>&1
    ldd "$(command -v busybox)" >/dev/null 2>&1 &&
        skip "busybox is not static (package busybox-static)"
    [ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
    mkdir -p "$GUEST_CACHE/.." || skip "cannot make $GUEST_CACHE"
    exec 8>"$GUEST_CACHE.lock"
    flock 8
    if ! guest_has_kernel; then
        need apt-get=apt dpkg
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
    local word path library
    for word; do
        need "$word"
        path=$(command -v "${word%%=*}")
        cp -L "$path" "$GUEST_ROOT/bin/" || fail "cannot copy $path"
        ldd "$path" | grep -o '/[^ ]*' | while read -r library; do
            [ -e "$GUEST_ROOT$library" ] ||
                install -D "$library" "$GUEST_ROOT$library"
        done
    done
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
    cp "$(command -v busybox)" "$GUEST_ROOT/bin/busybox"
    cp "$GUEST_CACHE"/modules/* "$GUEST_ROOT/modules/"
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
    start guest nas timeout --kill-after=5 "$GUEST_SECONDS" \
        qemu-system-x86_64 -accel tcg -cpu max -m "$GUEST_MEMORY" -nodefaults \
        -no-user-config -nographic -no-reboot \
        -kernel "$GUEST_CACHE/vmlinuz" -initrd "$TMP/initrd" \
        -append "console=ttyS0 loglevel=5 panic=-1 random.trust_cpu=on$GUEST_APPEND" \
        -serial "file:$TMP/guest-kernel.log" \
        -chardev stdio,id=says,signal=off -serial chardev:says \
        -netdev tap,id=wire,ifname=tap0,script=no,downscript=no \
        -device "virtio-net-pci,netdev=wire,romfile=,mac=$GUEST_MAC" \
        "${GUEST_DEVICES[@]}"
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
