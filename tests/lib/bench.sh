# SPDX-License-Identifier: BSD-2-Clause
#
# What the comparisons of tests/bench share; sourced behind net.sh.
# shellcheck shell=bash

# The load and whatever else is started has one CPU, the server another
# ("${SERVER_CPU[@]}" before its command): where the scheduler puts a program
# that is woken by another's frame changes from run to run.
SERVER_CPU=()
if [ "$(nproc)" -gt 1 ]; then
    taskset -pc 0 $$ >/dev/null
    # shellcheck disable=SC2034 # the scripts use it
    SERVER_CPU=(taskset -c 1)
fi

# started SERVER: the one that was started under this name is there.
started() {
    if [ "$1" = vblade ]; then
        # It prints its line before its socket is there.
        until nas grep -q 88a2 /proc/net/packet; do
            alive server || fail "vblade: ended: $(cat "$(log_of server)")"
        done
    else
        await server 'serving'
    fi
}
