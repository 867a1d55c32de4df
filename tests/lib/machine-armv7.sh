# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # guest.sh uses them
#
# A NAS of 2015 as the guest: ARMv7 (a Cortex-A7), and Debian's kernel for it.

GUEST_CACHE=$AOEKIT_CACHE/armv7
GUEST_MODULES="virtio_mmio virtio_net virtio_blk virtio_console ext4"
GUEST_MEMORY=128 # MiB
MACHINE_ARCH=armhf
MACHINE_CPU=armv7
MACHINE_SETS="SAYS=/dev/hvc0 ORDERS=/dev/hvc1 LOAD=virtio_mmio,virtio_console,virtio_net"
MACHINE_CONSOLE=ttyAMA0
. "$ROOT/tests/lib/machine-arm.sh"

# Its command line, with the lines that talk to out here, in this order.
machine_qemu() { # CHARDEV...
    local line
    MACHINE_QEMU=(qemu-system-arm -M virt -cpu cortex-a7
        -kernel "$GUEST_CACHE/vmlinuz"
        -device "virtio-net-device,netdev=wire,mac=$GUEST_MAC,host_mtu=$GUEST_MTU${MACHINE_NIC:+,$MACHINE_NIC}"
        -device virtio-serial-device)
    for line; do
        MACHINE_QEMU+=(-device "virtconsole,chardev=$line")
    done
}
machine_disk() { # NODE: the device of a disk
    echo "virtio-blk-device,drive=$1,serial=$1"
}

# The newest packaged 6.1 kernel, which is fetched once.
machine_fetch() { # DIR
    local package
    package=$(foreign_newest armhf '^linux-image-6\.1\.[0-9]+-[0-9]+-armmp$') ||
        { echo "no package linux-image-6.1*-armmp" && return 1; }
    foreign_download armhf "$1" "$package" && guest_unpack_kernel "$1"
}
