# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# A bad wire in place of the cable: what tests/helpers/wire.c can do to frames.
# Source it after net.sh.

# bad_wire MTU: the network with a wire in between, which is good until told
# otherwise.  Both its ends are on the NAS's side, next to the NAS's own
# interface.
bad_wire() {
    network "$1"
    ip -n "$NAS_NS" link del eth0
    end_of_wire host0 "$HOST_NS" "$HOST_MAC" "$1" || fail "no wire"
    end_of_wire nas0 "$NAS_NS" "$NAS_MAC" "$1" || fail "no wire"
    carries "$NAS_NS" || fail "the wire carries nothing"
    carries "$HOST_NS" || fail "the wire carries nothing"
    mkfifo "$TMP/orders"
    start wire nas wire host0 nas0 "$TMP/orders" "${SEED:-1}"
    await wire '^carrying'
}
end_of_wire() { # NAME NAMESPACE MAC MTU
    ip -n "$NAS_NS" link add "$1" mtu "$4" type veth \
        peer name eth0 mtu "$4" address "$3" netns "$2" &&
        ip -n "$NAS_NS" link set "$1" up && ip -n "$2" link set eth0 up
}

# wire_does ORDER: ">" is from the host to the NAS, "<" back; both without
# either.
wire_does() {
    mark wire
    echo "$*" >"$TMP/orders"
    await wire "$*"
}
