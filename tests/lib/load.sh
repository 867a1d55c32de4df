# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A load that reads back what it wrote, on the target's disk $TMP/disk, while
# things happen.  Source it after net.sh.

need fio

# load SIZE FIO-OPTION...: the program `load`, until it is ended.
load() {
    local size=$1
    shift
    start load host fio --name=v "$@" --rw=randwrite --size="$size" \
        --verify=crc32c --verify_fatal=1 --verify_state_save=0 --loops=10000
}
changed() {
    [ "$(stat -c %y "$TMP/disk")" != "$1" ]
}
# It goes on: the disk is written to, and again.
load_goes_on() {
    for _ in 1 2 3; do
        eventually changed "$(stat -c %y "$TMP/disk")" || return
    done
    alive load
}
# After its end.
load_was_well() {
    not grep -q 'io_u error\|verify:' "$(log_of load)"
}
