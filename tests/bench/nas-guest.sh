#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The runs of nas.sh in one guest, arm926 or armv7 (GUEST_MACHINE), one a line:
# appended to $OUT/nas-runs.tsv, and those of other protocols (nas-tcp.sh) to
# $OUT/nas-tcp-runs.tsv.  nas.sh says what the variables are.

. "$(dirname "$0")/../lib/guest-nas.sh"
need mkfs.ext3=e2fsprogs python3 fio jq nbdinfo=libnbd-bin iscsi-perf=libiscsi-bin
LOAD=$BUILD/tests/bench/load
PROFILE_TOOL=$ROOT/tests/bench/nas_profile.py
MIB=4 # of each disk: there is little memory
NAS_IP=10.88.162.2 HOST_IP=10.88.162.1
# As the network interface of a small NAS, which does nothing for TCP.
# shellcheck disable=SC2034 # machine-arm*.sh use it
MACHINE_NIC=csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off
nas_needs 9000

# ---- the guest -----------------------------------------------------------------

# FILE_OF[NAME]: the program here; BIN[NAME]: there.
declare -A FILE_OF=() BIN=()
take_targets() {
    local word name
    for word in $TARGETS; do
        name=${word%%=*}
        case $word in
        *=*) FILE_OF[$name]=${word#*=} ;;
        vblade) FILE_OF[vblade]=$(machine_program vblade) || skip "no vblade" ;;
        aoe-target) FILE_OF[aoe-target]=$(machine_target) || skip "no aoe-target" ;;
        *) fail "TARGETS: $word is neither vblade, aoe-target nor NAME=FILE" ;;
        esac
        [ -x "${FILE_OF[$name]}" ] || fail "TARGETS: no program ${FILE_OF[$name]}"
        BIN[$name]=/bin/bench-$name
        guest_take "${FILE_OF[$name]}" "${BIN[$name]}"
    done
}

DISK=$(mktemp /dev/shm/aoekit-nas-XXXXXX) || exit 1
at_exit rm -f "$DISK"
ext3_disk() {
    mkdir "$TMP/tree"
    head -c "${MIB}M" /dev/urandom >"$TMP/tree/disk"
    ! tcp_wanted || tcp_take "$TMP/tree/tcp"
    truncate -s 48M "$DISK"
    mkfs.ext3 -q -F -d "$TMP/tree" "$DISK" || fail "no ext3"
}

COUNTS=$TMP/counts
boot() {
    ext3_disk
    nas_disk ext3 "$DISK"
    GUEST_DEVICES+=(-device "$(machine_disk ext3)"
        -plugin "file=$BUILD/tests/bench/count.so,out=$COUNTS")
    nas_start 7200 <<END
load virtio_blk ext4
mkdir /tmpfs /ext3
mount -t tmpfs -o size=90% tmpfs /tmpfs && mount -t ext3 /dev/vda /ext3 &&
    cp /ext3/disk /tmpfs/disk || echo "not ok - no disks"
ip addr add $NAS_IP/24 dev eth0
$TCP_FUNCTIONS
begin() { # MTU COMMAND...
    ip link set eth0 mtu "\$1"
    shift
    "\$@" >/tmp/server.log 2>&1 &
    server=\$!
}
finish() {
    kill \$server
    wait \$server
    cat /tmp/server.log
}
END
}

# ---- one run -------------------------------------------------------------------

snapshot() {
    "$PROFILE_TOOL" snapshot "$COUNTS" "$TMP/$1"
}

# executed NAME ROW REQUESTS: "user kernel total" instructions a request, and the
# profile of this run.
executed() {
    local more=()
    if [ "$PROFILE" != no ]; then
        mkdir -p "$OUT/nas-profile"
        process_of maps >"$TMP/maps"
        more=(--kernel "$KERNEL_SYMBOLS" --maps "$TMP/maps"
            --program "${BIN[$1]:-none}=${FILE_OF[$1]:-/dev/null}"
            --profile "$OUT/nas-profile/$GUEST_MACHINE-$2-$1")
    fi
    "$PROFILE_TOOL" report "$TMP/before" "$TMP/after" "$3" "${more[@]}"
}

