# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A load that reads back what it wrote, on the target's disk $TMP/disk, while
# things happen.  Source it after net.sh.

need fio

# load SIZE FIO-OPTION...: starts the program `load`, which runs until stopped.
load() {
    local size=$1
    shift
    start load host fio --name=v "$@" --rw=randwrite --size="$size" \
        --verify=crc32c --verify_fatal=1 --verify_state_save=0 --loops=10000
}
changed() {
    [ "$(stat -c %y "$TMP/disk")" != "$1" ]
}
# It makes progress: the disk is written to, and again.
load_goes_on() {
    for _ in 1 2 3; do
        eventually changed "$(stat -c %y "$TMP/disk")" || return
    done
    alive load
}
# To be called after it has ended.
load_was_well() {
    not grep -q 'io_u error\|verify:' "$(log_of load)"
}
