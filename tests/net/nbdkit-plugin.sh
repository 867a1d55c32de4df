#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# nbdkit-aoe-plugin: a disk through nbdkit, alone, behind its partition filter
# and with TLS, and a disk that is not there.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/nbdkit.sh"
PLUGIN=$BUILD/nbdkit-aoe-plugin.so
[ -e "$PLUGIN" ] || skip "the plugin is not built (needs nbdkit: nbdkit-plugin-dev)"
need nbdkit nbdinfo=libnbd-bin nbdcopy=libnbd-bin qemu-io=qemu-utils \
    qemu-img=qemu-utils certtool=gnutls-bin fio jq
nbdkit_for "$PLUGIN" || skip "nbdkit cannot be run with the plugin's sanitizer"
network 1500
host ip link set lo up

SIZE=$((32 << 20))
DATA=$TMP/data
head -c "$SIZE" /dev/urandom >"$DATA"
truncate -s "$SIZE" "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

dump() {
    nbdkit --dump-plugin "$PLUGIN"
}
check "nbdkit loads it" says '^name=aoe$' dump
check "requests run in parallel" says '^thread_model=parallel$' dump
check "it says which version it is of" says '^aoekit_version=[0-9]' dump
check "its help" says 'interface=NETIF' nbdkit --help "$PLUGIN"

# kit COMMAND [NBDKIT-OPTION...]: a captive nbdkit, $uri is the disk.
kit() {
    local command=$1
    shift
    host nbdkit -U - "$PLUGIN" e1.2 interface=eth0 "$@" --run "$command"
}
# shellcheck disable=SC2016 # expanded by the shell that --run starts
{
    info() {
        kit 'nbdinfo --json "$uri"' >"$TMP/info" || return
        jq -e ".exports[0] | $1" "$TMP/info" || { cat "$TMP/info" && return 1; }
    }
    check "nbdinfo: its capabilities" info '."export-size" == '"$SIZE"' and .can_flush
        and .can_fua and .can_zero and .can_fast_zero and .can_trim
        and .can_multi_conn and (.is_read_only | not)'
    check "nbdinfo: block sizes" info '.block_size_minimum == 512 and
        .block_size_preferred == 4096 and .block_size_maximum == 33554432'
    check "nbdcopy: a whole disk is written" kit "nbdcopy --flush $DATA"' "$uri"'
    check "it has arrived" cmp "$DATA" "$TMP/disk"
    check "nbdcopy: ... and read back" kit 'nbdcopy "$uri" '"$TMP/back"
    check "it is the same" cmp "$DATA" "$TMP/back"
    check "requests of odd lengths, zeroes, trim" kit 'qemu-io -f raw \
        -c "write -P 5 1 70001" -c "read -P 5 1 70001" \
        -c "write -z -u 100001 9999" -c "read -P 0 100001 9999" \
        -c "write -z 200001 99999" -c "read -P 0 200001 99999" \
        -c "discard 1M 1M" -c "read -P 0 1M 1M" -c "write -f -P 6 2M 4096" \
        -c flush "$uri"'
    check "fio verifies, 32 at a time on each of 2 connections" kit 'fio --name=v \
        --ioengine=nbd --uri="$uri" --rw=randwrite --bsrange=512-64k --size=16M \
        --iodepth=32 --numjobs=2 --offset_increment=16M --verify=crc32c \
        --verify_fatal=1 --verify_state_save=0'
}

# ---- filters -------------------------------------------------------------------

head -c 4M /dev/urandom >"$TMP/one"
head -c 6M /dev/urandom >"$TMP/two"
# shellcheck disable=SC2016
{
    nbdkit -U - partitioning partition-type=gpt "$TMP/one" "$TMP/two" \
        --run 'nbdcopy "$uri" '"$TMP/parts" || fail "no partitioned disk"
    kit "nbdcopy --flush $TMP/parts"' "$uri"' || fail "cannot write the partitioned disk"
    partition() {
        kit "$1" --filter=partition partition=2
    }
    check "--filter=partition: its size" \
        says '^6291456$' partition 'nbdinfo --size "$uri"'
    check "--filter=partition: its bytes" partition 'nbdcopy "$uri" '"$TMP/back"
    check "... are those of the second partition" cmp "$TMP/two" "$TMP/back"
    head -c 6M /dev/urandom >"$TMP/two"
    check "--filter=partition: writing" \
        partition "nbdcopy --flush $TMP/two"' "$uri"'
    nbdkit -U - --filter=partition file "$TMP/disk" partition=1 \
        --run 'nbdcopy "$uri" '"$TMP/back"
    check "... does not change the first partition" cmp "$TMP/one" "$TMP/back"
    nbdkit -U - --filter=partition file "$TMP/disk" partition=2 \
        --run 'nbdcopy "$uri" '"$TMP/back"
    check "... but the second" cmp "$TMP/two" "$TMP/back"
}

# ---- TLS, and in the background ------------------------------------------------

