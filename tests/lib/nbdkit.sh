# SPDX-License-Identifier: BSD-2-Clause
#
# nbdkit with our plugin, which may be built with sanitizers; source it after
# net.sh.
# shellcheck shell=bash

# AddressSanitizer's runtime, when the plugin needs it.  GCC 12's corrupts
# glibc's locale lock in any nbdkit, even without a plugin, and exit() hangs on
# it once an error has been formatted.
SANITIZER=
# shellcheck disable=SC2034 # the scripts use it
HANGS="nbdkit may hang at its end behind AddressSanitizer"

# nbdkit_for PLUGIN: from now on `nbdkit` can load it.
#
# The runtime has to be loaded before a program that was built without it.  The
# dynamic linker is told to, rather than the environment, which programs
# started by --run would inherit: QEMU's coroutines hang under it.  Started
# that way, the linker itself counts as a program, one that leaks.
nbdkit_for() {
    local linker
    SANITIZER=$(ldd "$1" | awk '/libasan/ { print $3 }')
    if [ -z "$SANITIZER" ]; then
        ! grep -q __asan_init "$1" # or it is not a library
        return
    fi
    linker=$(ldd "$1" | awk '/ld-linux/ { print $1 }')
    mkdir "$TMP/bin"
    echo 'leak:ld-linux' >"$TMP/bin/leaks"
    printf '#!/bin/sh\nLSAN_OPTIONS=%s exec %s --preload %s %s "$@"\n' \
        "suppressions=$TMP/bin/leaks:print_suppressions=0" \
        "$linker" "$SANITIZER" "$(command -v nbdkit)" >"$TMP/bin/nbdkit"
    chmod 755 "$TMP/bin/nbdkit"
    PATH=$TMP/bin:$PATH
}
