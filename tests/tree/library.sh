#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# libaoe as other people get it: installed, found with pkg-config, with nothing in it
# but what its header and manual page have; and the examples run, linked either way.

. "$(dirname "$0")/../lib/net.sh"
need make pkg-config gcc nm=binutils readelf=binutils
network 1500

stage=$TMP/opt
installs() {
    make -C "$ROOT" --no-print-directory install "BUILD=$BUILD" PREFIX="$stage" \
        UNITDIR="$stage/units"
}
check "make install" installs || exit 1
export PKG_CONFIG_PATH=$stage/lib/pkgconfig
export -n LD_LIBRARY_PATH
unset LD_LIBRARY_PATH

# ---- what is in it -------------------------------------------------------------

declared() {
    gcc -fpreprocessed -dD -E -P "$stage/include/aoe.h" | tr '\n' ' ' |
        grep -oE '\baoe_[a-z_]+ ?\(' | tr -d ' (' | grep -v '_fn$' | sort -u
}
declared >"$TMP/declared"
shared() {
    nm -D --defined-only "$stage/lib/libaoe.so" |
        awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
}
# Leave out a sanitizer's own symbols.
archived() {
    nm -g --defined-only "$stage/lib/libaoe.a" |
        awk 'NF == 3 && $3 !~ /asan/ { print $3 }' | sort
}
check "the header declares something" grep -qx aoe_submit "$TMP/declared"
check "libaoe.so exports what aoe.h declares and nothing else" \
    diff "$TMP/declared" <(shared)
check "libaoe.a offers the same" diff "$TMP/declared" <(archived)
# The synopsis of libaoe(3).
documented() {
    sed -nE '/^\.Sh DESCRIPTION/q; s/^\.F[no] "?(aoe_[a-z_]+).*/\1/p' "$stage/share/man/man3/libaoe.3" | sort
}
undocumented() {
    comm -23 "$TMP/declared" <(documented) | grep .
}
check "libaoe(3) has every call of the header" not undocumented
check "its soname is libaoe.so.0" says 'SONAME.*\[libaoe\.so\.0\]' \
    readelf -d "$stage/lib/libaoe.so"
check "pkg-config knows it" says '^[0-9]+\.[0-9]+\.[0-9]+$' \
    pkg-config --modversion libaoe

# The library and the plugin are for other people's programs: nothing of our commands is
# in them.
defines() {
    nm --defined-only "$@" 2>/dev/null | awk '$2 ~ /^[TDBR]$/ { print $3 }'
}
defines "$BUILD"/lib/{initiator-aoe,bridge-aoe-nbd*,bridge-aoe-fuse}.a |
    sort -u >"$TMP/commands"
check "the commands define something" test -s "$TMP/commands"
carries_none() {
    local found
    found=$(nm --defined-only "$1" | awk '{ print $3 }' | sort -u |
        comm -12 - "$TMP/commands" | grep -v '^__\|^_\(odr_asan\|GLOBAL\)')
    echo "$found"
    [ -z "$found" ]
}
check "libaoe.so has nothing of the commands" \
    carries_none "$stage/lib/libaoe.so"
PLUGIN=$BUILD/nbdkit-aoe-plugin.so
if [ -e "$PLUGIN" ]; then
    check "... nor has nbdkit's plugin" carries_none "$PLUGIN"
else
    skip_check "... nor has nbdkit's plugin" "not built here: needs nbdkit-plugin-dev"
fi

# ---- linking -------------------------------------------------------------------

SANITIZE=
nm -D --undefined-only "$stage/lib/libaoe.so" | grep -q __asan_ &&
    SANITIZE="-fsanitize=address,undefined"
