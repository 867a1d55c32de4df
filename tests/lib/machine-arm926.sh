# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # guest.sh uses them
#
# The NAS of 2008 as the guest: ARM926, 32 MiB, and a kernel of its own
# (arm926.config), which tests/lib/arm926-kernel.sh builds once into the cache;
# `make nas-kernel` calls that.

GUEST_CACHE=$AOEKIT_CACHE/arm926
GUEST_MODULES="virtio_net virtio_blk ext4" # built in: their lists are empty
GUEST_MEMORY=32 # MiB
MACHINE_CONFIG=$ROOT/tests/lib/arm926.config
MACHINE_ARCH=armel
MACHINE_CPU=armv5te
# It has no power switch: a reboot ends qemu.
MACHINE_SETS="SAYS=/dev/ttyAMA1 ORDERS=/dev/ttyAMA2 OFF=reboot"
MACHINE_CONSOLE=ttyAMA0
. "$ROOT/tests/lib/machine-arm.sh"

# Its command line, with the lines that talk to out here, in this order.
machine_qemu() { # CHARDEV...
    local line
    # An old PCI bridge, which has no room for the registers of virtio 1.
    MACHINE_QEMU=(qemu-system-arm -M versatilepb -cpu arm926 -audiodev "none,id=mute"
        -kernel "$GUEST_CACHE/vmlinuz" -dtb "$GUEST_CACHE/versatile-pb.dtb"
        -device "virtio-net-pci,netdev=wire,romfile=,mac=$GUEST_MAC,disable-modern=on,host_mtu=$GUEST_MTU${MACHINE_NIC:+,$MACHINE_NIC}")
    for line; do
        MACHINE_QEMU+=(-serial "chardev:$line")
    done
}
machine_disk() { # NODE: the device of a disk
    echo "virtio-blk-pci,disable-modern=on,drive=$1,serial=$1"
}

# Too long for a test.
machine_fetch() {
    echo "it has not been built: make nas-kernel"
    return 1
}
