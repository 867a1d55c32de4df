# SPDX-License-Identifier: BSD-2-Clause
#
# What the comparisons of tests/bench share; source it after net.sh.
# shellcheck shell=bash

# The load and everything else gets one CPU, the server another
# ("${SERVER_CPU[@]}" before its command): otherwise the scheduler places a
# program that is woken by another's frame differently from run to run.
SERVER_CPU=()
if [ "$(nproc --all)" -gt 1 ]; then
    taskset -pc 0 $$ >/dev/null
    # shellcheck disable=SC2034 # the scripts use it
    SERVER_CPU=(taskset -c 1)
fi

# started SERVER: waits until the server started under this name is up.
started() {
    if [ "$1" = vblade ]; then
        # It prints its line before its socket is open.
        until nas grep -q 88a2 /proc/net/packet; do
            alive server || fail "vblade: ended: $(cat "$(log_of server)")"
        done
    else
        await server 'serving'
    fi
}

# For awk: the median of the runs of one side, whose figures are v[side,
# 1..n[side]] and get sorted; then their spread in percent of it; 0 if there
# are no runs.
# shellcheck disable=SC2016,SC2034 # awk; the scripts use it
MEDIAN='
    function sort_of(s,   i, j, x) {
        for (i = 2; i <= n[s]; i++) {
            x = v[s, i]
            for (j = i - 1; j > 0 && v[s, j] + 0 > x + 0; j--) v[s, j + 1] = v[s, j]
            v[s, j + 1] = x
        }
    }
    function median(s) {
        if (!n[s]) return 0 # and not what another row has left there
        sort_of(s)
        return (v[s, int((n[s] + 1) / 2)] + v[s, int(n[s] / 2) + 1]) / 2
    }
    function spread(s,   middle) {
        middle = n[s] ? v[s, int((n[s] + 1) / 2)] : 0
        return middle ? (v[s, n[s]] - v[s, 1]) / middle * 100 : 0
    }'