# process_of FILE: the server's, in the guest.
process_of() {
    # shellcheck disable=SC2016 # the guest expands it
    guest_does 'cat /proc/$server/'"$1"
}
# Its resident memory in KiB: all, its own pages, those of files and of a receive
# ring.
memory_of_server() {
    process_of status | awk '/^VmRSS/ { a = $2 } /^RssAnon/ { b = $2 }
        /^RssFile|^RssShmem/ { c += $2 } END { print a, b, c }'
}

# command_of NAME FILE SYNC
command_of() {
    local flags=${FLAGS:-}
    [ "$1" != vblade ] || flags=
    echo "${BIN[$1]} $flags ${3:+-s} 1 2 eth0 $2"
}

# A target may learn to trust a client: aoe-target sums all data of its first 4,096
# writes (target/protocol/tag_record.h).
WARM=5000

# Where others keep this machine busy, a load that waits for a processor leaves the
# guest with fewer requests at a time, each of which then costs more.
# one ROW NAME FILE SYNC MTU LOAD-OPTIONS...
one() {
    local row=$1 name=$2 result counted
    guest_does "begin $5 $(command_of "$2" "$3" "$4")" || fail "$row: $name"
    shift 5
    set -- -l $((MIB * 2048)) "$@" 1 2 eth0
    host "$LOAD" -t 30 -c $WARM "$@" >/dev/null ||
        fail "$row: $name: $(guest_does finish)"
    snapshot before
    result=$(host nice -n -19 "$LOAD" -t "$EACH" "$@") || fail "$row: $name: no result"
    snapshot after
    counted=$(executed "$name" "$row" "$(cut -d' ' -f12 <<<"$result")") ||
        fail "$row: $name: not counted"
    echo "$GUEST_MACHINE $row $name $counted $(cut -d' ' -f2,4,6 <<<"$result") $(memory_of_server)" |
        tr ' ' '\t' | tee -a "$OUT/nas-runs.tsv" | show
    guest_does finish >"$TMP/said"
}
show() {
    awk '{ printf "%-7s %-16s %-12s %6d user %6d kernel %6d instructions a request, %5d requests/s, %d resent, %d KiB\n",
        $1, $2, $3, $4, $5, $6, $7, $9, $10 }'
}

# row NAME FILE SYNC MTU LOAD-OPTIONS...
row() {
    local name=$1 i word
    [[ $name =~ $ROWS ]] || return 0
    for ((i = 0; i < REPEAT; i++)); do
        for word in $TARGETS; do
            one "$name" "${word%%=*}" "${@:2}"
        done
    done
}

rows_of() { # PLACE FILE SYNC
    row "$1-r2rand" "$2" "$3" 1500 -r
    row "$1-r2seq" "$2" "$3" 1500
    row "$1-w2seq" "$2" "$3" 1500 -W
    row "$1-r16seq" "$2" "$3" 9000 -n 16
    row "$1-w16seq" "$2" "$3" 9000 -n 16 -W
}

# ---- all of them -----------------------------------------------------------------

# The guest's kernel says where its functions are, for want of a System.map.
kernel_symbols() {
    KERNEL_SYMBOLS=$GUEST_CACHE/System.map
    [ ! -e "$KERNEL_SYMBOLS" ] || return 0
    KERNEL_SYMBOLS=$TMP/System.map
    guest_does 'grep -i " t " /proc/kallsyms' >"$KERNEL_SYMBOLS"
}

. "$ROOT/tests/bench/nas-tcp.sh"
take_targets
boot
ip -n "$HOST_NS" addr add $HOST_IP/24 dev eth0
[ "$PROFILE" = no ] || kernel_symbols
rows_of tmpfs /tmpfs/disk ""
rows_of tmpfs-s /tmpfs/disk -s
rows_of ext3 /ext3/disk ""
rows_of ext3-s /ext3/disk -s
tcp_rows
guest_does end
guest_end >"$TMP/end" || cat "$TMP/end"
