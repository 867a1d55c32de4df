#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What every program owes its user before it does anything: --help, --version,
# exit status 2 and one line for what it does not understand, and a manual page
# without faults (options.sh compares its options with those of --help).

. "$(dirname "$0")/../lib/net.sh"

helps() {
    "$1" --help >"$TMP/help" 2>"$TMP/err" &&
        [ ! -s "$TMP/err" ] && [ "$(wc -l <"$TMP/help")" -ge 5 ] &&
        head -n 1 "$TMP/help" | grep -q "$1"
}

for program in aoe aoe-target aoe-nbd aoe-fuse; do
    if ! command -v "$program" >/dev/null; then
        skip_check "$program" "not built here: see what make says"
        continue
    fi
    check "$program --help is useful" helps "$program"
    check "$program --version" \
        says "^$program \(aoekit\) [0-9]+\.[0-9]+" "$program" --version
    check "$program refuses an option it does not have" \
        refuses 2 "^$program: .*--frobnicate" "$program" --frobnicate
done

# The options that all users of a disk share mean the same everywhere.  --help comes
# last, so that what comes before it was accepted.
NETWORK="-ieth0 --interface=eth0 -w3 --wait=0.5 --link=packet --link=pcap -v -vv --verbose -h"
DISK="$NETWORK -T3 --timeout=0 -W7 --window=7"
SERVER="$DISK --replay=64 -r --read-only"
takes() { # COMMAND... OPTION
    "$@" --help >"$TMP/help" 2>"$TMP/err" && [ ! -s "$TMP/err" ]
}
all_taken() { # OPTIONS COMMAND...
    local option bad=0 options=$1
    shift
    for option in $options; do
        takes "$@" "$option" || { echo "$option" && bad=1; }
    done
    return $bad
}
# A bad value is refused in one line that says what is allowed.
all_judged() { # COMMAND...
    local option
    for option in --wait=soon --timeout=-1 --window=0 --replay=4097 --link=queues \
        --verbose=3 --read-only=no --help=me --int --wa; do
        "$@" --help | grep -q -- "${option%%=*}" || continue
        refuses 2 "^${1##*/}: $2: ${option%%=*}.*; see $1 $2 --help" "$@" "$option" ||
            return 1
    done
}
shares() { # OPTIONS COMMAND...
    local options=$1
    shift
    command -v "$1" >/dev/null || return
    "$1" "$2" --help | grep -q '^Usage' || return # this build lacks it
    check "$* takes the shared options" all_taken "$options" "$@"
    check "$* refuses bad values for them" all_judged "$@"
}
for sub in discover ping config mask reserve; do
    shares "$NETWORK" aoe $sub
done
for sub in stat copy bench; do
    shares "$DISK" aoe $sub
done
shares "$SERVER" aoe-nbd serve
shares "$SERVER -f --foreground" aoe-nbd connect
shares "$SERVER -f --foreground" aoe-fuse mount
for sub in disconnect list; do
    shares "-v -vv --verbose -h" aoe-nbd $sub
done
shares "-v -vv --verbose -h" aoe-fuse umount

# The helper of mount(8) is a script, and is called as mount(8) calls them.
PATH=$ROOT/dist:$PATH
check "mount.aoe --help is useful" says '^usage: mount -t aoe' mount.aoe --help
check "mount.aoe refuses an option it does not have" \
    refuses 1 '^mount\.aoe: .*-x: no such option' mount.aoe e1.2 "$TMP" -x

# A page on the screen is 80 columns wide.  A command on a line of its own, to be
# pasted, must not be wrapped there, where it may have no backslash, and must not
# lose the blanks around a bracket, which mdoc takes for punctuation.
pasted() { # PAGE
    local command missing=0
    mandoc -T utf8 -O width=80 "$1" | sed 's/.\x08//g' >"$TMP/page"
    while read -r command; do
        grep -Fq -- "$command" "$TMP/page" || { echo "$command" && missing=1; }
    done < <(sed -nE '/^\.Dl [#$%] /{s/^\.Dl //; s/\\\(dq/"/g; s/\\\(aq/'"'"'/g; s/\\&//g; s/\\-/-/g; s/\\e/\\/g; p;}' "$1")
    return $missing
}
for page in "$ROOT"/doc/*.[1-9]; do
    if command -v mandoc >/dev/null; then
        check "${page##*/}: mandoc finds nothing wrong with it" \
            mandoc -T lint -W warning "$page"
        check "${page##*/}: its commands can be pasted" pasted "$page"
    else
        skip_check "${page##*/}: its commands can be pasted" "needs mandoc (package mandoc)"
    fi
done
