# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What both ARM guests share (machine-arm926.sh, machine-armv7.sh): their programs
# are Debian's of their architecture, and the target that `make nas` builds for it.
#
#   NAS_DIR      where that is (build/nas)
#   MACHINE_NIC  more properties of the network interface, for qemu

# Skips where it cannot run.
machine_needs() {
    need qemu-system-arm readelf=binutils apt-get=apt dpkg depmod=kmod
    foreign_packages "$MACHINE_ARCH" busybox-static >"$TMP/busybox.log" 2>&1 ||
        skip "no busybox for $MACHINE_ARCH: $(tail -n 1 "$TMP/busybox.log")"
    # shellcheck disable=SC2034 # guest.sh uses it
    MACHINE_BUSYBOX=$(foreign_tree "$MACHINE_ARCH")/bin/busybox
}

# machine_program NAME[=PACKAGE]: where it is.
machine_program() {
    local tree name=${1%%=*}
    if [ "$name" = aoe-target ]; then
        machine_target
        return
    fi
    tree=$(foreign_tree "$MACHINE_ARCH")
    foreign_packages "$MACHINE_ARCH" libc6 "${1#*=}" >&2 ||
        skip "no package ${1#*=} for $MACHINE_ARCH"
    find "$tree"/{,usr/}{s,}bin -name "$name" -print -quit 2>/dev/null | grep .
}
machine_target() {
    local target=${NAS_DIR:-$ROOT/build/nas}/aoe-target-$MACHINE_CPU
    [ -x "$target" ] || skip "there is no $target for the guest (make check-nas makes it)"
    echo "$target"
}

# Static programs have none.
machine_libraries() { # FILE: each with its path in the guest
    local library
    foreign_libraries "$(foreign_tree "$MACHINE_ARCH")" "$1" | while read -r library; do
        echo "$library /lib/${library##*/}"
    done
    return "${PIPESTATUS[0]}"
}
