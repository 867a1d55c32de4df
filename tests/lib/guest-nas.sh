# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A guest as the NAS: the target runs in it, on disks that fail, disappear and
# come back, and lose power; the clients run outside.  Source it instead of
# guest.sh:
#
#     . "$(dirname "$0")/../lib/guest-nas.sh"
#     nas_needs                             # or the script is skipped
#     guest_program dmsetup
#     nas_disk one "$TMP/disk"              # a block node of qemu's
#     GUEST_DEVICES+=(-device "virtio-blk-pci,drive=one")
#     nas_start 100 </dev/null              # functions for the guest
#     guest_does 'serve /dev/vda'
#     await guest 'serving'                 # the target's lines are the guest's
#     qmp system_reset
#     nas_end
#
# The guest's eth0 has the address $NAS_MAC and shares a bridge with the eth0
# of the `host` namespace, as if the `nas` namespace were the guest.

. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

# ---- the network -------------------------------------------------------------

# nas_needs [MTU]: or the script is skipped.
nas_needs() {
    GUEST_MTU=${1:-1500}
    guest_needs
    GUEST_MAC=$NAS_MAC
    guest_program aoe-target
    nas_bridge 2>>"$TMP/.ip" || skip "cannot make a bridge: $(tail -n 1 "$TMP/.ip")"
    carries "$HOST_NS" || fail "the bridge carries nothing"
    mkfifo "$TMP"/{orders,qmp}.{in,out} || fail "cannot make a fifo"
    GUEST_PORTS+=(orders)
    GUEST_DEVICES+=(-chardev "pipe,id=orders,path=$TMP/orders"
        -chardev "pipe,id=qmp,path=$TMP/qmp" -mon "chardev=qmp,mode=control")
}

nas_bridge() {
    ip -n "$NAS_NS" link add bridge type bridge &&
        ip -n "$NAS_NS" link set eth0 address 02:a0:e0:00:00:0a master bridge &&
        ip -n "$NAS_NS" link set tap0 mtu "$GUEST_MTU" master bridge &&
        ip -n "$NAS_NS" link set bridge up
}

# ---- the machine -------------------------------------------------------------

# nas_disk NODE FILE: an image for use in -device or device_add.
nas_disk() {
    GUEST_DEVICES+=(-blockdev
        "driver=raw,node-name=$1,file.driver=file,file.filename=$2")
}

# nas_inittab: BusyBox's init is to be the guest's first process, with the lines on
# standard input in its /etc/inittab.
nas_inittab() {
    mkdir -p "$GUEST_ROOT/etc" || fail "cannot make /etc"
    cat - <(echo '::once:/init test') >"$GUEST_ROOT/etc/inittab"
}

# nas_start SECONDS: boots a guest that runs at most that long, and waits until
# it takes orders.  Standard input has the functions that the orders use.
nas_start() {
    start monitor host cat "$TMP/qmp.out"
    guest_start "$1" < <(
        echo "ip link set eth0 mtu $GUEST_MTU"
        # Dirty data stays in the cache until the target or the script syncs
        # it.
        echo 'echo 360000 >/proc/sys/vm/dirty_writeback_centisecs'
        echo 'echo 360000 >/proc/sys/vm/dirty_expire_centisecs'
        echo "$GUEST_FUNCTIONS"
        cat
        echo orders
    )
    qmp qmp_capabilities || fail "no monitor"
    await guest '^guest: ready' 120
}

# In every guest: serve FILE [OPTION]... starts the target as e1.2, with its
# process in $target; served: ends it, with its exit status.
# shellcheck disable=SC2016 # the guest expands them
GUEST_FUNCTIONS='
serve() {
    file=$1
    shift
    aoe-target "$@" 1 2 eth0 "$file" >"$SAYS" 2>&1 &
    target=$!
}
served() {
    kill "$target"
    wait "$target"
}
'

# guest_does COMMAND: runs a line of shell in the guest, with its output and
# status.
guest_does() {
    local id=${EPOCHREALTIME/[.,]/} status
    # Nobody would ever read the order.
    alive guest || { echo "the guest has ended: $*" && return 1; }
    echo "$id $*" >"$TMP/orders.in"
    seen guest "^guest: did $id " 60 || { echo "not done: $*" && return 1; }
    sed -n "s/^$id| //p" "$(log_of guest)"
    status=$(sed -n "s/^guest: did $id //p" "$(log_of guest)")
    return "$status"
}

# serving [OPTION]... FILE: starts the target in the guest, waits for its first
# line.
serving() {
    mark guest
    guest_does "serve ${*: -1} ${*:1:$#-1}" || fail "the guest serves nothing"
    await guest '^aoe-target: e1\.2: serving' 30
}

# qmp COMMAND [ARGUMENTS]: a command to qemu, with arguments in JSON.
qmp() {
    local id=${EPOCHREALTIME/[.,]/} answer arguments=${2:-{\}}
    echo "{\"execute\": \"$1\", \"arguments\": $arguments, \"id\": \"$id\"}" \
        >"$TMP/qmp.in"
    seen monitor "\"id\": \"$id\"" || { echo "no answer to $1" && return 1; }
    answer=$(grep "\"id\": \"$id\"" "$(log_of monitor)")
    [[ $answer = *'"return"'* ]] || { echo "$answer" && return 1; }
}

# Ends the guest; its checks, if any, become ours.  A machine without a power
# switch reboots, which is to be its end then.
nas_end() {
    qmp set-action '{"reboot": "shutdown"}' || fail "no set-action"
    guest_does end || fail "the guest takes no orders"
    guest_end
    end monitor
}
