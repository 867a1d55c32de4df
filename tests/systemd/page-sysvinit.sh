#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# doc/nas.md with System V init, Debian's, as the first process of the NAS of
# tests/systemd/page-busybox.sh.

. "$(dirname "$0")/../lib/net.sh"
. "$ROOT/tests/lib/foreign.sh"
need dash
arch=$(dpkg --print-architecture) || skip "needs dpkg"
foreign_packages "$arch" sysvinit-core >"$TMP/sysvinit.log" 2>&1 ||
    skip "no sysvinit-core: $(tail -n 1 "$TMP/sysvinit.log")"

other_init() {
    # BusyBox's shell would take its own poweroff.
    rm "$NAS/bin/sh" "$NAS/bin/poweroff" "$NAS/sbin/init"
    with_libraries "$(command -v dash)" /bin/sh
    with_libraries "$(foreign_tree "$arch")/sbin/init" /sbin/init
    # shutdown(8) does not come to its end in a namespace: the plug is pulled.
    printf '#!/bin/sh\nsync\n' >"$NAS/sbin/poweroff"
    chmod 755 "$NAS/sbin/poweroff"
    cat >"$NAS/etc/inittab" <<'END'
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
vb:2345:respawn:/usr/sbin/vblade 1 2 eth0 /dev/md4
END
    mkdir -p "$NAS/run" "$NAS/var/log"
    touch "$NAS/var/run/utmp"
}
pull_the_plug() {
    kill -KILL "$(cat "$TMP/nas.pid")"
}
PAGE_KIND=sysvinit
. "$ROOT/tests/systemd/page-busybox.sh"
