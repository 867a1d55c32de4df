#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# `make install` into a tree of its own: everything is where a system expects
# it, and what was installed runs.

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
    check "its manual page is there" \
        test -s "$stage/opt/aoe/share/man/man8/${program#*/}.8"
done
if [ -e "$BUILD/aoe-fuse" ]; then
    check "mount(8) finds aoe-fuse" \
        test /opt/aoe/bin/aoe-fuse = \
        "$(readlink "$stage/sbin/mount.fuse.aoe-fuse")"
    check "mount(8) finds mount.aoe" "$stage/sbin/mount.aoe" --help
    check "its manual page is there" \
        test -s "$stage/opt/aoe/share/man/man8/mount.aoe.8"
else
    skip_check "mount(8) finds aoe-fuse" "not built here: see what make says"
fi
for guide in README.md LICENSE NEWS.md SECURITY.md safety.md hosts.md; do
    check "$guide is there" test -s "$stage/opt/aoe/share/doc/aoekit/$guide"
done
for file in include/aoe.h lib/libaoe.a lib/libaoe.so lib/libaoe.so.0 \
    lib/pkgconfig/libaoe.pc share/doc/aoekit/example/aoe-head.c; do
    check "$file is there" test -s "$stage/opt/aoe/$file"
done
if [ -e "$BUILD/nbdkit-aoe-plugin.so" ]; then
    plugin=$(find "$stage" -name nbdkit-aoe-plugin.so)
    nbdkit_for "$plugin" || fail "nbdkit cannot be given its sanitizer"
    check "nbdkit loads the installed plugin" \
        says '^name=aoe$' nbdkit --dump-plugin "$plugin"
    check "its manual page is there" \
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
    # It looks for the program where it says; here that is beneath the stage.
    mkdir "$TMP/units"
    sed "s,/opt/aoe/,$stage/opt/aoe/," "$unit" >"$TMP/units/aoe-target@e1.2.service"
    content() {
        local complaints
        complaints=$(systemd-analyze verify --man=no \
            "$TMP/units/aoe-target@e1.2.service" 2>&1 | grep aoe-target)
        [ -z "$complaints" ] || { echo "$complaints" && return 1; }
    }
    check "systemd finds nothing wrong with it" content
    sed "s,/opt/aoe/,$stage/opt/aoe/," "${unit/target/nbd}" >"$TMP/units/aoe-nbd@e1.2.service"
    cp "$stage/opt/aoe/lib/systemd/system/aoe-nbd@.socket" "$TMP/units/aoe-nbd@e1.2.socket"
    pair() {
        local complaints
        complaints=$(systemd-analyze verify --man=no "$TMP/units/aoe-nbd@e1.2.socket" \
            "$TMP/units/aoe-nbd@e1.2.service" 2>&1 | grep aoe-nbd)
        [ -z "$complaints" ] || { echo "$complaints" && return 1; }
    }
    check "and nothing with those of aoe-nbd" pair
    connects=$stage/opt/aoe/lib/systemd/system/aoe-nbd-connect@.service
    if [ -e "$connects" ]; then
        sed "s,/opt/aoe/,$stage/opt/aoe/," "$connects" \
            >"$TMP/units/aoe-nbd-connect@e1.2.service"
        connecting() {
            local complaints
            complaints=$(systemd-analyze verify --man=no \
                "$TMP/units/aoe-nbd-connect@e1.2.service" 2>&1 | grep aoe-nbd)
            [ -z "$complaints" ] || { echo "$complaints" && return 1; }
        }
        check "nor with that of aoe-nbd connect" connecting
    else
        skip_check "nor with that of aoe-nbd connect" "not built here: see what make says"
    fi
else
    skip_check "systemd's opinion of the unit" "needs systemd-analyze (package systemd)"
fi
