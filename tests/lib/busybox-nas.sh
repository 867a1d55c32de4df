# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What doc/nas.md meets on an old NAS: BusyBox and little else, a vblade in the
# inittab, the disk mounted and shared.

# busybox_tree TREE BUSYBOX: all that needs no library.  Standard input has what
# the machine does first at boot.
busybox_tree() {
    local applet
    mkdir -p "$1"/{bin,sbin,usr/bin,usr/sbin,etc/init.d,proc,sys,dev,tmp,var/run,opt,root,lib}
    cp "$2" "$1/bin/busybox"
    # The list of this machine's BusyBox, which is of the same version.
    for applet in $(busybox --list); do
        [ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
    done
    ln -s ../bin/busybox "$1/sbin/init"
    cat >"$1/etc/inittab" <<'END'
::sysinit:/etc/init.d/rcS
::respawn:/usr/sbin/vblade 1 2 eth0 /dev/md4
::shutdown:/bin/umount -a
END
    { echo '#!/bin/sh' && cat && echo 'mount -a; echo up >/tmp/up'; } >"$1/etc/init.d/rcS"
    chmod 755 "$1/etc/init.d/rcS"
    echo '/dev/md4 /DataVolume ext3 defaults 0 0' >"$1/etc/fstab"
    page_share "$1"
}

# busybox_story [KIND]: the page's story with such a NAS, which is on.
busybox_story() {
    # shellcheck disable=SC2034 # of page.sh
    page_kind=${1:-busybox}
    page_split "$ROOT/doc/nas.md"
    on_nas <<<'/etc/init.d/samba start' || fail "no samba"
    page_play which_binary free_the_disk
    check "vblade serves it until now" eventually discovered
    page_also vblade
    check "import has found it" says '^\[e1\.2\]$' on_nas <<<'cat /tmp/aoe-target.conf'
    page_story
}
