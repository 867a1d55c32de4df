#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs what building and testing need, with apt-get on Debian and its
# derivatives; elsewhere it names the packages.  It prints what it will install
# first, and does nothing if everything is there.

usage="usage: dist/deps.sh build|demo|test|vm|nas|cross|systemd|hosts|bench|bench-nas|ci
  build   compile all programs
  demo    and run make demo
  test    and run make check
  vm      test, and run make check-vm
  nas     vm, and run make check-nas
  cross   test, and run make nas and make check-nas-binaries
  systemd vm, and run make check-systemd
  hosts   build, and run make hosts
  bench   build, and what the comparisons of tests/bench need
  bench-nas  build, and what tests/bench/nas.sh needs
  ci      test, and what .ci/run checks beyond that"

set -eu

# What each step adds.
BUILD="gcc make pkg-config libc6-dev libpcap-dev libfuse3-dev liburing-dev libnbd-dev libseccomp-dev libnl-genl-3-dev libcmocka-dev nbdkit-plugin-dev"
DEMO="iproute2 util-linux mount procps e2fsprogs fuse3 libnbd-bin"
TEST="vblade busybox-static aoetools nbdkit tshark tcpdump jq fio qemu-utils nbd-client libcap2-bin xxd mandoc strace xfsprogs openssl gnutls-bin g++ fuse2fs python3-libnbd restic rsync"
VM="qemu-system-x86 cpio kmod dpkg-dev udev hdparm dmsetup mdadm"
NAS="qemu-system-arm gcc-arm-linux-gnueabi libc6-dev-armel-cross linux-source-6.1 flex bison bc xz-utils binutils"
SYSTEMD="debootstrap"
CI="clang libclang-rt-dev clang-format clang-tidy cppcheck shellcheck musl-tools linux-libc-dev"
CROSS="python3 python3-venv qemu-user-static binutils"
HOSTS="python3 python3-venv binutils llvm"
ARM="gcc-arm-linux-gnueabi libc6-dev-armel-cross qemu-user-static"
BENCH="vblade strace gnuplot-nox iproute2 util-linux procps fio jq nbdkit libnbd-bin fuse3 tgt libiscsi-bin ethtool nftables"
BENCH_NAS="python3 e2fsprogs cpio kmod dpkg-dev"

# The same under other names; none of these systems is tested here.
others() {
    cat >&2 <<END
deps: this system has no apt-get; please install with its package manager:
  Fedora   gcc make pkgconf libpcap-devel fuse3-devel liburing-devel
           libnbd-devel libseccomp-devel libnl3-devel libcmocka-devel iproute
           util-linux e2fsprogs fuse3 libnbd nbdkit wireshark-cli tcpdump jq fio qemu-img
           nbd libcap aoetools vim-common nbdkit-devel gnutls-utils
  Arch     gcc make pkgconf libpcap fuse3 liburing libseccomp libnl
           cmocka iproute2 util-linux e2fsprogs libnbd wireshark-cli tcpdump jq fio
           qemu-img nbd libcap (AUR: vblade aoetools nbdkit)
  Alpine   build-base bash coreutils pkgconf linux-headers libpcap-dev
           fuse3-dev liburing-dev libnbd-dev libseccomp-dev libnl3-dev cmocka-dev
           iproute2 util-linux
           losetup e2fsprogs fuse3 libnbd nbdkit tshark tcpdump jq fio qemu-img
           libcap-utils vblade
  FreeBSD  gmake pkgconf fusefs-libs3 cmocka jq fio vblade tshark bash
           (libpcap is in the base system; the network tests need Linux)
  macOS    Homebrew: make pkgconf cmocka jq fio; macFUSE for aoe-fuse
           (libpcap is in the system; the network tests need Linux)
END
    exit 1
}

case ${1:-} in
build) wanted=$BUILD ;;
demo) wanted="$BUILD $DEMO" ;;
test) wanted="$BUILD $DEMO $TEST" ;;
vm) wanted="$BUILD $DEMO $TEST $VM" ;;
nas) wanted="$BUILD $DEMO $TEST $VM $NAS $CROSS" ;;
cross) wanted="$BUILD $DEMO $TEST $CROSS" ;;
systemd) wanted="$BUILD $DEMO $TEST $VM $SYSTEMD" ;;
hosts) wanted="$BUILD $HOSTS" ;;
bench) wanted="$BUILD $BENCH $ARM" ;;
bench-nas) wanted="$BUILD $BENCH $NAS $CROSS $BENCH_NAS" ;;
ci) wanted="$BUILD $DEMO $TEST $VM $NAS $CROSS $SYSTEMD $HOSTS $CI $ARM" ;;
-h | --help) echo "$usage" && exit 0 ;;
*) echo "$usage" >&2 && exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    others
fi

missing=
for package in $wanted; do
    # A package may be installed for several architectures, one word each.
    state=$(dpkg-query -W -f='${db:Status-Status} ' "$package" 2>/dev/null || true)
    case " $state" in
    *" installed "*) ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -z "$missing" ]; then
    echo "deps: everything needed to $1 is installed"
    exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: run as root: apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "deps: installing with apt-get:$missing"

# shellcheck disable=SC2086 # lists of words
get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@"
}
# shellcheck disable=SC2086
install_missing() {
    get install --no-install-recommends $missing
}
# Package lists may be missing (a fresh container) or too old.
# shellcheck disable=SC2086
if [ "$(apt-cache policy $missing | grep -c 'Candidate: [0-9]')" != "$(echo $missing | wc -w)" ]; then
    get update
    install_missing
else
    install_missing || { get update && install_missing; }
fi || {
    echo "deps: apt-get could not install them (see above); DEPS=no continues without" >&2
    exit 1
}
