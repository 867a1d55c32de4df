#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the documents refer to exists: every relative link, and every file of the tree
# that they name in backticks.

. "$(dirname "$0")/../lib/net.sh"
cd "$ROOT" || exit
shopt -s nullglob

links() { # DOCUMENT
    grep -oE '\]\([^)#]+' "$1" | cut -c3- | grep -v ':' # not https:
}
# Paths of ours with a slash, and tests as tests/run names them.
# shellcheck disable=SC2016 # backticks for themselves
names() { # DOCUMENT
    grep -oE '`[A-Za-z0-9_.*@-]+/[^` ]*`' "$1" | tr -d '`' |
        sed -nE '/^(base|wire|initiator|bridge|target|tests|doc|dist|\.ci)\//p
            s,^(unit|net|vm|systemd)/[a-z_-]+$,tests/&.*,p'
}
exists() { # PATH, with wildcards
    local file
    for file in $1; do
        [ ! -e "$file" ] || return 0
    done
    return 1
}
# missing FOLDER: prints the names on standard input that do not exist there.
missing() {
    local name status=1
    while read -r name; do
        exists "$1/$name" || { echo "$name" && status=0; }
    done
    return $status
}
links_lead() {
    ! links "$1" | missing "${1%/*}"
}
files_are_there() {
    ! names "$1" | missing .
}
for document in ./*.md doc/*.md; do
    check "${document#./}: its links lead to files" links_lead "$document"
    check "${document#./}: the files it names exist" files_are_there "$document"
done
# A test that finds no links or names would always pass.
check "there are links in the README" test -n "$(links README.md)"
check "there are names in doc/architecture.md" test -n "$(names doc/architecture.md)"