EXAMPLES=$stage/share/doc/aoekit/example
# builds EXAMPLE HOW ARGUMENT...
builds() {
    local example=$1 how=$2
    shift 2
    # shellcheck disable=SC2086 # lists of words
    gcc -Wall -Wextra -Werror -pedantic $SANITIZE -o "$TMP/$example-$how" \
        "$EXAMPLES/$example.c" "$@"
}
for example in aoe-head aoe-put; do
    # pkg-config relies on word splitting.
    # shellcheck disable=SC2046
    {
        check "$example builds with the shared library" builds $example shared \
            $(pkg-config --cflags --libs libaoe) "-Wl,-rpath,$stage/lib"
        check "... and with the static one" builds $example static \
            $(pkg-config --cflags libaoe) -Wl,-Bstatic -laoe -Wl,-Bdynamic \
            -L"$stage/lib" $(pkg-config --static --libs libaoe | sed 's/-laoe//')
    }
    grep -q '\* *cc .*pkg-config --cflags --libs libaoe' "$EXAMPLES/$example.c" ||
        fail "$example does not say how it is built"
    check "the one needs the library at run time" says 'NEEDED.*libaoe\.so\.0' \
        readelf -d "$TMP/$example-shared"
    check "the other does not" \
        not grep -q 'NEEDED.*libaoe' <(readelf -d "$TMP/$example-static")
done

# A program may use the names inside the library for functions of its own.
cat >"$TMP/names.c" <<'C'
#include <aoe.h>
int link_open(void), log_error(void), flight_get(void), aoe_now(void);
int link_open(void) { return 1; }
int log_error(void) { return 2; }
int flight_get(void) { return 3; }
int aoe_now(void) { return 4; }
int main(void)
{
    struct aoe_options o = {0};
    struct aoe *aoe;
    return aoe_open(&aoe, &o, 0) == 0;
}
C
# shellcheck disable=SC2046,SC2086
check "a program may use the names inside the library for its own" \
    gcc $SANITIZE -o "$TMP/names" "$TMP/names.c" $(pkg-config --cflags libaoe) \
    "$stage/lib/libaoe.a" $(pkg-config --static --libs-only-l libaoe | sed 's/-laoe//')
check "... and run" "$TMP/names"

cat >"$TMP/plus.cc" <<'C'
#include <aoe.h>
int main()
{
    aoe_options options = {};
    aoe *context = nullptr;
    return aoe_open(&context, &options, nullptr) == 0;
}
C
if command -v g++ >/dev/null; then
    # shellcheck disable=SC2046,SC2086
    check "the header compiles as C++, too" g++ -Wall -Wextra -Werror -pedantic $SANITIZE \
        -o "$TMP/plus" "$TMP/plus.cc" $(pkg-config --cflags --libs libaoe) \
        "-Wl,-rpath,$stage/lib"
    check "... and links" "$TMP/plus"
else
    skip_check "the header compiles as C++, too" "needs g++ (package g++)"
fi

# ---- running -------------------------------------------------------------------

head -c 1M /dev/urandom >"$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'serving'
for how in shared static; do
    check "the $how aoe-head reads the disk" \
        host sh -c "'$TMP/aoe-head-$how' eth0 e1.2 70000 >'$TMP/head'"
    check "... correctly" cmp -n 70000 "$TMP/disk" "$TMP/head"
    head -c 70000 /dev/urandom >"$TMP/new"
    check "the $how aoe-put writes to it" \
        host sh -c "'$TMP/aoe-put-$how' eth0 e1.2 4097 <'$TMP/new'"
    check "... what it was given" cmp -n 70000 "$TMP/disk" "$TMP/new" 4097 0
done
check "an error says what is wrong" refuses 1 '^aoe-head: eth9: No such device' \
    host "$TMP/aoe-head-shared" eth9 e1.2 512
check "... also when there is no such disk" refuses 1 \
    '^aoe-head: e1\.3: Connection timed out' host "$TMP/aoe-head-static" eth0 e1.3 512
stop target

# A failed flush is an error even if the write succeeded; the data is written again
# before the next try.
start target nas aoe-target --fault flush-error --control "$TMP/control" 1 2 eth0 "$TMP/disk"
await target 'serving'
check "aoe-put reports a flush that fails" \
    refuses 1 '^aoe-put: e1\.2: Input/output error' \
    host sh -c "head -c 512 '$TMP/new' | '$TMP/aoe-put-shared' eth0 e1.2 0"
stats() {
    nas aoe-target ctl --control "$TMP/control" stats
}
check "... after it wrote the data three times" says ' writes=3 .* written_bytes=1536 ' stats
stop target
