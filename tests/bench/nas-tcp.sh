# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The part of nas-guest.sh that holds aoe-target against what serves disks over
# TCP: Debian's nbd-server and tgt, in the same guest, with the same file on tmpfs,
# for the same requests of a client: 64 KiB one after the other, or 4 KiB at random
# places.  Protocols make different numbers of frames of one, so what counts is the
# instructions a KiB.

ISCSI=iqn.2026-01.aoekit:nas
TCP_LIBRARIES="libglib2.0-0 libgnutls30 libnettle8 libhogweed6 libgmp10 libp11-kit0
    libidn2-0 libunistring2 libtasn1-6 libffi8 zlib1g libpcre2-8-0 libnl-3-200
    libnl-genl-3-200 libnl-route-3-200 libaio1 libibverbs1 librdmacm1 libsystemd0
    libcap2 libgcrypt20 libgpg-error0 liblzma5 liblz4-1 libzstd1 libgcc-s1"

TCP_WORK="read64k write64k randread4k randwrite4k"

# Whether any of these rows is asked for.
tcp_wanted() {
    local mtu work
    for mtu in 1500 9000; do
        for work in $TCP_WORK; do
            [[ ! tcp-$mtu-$work =~ $ROWS ]] || return 0
        done
    done
    return 1
}

# The servers go to the disk: their libraries would fill the memory.
tcp_take() { # DIR
    local name path tree
    tree=$(foreign_tree "$MACHINE_ARCH")
    # shellcheck disable=SC2086 # a list of words
    foreign_packages "$MACHINE_ARCH" $TCP_LIBRARIES >"$TMP/libraries" 2>&1 ||
        skip "no libraries of nbd-server and tgt"
    mkdir -p "$1"
    for name in nbd-server=nbd-server tgtd=tgt tgtadm=tgt; do
        path=$(machine_program "$name" 2>/dev/null) || skip "no ${name%=*}"
        foreign_libraries "$tree" "$path" >"$TMP/libraries" || skip "${name%=*}: a library"
        xargs cp -L -t "$1" "$path" <"$TMP/libraries"
    done
    mkdir -p "$GUEST_ROOT/lib" && cp "$1"/ld-linux* "$GUEST_ROOT/lib/"
}

# shellcheck disable=SC2016,SC2034 # the guest expands them; nas-guest.sh hands it on
TCP_FUNCTIONS='
export LD_LIBRARY_PATH=/ext3/tcp
PATH=$PATH:/ext3/tcp
serve_nbd() { # it goes into the background by itself
    printf "[generic]\n[disk]\nexportname = /tmpfs/disk\n" >/tmp/nbd.conf
    begin "$1" nbd-server -C /tmp/nbd.conf
    wait $server && server=$(pidof nbd-server)
}
serve_tgt() {
    mkdir -p /var/run/tgtd
    begin "$1" tgtd -f
    tries=0
    until tgtadm --lld iscsi --mode target --op new --tid 1 --targetname "$2" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] && usleep 100000 || return
    done
    tgtadm --lld iscsi --mode logicalunit --op new --tid 1 --lun 1 \
        --backing-store /tmpfs/disk &&
        tgtadm --lld iscsi --mode target --op bind --tid 1 -I ALL
}
'

# tcp_serve NAME MTU: and what the client needs.
tcp_serve() {
    case $1 in
    aoe-target)
        guest_does "begin $2 ${BIN[aoe-target]} ${FLAGS:-} 1 2 eth0 /tmpfs/disk" || return
        start bridge host aoe-nbd serve e1.2 -i eth0 --unix "$TMP/sock" --wait 60
        await bridge 'serving' 60
        ;;
    nbd-server)
        guest_does "serve_nbd $2" &&
            eventually host nbdinfo --size "nbd://$NAS_IP/disk" >/dev/null 2>&1
        ;;
    tgt) guest_does "serve_tgt $2 $ISCSI" ;;
    esac
}
tcp_served() {
    [ "$1" != aoe-target ] || stop bridge
    # shellcheck disable=SC2016 # the guest expands it
    guest_does 'kill -9 $(pidof tgtd) 2>/dev/null; finish' >"$TMP/said"
}

# tcp_load NAME WORK DEPTH: the KiB that were transferred.
tcp_load() {
    local rw=${2%%[0-9]*} kib=${2//[!0-9]/} uri="nbd://$NAS_IP/disk"
    case $1 in
    tgt)
        # shellcheck disable=SC2046
        host nice -n -19 iscsi-perf $([[ $rw = rand* ]] && echo -r) -b $((kib * 2)) \
            -m "$3" -t "$EACH" "iscsi://$NAS_IP/$ISCSI/1" </dev/null | tr '\r' '\n' |
            awk -v kib="$kib" -v seconds="$EACH" '$1 == "iops" { n++; sum += $3 }
                END { if (!n) exit 1; printf "%d\n", sum / n * kib * seconds }'
        return
        ;;
    aoe-target) uri="nbd+unix:///e1.2?socket=$TMP/sock" ;;
    esac
    host nice -n -19 fio --name=load --ioengine=nbd --uri="$uri" --rw="$rw" \
        --bs="${kib}k" --iodepth="$3" --size="${MIB}M" --time_based --runtime="$EACH" \
        --randrepeat=0 --output-format=json --output="$TMP/fio.json" >"$TMP/fio.log" 2>&1 &&
        jq -r '.jobs[0] | .read.io_kbytes + .write.io_kbytes' "$TMP/fio.json"
}

# tcp_one ROW NAME MTU WORK DEPTH
tcp_one() {
    local kib counted
    tcp_serve "$2" "$3" ||
        fail "$1: $2 does not serve: $(guest_does "cat /tmp/server.log")"
    tcp_load "$2" "$4" "$5" >/dev/null || fail "$1: $2: no result"
    snapshot before
    kib=$(tcp_load "$2" "$4" "$5") || fail "$1: $2: no result"
    snapshot after
    counted=$(executed "$2" "$1" "$kib") || fail "$1: $2: not counted"
    echo "$GUEST_MACHINE $1 $2 $counted $kib" | tr ' ' '\t' |
        tee -a "$OUT/nas-tcp-runs.tsv" |
        awk '{ printf "%-7s %-20s %-10s %5d user %6d kernel %6d instructions a KiB\n",
            $1, $2, $3, $4, $5, $6 }'
    tcp_served "$2"
}

# tgt is only read: iscsi-perf does not write.
tcp_row() { # MTU WORK DEPTH
    local row=tcp-$1-$2 name i
    [[ $row =~ $ROWS ]] || return 0
    for ((i = 0; i < REPEAT; i++)); do
        for name in $TCP_SERVERS; do
            [[ $name = tgt && $2 = *write* ]] || tcp_one "$row" "$name" "$@"
        done
    done
}
tcp_rows() {
    local mtu work
    for mtu in 1500 9000; do
        for work in $TCP_WORK; do
            tcp_row "$mtu" "$work" "$([[ $work = rand* ]] && echo 16 || echo 4)"
        done
    done
}