PKI=$TMP/pki
mkdir "$PKI"
certificates() {
    (
        cd "$PKI" || exit
        printf 'cn = "aoekit test"\nca\ncert_signing_key\n' >ca.info
        printf 'cn = "localhost"\ndns_name = "localhost"\nip_address = "127.0.0.1"\ntls_www_server\n' >server.info
        certtool --generate-privkey --ecc --outfile ca-key.pem &&
            certtool --generate-self-signed --load-privkey ca-key.pem \
                --template ca.info --outfile ca-cert.pem &&
            certtool --generate-privkey --ecc --outfile server-key.pem &&
            certtool --generate-certificate --load-ca-certificate ca-cert.pem \
                --load-ca-privkey ca-key.pem --load-privkey server-key.pem \
                --template server.info --outfile server-cert.pem
    )
}
certificates >"$TMP/certtool" 2>&1 || fail "certtool: $(tail -n 3 "$TMP/certtool")"
PORT=10809
host nbdkit --tls=require --tls-certificates="$PKI" -i 127.0.0.1 -p "$PORT" \
    -P "$TMP/nbdkit.pid" "$PLUGIN" e1.2 interface=eth0 ||
    fail "nbdkit does not go to the background"
eventually test -s "$TMP/nbdkit.pid"
SECURE="nbds://localhost:$PORT/?tls-certificates=$PKI"
check "TLS: its size" says "^$SIZE\$" host nbdinfo --size "$SECURE"
check "TLS: the whole disk is read" host nbdcopy "$SECURE" "$TMP/back"
check "it is the same" cmp "$TMP/disk" "$TMP/back"
check "TLS: the whole disk is written" host nbdcopy --flush "$DATA" "$SECURE"
check "it has arrived" cmp "$DATA" "$TMP/disk"
check "without TLS nobody can connect" \
    not host nbdinfo --size "nbd://localhost:$PORT/"
if [ "$SANITIZER" ]; then
    skip_check "SIGTERM ends it" "$HANGS"
    kill -KILL "$(cat "$TMP/nbdkit.pid")"
else
    kill "$(cat "$TMP/nbdkit.pid")"
    check "SIGTERM ends it" \
        eventually not test -e "/proc/$(cat "$TMP/nbdkit.pid")/fd"
fi

# ---- replay --------------------------------------------------------------------

# The NAS loses its power, and with it all that it had not been told to flush.
# The reader keeps the disk busy: an idle one would be flushed.
commit_nothing() {
    start target nas aoe-target --commit 0 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
}
stop target
commit_nothing
start kit host nbdkit -f -U "$TMP/replay.sock" "$PLUGIN" e1.2 interface=eth0 \
    replay=16
eventually test -S "$TMP/replay.sock"
URI="nbd+unix:///?socket=$TMP/replay.sock"
start reader host qemu-img bench -f raw -c 1000000000 -d 4 "$URI"
nbdcopy "$TMP/one" "$URI" # which flushes only when it is told to
check "replay: the NAS has it" cmp -n $((4 << 20)) "$TMP/one" "$TMP/disk"
stop target KILL
dd if=/dev/zero of="$TMP/disk" bs=1M count=4 conv=notrunc status=none
commit_nothing
check "replay=16: what was lost is written again" \
    await kit 'e1\.2: the target was restarted.*written again'
check "... and is there" cmp -n $((4 << 20)) "$TMP/one" "$TMP/disk"
check "requests have met no error" alive reader
end reader
end kit # an assertion of nbdkit's may fail: its client died amid requests

# ---- what goes wrong -----------------------------------------------------------

# shellcheck disable=SC2016
{
    says_not() { # PATTERN COMMAND...: it fails and says so
        local pattern=$1
        shift
        "$@" >"$TMP/.out" 2>&1 && return 1
        cat "$TMP/.out"
        grep -Eq -- "$pattern" "$TMP/.out"
    }
    check "no disk named" says_not 'name a disk' \
        host nbdkit -U - "$PLUGIN" interface=eth0 --run true
    check "no disk by that name" says_not 'not a disk name' \
        host nbdkit -U - "$PLUGIN" e1.b interface=eth0 --run true
    check "no such parameter" says_not 'frobnicate=1: no such parameter' \
        host nbdkit -U - "$PLUGIN" e1.2 frobnicate=1 --run true
    check "replay= without a size" says_not 'replay=much: ' \
        host nbdkit -U - "$PLUGIN" e1.2 interface=eth0 replay=much --run true
    check "no interface named" says_not \
        ': use interface=NETIF or set AOE_INTERFACES; .*eth0' \
        host env -u AOE_INTERFACES nbdkit -U - "$PLUGIN" e1.2 --run true
    check "no such interface" says_not 'eth9' \
        host nbdkit -U - "$PLUGIN" e1.2 interface=eth9 --run true
    check "a disk that does not answer" says_not \
        'e1\.9: no answer on eth0 within 0\.5 s; .* wait=SECONDS waits longer' \
        host nbdkit -U - "$PLUGIN" e1.9 interface=eth0 wait=0.5 --run true
    start kit host nbdkit -f -v -U "$TMP/kit.sock" "$PLUGIN" e1.2 interface=eth0 timeout=1
    eventually test -S "$TMP/kit.sock"
    URI="nbd+unix:///?socket=$TMP/kit.sock"
    check "it serves" nbdinfo --size "$URI"
    stop target KILL
    check "without the disk, requests fail" \
        says_not 'Input/output error' qemu-io -r -f raw -c 'read 0 4k' "$URI"
    start target nas aoe-target 1 2 eth0 "$TMP/disk"
    await target 'e1\.2: serving'
    await kit 'answers again'
    check "... and succeed again when it is back" qemu-io -r -f raw -c 'read 0 4k' "$URI"
    if [ "$SANITIZER" ]; then
        stop kit KILL
    else
        stop kit
    fi
}
