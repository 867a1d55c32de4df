#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The options of --help and those of the manual page are the same, subcommand by
# subcommand; so are NAME=VALUE of mount.aoe and of the plugin for nbdkit, and the
# keys of aoe-target's configuration file.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/nbdkit.sh"
need python3
PATH=$ROOT/dist:$PATH
NOT_BUILT="not built here: see what make says"

# The subcommands that --help lists, or that its usage names after the program.
subcommands() { # PROGRAM
    sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p' "$TMP/$1"
    sed -nE "/^usage:/,/^\$/s/^ +$1 ([a-z]+) .*/\1/p" "$TMP/$1"
}
same_options() { # PROGRAM
    local sub files=("$TMP/$1")
    "$1" --help >"$TMP/$1" || return
    for sub in $(subcommands "$1"); do
        "$1" "$sub" --help >"$TMP/$1-$sub" || return
        grep -q '^[Uu]sage' "$TMP/$1-$sub" || continue # this build lacks it
        files+=("$sub=$TMP/$1-$sub")
    done
    python3 "$ROOT/tests/lib/manual_options.py" "$ROOT/doc/$1.8" "${files[@]}"
}
same_keys() { # PAGE HELP...
    "${@:2}" >"$TMP/help" || return
    python3 "$ROOT/tests/lib/manual_options.py" --keys "$ROOT/doc/$1" "$TMP/help"
}
for program in aoe aoe-target aoe-nbd aoe-fuse mount.aoe; do
    if command -v "$program" >/dev/null; then
        check "$program: --help and the manual page have the same options" \
            same_options "$program"
    else
        skip_check "$program: --help and the manual page" "$NOT_BUILT"
    fi
done
check "mount.aoe: ... and the same options of -o" same_keys mount.aoe.8 mount.aoe --help

# Of a configuration file: the parser's table, and the section of the page.
keys_in_code() {
    sed -n '/^} keys\[\] = {/,/^};/s/^ *{"\([a-z-]*\)",.*/\1/p' \
        "$ROOT/target/config/config_keys.c" | sort
}
keys_in_page() {
    sed -n '/^\.Sh CONFIGURATION FILE/,/^\.Sh CONTROL/s/^\.It Cm //p' \
        "$ROOT/doc/aoe-target.8" | sed 's/ , /\n/g' | sort
}
check "aoe-target: the manual page has every key of a configuration file" \
    diff <(keys_in_code) <(keys_in_page)
check "... and there are some" says '^buffer-count$' keys_in_code

# The subcommands were found: without them little would have been compared.
check "aoe has subcommands" says '^bench$' subcommands aoe
check "aoe-target has one" says '^ctl$' subcommands aoe-target

PLUGIN=$BUILD/nbdkit-aoe-plugin.so
if [ ! -e "$PLUGIN" ] || ! nbdkit_for "$PLUGIN"; then
    skip_check "nbdkit-aoe-plugin: parameters" "$NOT_BUILT"
    exit
fi
check "nbdkit-aoe-plugin: nbdkit --help and the manual page have the same parameters" \
    same_keys nbdkit-aoe-plugin.1 nbdkit --help "$PLUGIN"
