#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An NBD export behind TLS as the target's disk, and NBD servers that go away
# and come back, with and without TLS, while the target runs as nobody with few system
# calls allowed.  nbdkit serves and checks the client's certificate.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need nbdkit nbdcopy=libnbd-bin nbdinfo=libnbd-bin openssl xxd
if aoe-target 1 2 none "nbd+unix:///?socket=$TMP/none" 2>&1 |
    grep -q 'without libnbd'; then
    skip "aoe-target was built without libnbd (package libnbd-dev)"
fi
nbdkit --dump-config | grep -qx tls=yes || skip "this nbdkit was built without TLS"
network 1500
nas ip link set lo up
cd "$TMP" || exit
# At exit LeakSanitizer would trace the program, which the filter forbids.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"

# ---- certificates ------------------------------------------------------------

# authority DIR, certificate DIR NAME: DIR/ca-cert.pem, DIR/NAME-cert.pem and
# keys, for a day.
authority() {
    mkdir "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj "/CN=$1" -addext keyUsage=critical,keyCertSign \
        -keyout "$1/ca-key.pem" -out "$1/ca-cert.pem" 2>>openssl.log
}
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
        -keyout "$1/$2-key.pem" -out "$1/$2.csr" 2>>openssl.log &&
        openssl x509 -req -in "$1/$2.csr" -CA "$1/ca-cert.pem" \
            -CAkey "$1/ca-key.pem" -CAcreateserial -days 1 -extfile <(
                echo "subjectAltName=IP:127.0.0.1,DNS:localhost"
            ) -out "$1/$2-cert.pem" 2>>openssl.log
}
made() {
    authority "$1" && certificate "$1" server && certificate "$1" client
}
for name in ours theirs; do
    made $name || fail "openssl: $(cat openssl.log)"
done
printf 'alice:%s\n' "$(head -c 32 /dev/urandom | xxd -p -c 0)" >keys
chmod 644 ours/* theirs/* keys # the user nobody reads them again

# ---- servers -----------------------------------------------------------------

head -c 4M /dev/urandom >random
truncate -s 4M disk
PORT=(-i 127.0.0.1 -p 10809)
SOCKET=(-U "$TMP/socket")
# WHERE is the address of the server, TLS its mode of TLS.
server() {
    rm -f socket
    start server nas nbdkit -f "${WHERE[@]}" "${TLS[@]}" file "$TMP/disk"
    eventually reachable || fail "nbdkit: $(cat "$(log_of server)")"
}
reachable() {
    if [ "${WHERE[0]}" = -U ]; then
        test -S socket
    else
        nas bash -c ': </dev/tcp/127.0.0.1/10809' 2>/dev/null
    fi
}
CERTIFICATES=(--tls=require --tls-certificates="$TMP/ours" --tls-verify-peer)
target() { # URI FLAG...
    local uri=$1
    shift
    start target nas aoe-target "$@" 1 2 eth0 "$uri"
    await target 'e1\.2: serving'
}
refused() { # PATTERN URI
    refuses 1 "^aoe-target: .*$1" nas timeout 20 aoe-target 1 2 eth0 "$2"
}
# shellcheck disable=SC2016 # $uri is aoe-nbd's
carries_data() {
    host aoe-nbd serve e1.2 -i eth0 --run "nbdcopy --flush random \"\$uri\"" &&
        cmp random disk &&
        host aoe-nbd serve e1.2 -i eth0 --run 'nbdcopy "$uri" - | cmp - random'
}
# What was sent while it was away is answered when it is back.
survives() { # WHAT
    local asked
    mark target
    stop server KILL
    await target 'connection lost'
    read_sectors 5 2 >late &
    asked=$!
    server
    await target 'connected again'
    wait $asked
    check "$1: connected again, and a read waited for it" \
        is "$(xxd -p -c 0 -s 2560 -l 1024 random)" "$(field "$(cat late)" 36 1024)"
    status "$(ask 00 "$(ata 0 0 0 0xea 0)")" >/dev/null # may have lost writes
    check "... and writes" is "40 00" \
        "$(status "$(write_sectors 5 2 "$(xxd -p -c 0 -s 2560 -l 1024 random)")")"
    check "... and flushes" is "40 00" "$(status "$(ask 00 "$(ata 0 0 0 0xea 0)")")"
}

# ---- TLS ---------------------------------------------------------------------

WHERE=("${PORT[@]}") TLS=("${CERTIFICATES[@]}")
URI="nbds://127.0.0.1/?tls-certificates=$TMP/ours"
server
check "a server that requires TLS, without TLS" refused connecting nbd://127.0.0.1/
check "... with TLS but without a certificate of our own" \
    refused connecting "nbds://127.0.0.1/?tls-certificates=$TMP/theirs"
check "... with a directory that does not exist" \
    refused connecting "nbds://127.0.0.1/?tls-certificates=$TMP/none"
target "$URI"
check "TLS with certificates carries data" carries_data
survives "TLS"

# Another server at the same address.
mark target
stop server KILL
await target 'connection lost'
TLS=(--tls=require --tls-certificates="$TMP/theirs")
server
check "a server with somebody else's certificate gets no request" \
    is "41 40" "$(status "$(TAG=80001234 frame 00 "$(ata 0x40 0 1 0x24 9)" |
        host rawframe -p -u 80001234 -w 20000 eth0 | tail -n 1)")"
check "... and is not connected to" not grep -q 'connected again' \
    <(tail -n "+$((SEEN[target] + 1))" "$(log_of target)")
stop server KILL
TLS=("${CERTIFICATES[@]}")
server
await target 'connected again'
check "the right one is" is "40 00" "$(status "$(read_sectors 9 1)")"
stop target
end server

WHERE=("${SOCKET[@]}")
server
target "nbds+unix:///?socket=$TMP/socket&tls-certificates=$TMP/ours"
check "TLS over a Unix socket carries data" carries_data
survives "... over a Unix socket"
stop target
end server

WHERE=("${PORT[@]}") TLS=(--tls=require --tls-psk="$TMP/keys")
server
target "nbds://alice@127.0.0.1/?tls-psk-file=$TMP/keys"
check "TLS with a shared key carries data" carries_data
survives "... with a shared key"
stop target
end server

# ---- with few privileges ------------------------------------------------------

if aoe-target --seccomp --help 2>&1 | grep -q 'lacks it'; then
    skip_check "the same under --seccomp" "this build has no libseccomp"
    exit
fi
WEAK=(--user nobody --seccomp)
TLS=()
server
target nbd://127.0.0.1/ "${WEAK[@]}"
check "--seccomp: TCP carries data" carries_data
survives "--seccomp: TCP"
stop target
end server

# --user must be able to reach the socket, which nbdkit opens to everyone.
WHERE=("${SOCKET[@]}")
server
chmod 666 socket
target "nbd+unix:///?socket=$TMP/socket" "${WEAK[@]:2}"
check "--seccomp: a Unix socket carries data" carries_data
survives "--seccomp: a Unix socket"
stop target
end server

WHERE=("${PORT[@]}") TLS=("${CERTIFICATES[@]}")
server
target "$URI" "${WEAK[@]}"
check "--seccomp: TLS carries data" carries_data
survives "--seccomp: TLS"
stop target
# With TLS the name is looked up each time.
if getent ahosts localhost | grep -q 127.0.0.1; then
    target "nbds://localhost/?tls-certificates=$TMP/ours" "${WEAK[@]}"
    survives "--seccomp: TLS by the name of the host"
    stop target
else
    skip_check "--seccomp: TLS by the name of the host" "localhost is not 127.0.0.1 here"
fi
end server
