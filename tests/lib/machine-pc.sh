# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # guest.sh uses them
#
# A PC as the guest (tests/lib/guest.sh): Debian's kernel for amd64, and the
# programs of this build and of this machine.

GUEST_CACHE=$AOEKIT_CACHE/guest
GUEST_MODULES="virtio_pci virtio_net virtio_blk virtio_scsi sd_mod xhci_pci
    usb-storage nbd aoe ext4 xfs dm-flakey dm-log-writes faulty scsi_debug dummy bonding
    ata_piix"
GUEST_MEMORY=768 # MiB
MACHINE_SETS="SAYS=/dev/ttyS1 ORDERS=/dev/ttyS2 LOAD=virtio_pci,virtio_net"
MACHINE_CONSOLE=ttyS0

# Skips where it cannot run.
machine_needs() {
    [ "$(uname -m)" = x86_64 ] || skip "the guest's kernel is for x86_64"
    need qemu-system-x86_64=qemu-system-x86 busybox=busybox-static depmod=kmod
    MACHINE_BUSYBOX=$(command -v busybox)
    "$MACHINE_BUSYBOX" ip -V >/dev/null 2>&1
    ldd "$MACHINE_BUSYBOX" >/dev/null 2>&1 &&
        skip "busybox is not static (package busybox-static)"
}

# Its command line, with the lines that talk to out here, in this order.
machine_qemu() { # CHARDEV...
    local line
    MACHINE_QEMU=(qemu-system-x86_64 -accel tcg -cpu max
        -kernel "$GUEST_CACHE/vmlinuz"
        -device "virtio-net-pci,netdev=wire,romfile=,mac=$GUEST_MAC")
    for line; do
        MACHINE_QEMU+=(-serial "chardev:$line")
    done
}

# The newest packaged 6.1 kernel, which is fetched once.
machine_kernel_package() {
    apt-cache --names-only search '^linux-image-6\.1\.[0-9]+-[0-9]+-amd64$' |
        cut -d' ' -f1 | sort -V | tail -n 1
}
machine_fetch() { # DIR
    local package
    need apt-get=apt dpkg
    package=$(machine_kernel_package)
    [ -n "$package" ] || { echo "no package linux-image-6.1*-amd64" && return 1; }
    (cd "$1" && apt-get -qq download "$package") && guest_unpack_kernel "$1"
}

machine_program() { # NAME: where it is
    need "$1"
    command -v "${1%%=*}"
}
machine_libraries() { # FILE: each with its path in the guest
    local library
    for library in $(ldd "$1" | grep -o '/[^ ]*'); do
        echo "$library $library"
    done
}
