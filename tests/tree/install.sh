#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# `make install` into an empty tree: everything is where a system expects it, and what
# was installed runs.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/nbdkit.sh"
need make

stage=$TMP/stage
installs() {
    make -C "$ROOT" --no-print-directory install "BUILD=$BUILD" \
        DESTDIR="$stage" PREFIX=/opt/aoe
}
check "make install DESTDIR= PREFIX=" installs

for program in bin/aoe sbin/aoe-target bin/aoe-nbd bin/aoe-fuse; do
    if [ ! -e "$BUILD/${program#*/}" ]; then
        skip_check "$program" "not built here: see what make says"
        continue
    fi
    check "$program runs" "$stage/opt/aoe/$program" --version
    check "its manual page is installed" \
        test -s "$stage/opt/aoe/share/man/man8/${program#*/}.8"
done
if [ -e "$BUILD/aoe-fuse" ]; then
    check "mount(8) finds aoe-fuse" \
        test /opt/aoe/bin/aoe-fuse = \
        "$(readlink "$stage/sbin/mount.fuse.aoe-fuse")"
    check "mount(8) finds mount.aoe" "$stage/sbin/mount.aoe" --help
    check "... which finds the installed programs" \
        grep -q '^PATH=/opt/aoe/bin:/' "$stage/sbin/mount.aoe"
    check "its manual page is installed" \
        test -s "$stage/opt/aoe/share/man/man8/mount.aoe.8"
else
    skip_check "mount(8) finds aoe-fuse" "not built here: see what make says"
fi
for guide in README.md LICENSE NEWS.md SECURITY.md safety.md hosts.md; do
    check "$guide is there" test -s "$stage/opt/aoe/share/doc/aoekit/$guide"
done
for file in include/aoe.h share/man/man3/libaoe.3 lib/libaoe.a lib/libaoe.so lib/libaoe.so.0 \
    lib/pkgconfig/libaoe.pc share/doc/aoekit/example/aoe-head.c \
    share/doc/aoekit/example/aoe-put.c; do
    check "$file is there" test -s "$stage/opt/aoe/$file"
done
if [ -e "$BUILD/nbdkit-aoe-plugin.so" ]; then
    plugin=$(find "$stage" -name nbdkit-aoe-plugin.so)
    nbdkit_for "$plugin" || fail "nbdkit cannot be run with the plugin's sanitizer"
    check "nbdkit loads the installed plugin" \
        says '^name=aoe$' nbdkit --dump-plugin "$plugin"
    check "its manual page is installed" \
        test -s "$stage/opt/aoe/share/man/man1/nbdkit-aoe-plugin.1"
else
    skip_check "the plugin for nbdkit" "not built here: see what make says"
fi

check "the udev rule is there" \
    test -s "$stage/opt/aoe/lib/udev/rules.d/60-aoekit.rules"

unit=$stage/opt/aoe/lib/systemd/system/aoe-target@.service
# shellcheck disable=SC2016 # $ARGS is for systemd
check "the unit starts what was installed" \
    grep -qx 'ExecStart=/opt/aoe/sbin/aoe-target $ARGS' "$unit"
if command -v systemd-analyze >/dev/null; then
    mkdir "$TMP/units"
    # staged FILE UNIT: a copy that looks for its program beneath the stage.
    staged() {
        sed "s,/opt/aoe/,$stage/opt/aoe/," "${unit%/*}/$1" >"$TMP/units/$2"
    }
    # content PROGRAM UNIT...: systemd has no complaint about our units.
    content() {
        local complaints
        complaints=$(cd "$TMP/units" && systemd-analyze verify --man=no \
            "${@:2}" 2>&1 | grep "$1")
        [ -z "$complaints" ] || { echo "$complaints" && return 1; }
    }
    staged aoe-target@.service aoe-target@e1.2.service
    check "systemd finds nothing wrong with it" \
        content aoe-target ./aoe-target@e1.2.service
    staged aoe-nbd@.service aoe-nbd@e1.2.service
    staged aoe-nbd@.socket aoe-nbd@e1.2.socket
    check "... nor with those of aoe-nbd" \
        content aoe-nbd ./aoe-nbd@e1.2.socket ./aoe-nbd@e1.2.service
    if [ -e "${unit%/*}/aoe-nbd-connect@.service" ]; then
        staged aoe-nbd-connect@.service aoe-nbd-connect@e1.2.service
        check "... nor with that of aoe-nbd connect" \
            content aoe-nbd ./aoe-nbd-connect@e1.2.service
    else
        skip_check "... nor with that of aoe-nbd connect" "not built here: see what make says"
    fi
else
    skip_check "systemd's opinion of the unit" "needs systemd-analyze (package systemd)"
fi
