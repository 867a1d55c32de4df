# SPDX-License-Identifier: BSD-2-Clause
#
# nbdkit with our plugin in it, which may be built with sanitizers; sourced
# behind net.sh.
# shellcheck shell=bash

# AddressSanitizer's runtime, when the plugin needs it.  With GCC 12's, glibc's
# lock of the locales is in disorder in any nbdkit, also without a plugin, and
# exit() waits for it once an error was put in words.
SANITIZER=
# shellcheck disable=SC2034 # the scripts use it
HANGS="nbdkit may hang at its end behind AddressSanitizer"

# nbdkit_for PLUGIN: from now on `nbdkit` can load it.
#
# The runtime has to be there before a program that was built without it.  The
# dynamic linker is told so, and not the environment, which what --run starts
# would inherit: QEMU's coroutines hang under it.  Started that way, the linker
# counts as a program, which leaks.
nbdkit_for() {
    local linker
    SANITIZER=$(ldd "$1" | awk '/libasan/ { print $3 }')
    if [ -z "$SANITIZER" ]; then
        ! grep -q __asan_init "$1" # or it is no library
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
