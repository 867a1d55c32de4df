#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The defects that were found in vblade 25, numbered as they were found, are not in our
# target.  Where it is cheap to show, the installed vblade is tested as well: it has to
# fail, which proves that the test can.

. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/frames.sh"
need vblade xxd
network 1500

head -c 1M /dev/zero | tr '\000' '\320' >"$TMP/fresh" # 0xd0 everywhere
page=$(printf '5a%.0s' {1..1024})

# serve PROGRAM FLAG...: it serves a fresh disk, and answers.
serve() {
    local program=$1 place=(1 2 eth0 "$TMP/disk")
    shift
    [ "${1:-}" != --config ] || place=()
    cp "$TMP/fresh" "$TMP/disk"
    start server nas "$program" "$@" "${place[@]}"
    if [ "$program" = vblade ]; then
        eventually listening || fail "vblade did not start"
    else
        await server 'e1\.2: serving'
    fi
}
listening() {
    nas grep -q 88a2 /proc/net/packet && answers >/dev/null
}
# It is alive: a short read that reaches the disk.
answers() {
    frame 00 "$(ata 0x40 0 1 0x24 0)" | host rawframe -w 300 -p -n 1 eth0
}
answers_again() {
    eventually answers_or_dead && alive server
}
answers_or_dead() {
    ! alive server || answers
}
untouched() {
    cmp "$TMP/fresh" "$TMP/disk"
}
# says_status WANTED FRAME
says_status() {
    is "$1" "$(status "$2")"
}
no_aoe_error() { # FRAME
    local flags
    flags=$(field "$1" 14 1)
    echo "version and flags $flags"
    [ -n "$flags" ] && [ $((0x$flags & 4)) = 0 ]
}
mtu() {
    ip -n "$NAS_NS" link set eth0 mtu "$1" && ip -n "$HOST_NS" link set eth0 mtu "${2:-$1}"
}
A=020000000011 B=020000000022 C=020000000033
ME=${HOST_MAC//:/}

# ---- one function a defect: true if the target does it right -----------------

# shellcheck disable=SC2317 # called by their numbers
{
    d1() {
        try 02 "$(mask 01 "$ME" $A $B)" >/dev/null
        try 02 "$(mask 02 $A)" >/dev/null
        is "$B $ME " "$(list)"
    }
    d2() {
        try 02 "$(mask 01 "$ME" $A $A $B $C)" >/dev/null
        is "$(printf '%s\n' $A $B $C "$ME" | sort | tr '\n' ' ')" "$(list)"
    }
    d3() { # a response of 1060 bytes no longer fits
        ip -n "$NAS_NS" link set eth0 mtu 600
        try 00 "$(ata 0x40 0 2 0x24 0)"
        ip -n "$NAS_NS" link set eth0 mtu 1500
        answers_again
    }
    d4() {
        ip -n "$NAS_NS" link set eth0 down
        ip -n "$NAS_NS" link set eth0 up
        carries "$NAS_NS"
        answers_again
    }
    d5() {
        says_status "40 00" "$(try 00 "$(ata 0 0 0 0xe7 0)")" &&
            says_status "40 00" "$(try 00 "$(ata 0x40 0 0 0xea 0)")"
    }
    d6() { # its announcement at the start
        is 1 "$(field "$ADVERT" 14 1 | cut -c 1)"
    }
    d7() {
        is 1c05 "$(field "$(echo "$NAS_MAC $HOST_MAC 88a2 2000 $DISK 01 $TAG $QUERY 00x28" |
            host rawframe -w 300 -n 1 eth0)" 14 2)"
    }
    d8() {
        local argument
        for argument in "01 $QUERY" "02 00 00 00 00" "03 00 00" \
            "00 $(ata 0x40 0 1 0x24 0xffffff)"; do
            # shellcheck disable=SC2086 # the command and its argument
            set -- "$(try ${argument%% *} "${argument#* }")"
            echo "$1"
            [ ${#1} -ge 120 ] || return
        done
    }
    d9() { # a string of 16 bytes of which none arrived
        frame 01 "0000 0000 00 04 0010" | host rawframe -w 300 -n 1 eth0
        is 0000 "$(field "$(try 01 "$QUERY")" 30 2)"
    }
    d10() { # what the previous frame said must not count
        try 77 "00x12 $(mask 01 $A $B $C)" >/dev/null
        frame 02 "00 01 00 03" | host rawframe -w 300 -n 1 eth0
        is "" "$(list)"
    }
    d11() {
        is 41 "$((0x$(field "$(try 02 "00 00 00 00")" 27 1)))"
    }
    d12() {
        refuses 2 70000 nas timeout 5 "$PROGRAM" 70000 1 eth0 "$TMP/disk" &&
            refuses 2 12q nas timeout 5 "$PROGRAM" -o 12q 1 2 eth0 "$TMP/disk"
    }
    d13() { # others try by force to change what the owner set
        HOST_MAC=$OWNER try 01 "$(config 4 owned)" >/dev/null
        try 01 "$(config 4 stolen)"
        try 02 "$(mask 01 "$ME")"
        try 03 "02 01 $ME"
        is owned "$(string)" && is "" "$(list)" && is 00 "$(field "$(try 03 "00 00")" 25 1)"
    }
    d13b() {
        HOST_MAC=$OWNER try 01 "$(config 4 kept)" >/dev/null
        if [ "$PROGRAM" = vblade ]; then end server; else stop server; fi
        serve "$PROGRAM" "${OWNED[@]}"
        is kept "$(string)"
    }
    d14() {
        truncate -s 512K "$TMP/disk"
        try 00 "$(ata 0x41 0 2 0x34 1024) $page"
        is 524288 "$(stat -c %s "$TMP/disk")"
    }
    d15() {
        local answer
        answer=$(try 00 "$(ata 0x40 0 2 0x34 4) $page")
        untouched && is 60 $((${#answer} / 2)) &&
            is d0d0 "$(field "$(try 00 "$(ata 0x41 0 2 0x24 0)")" 36 2)"
    }
    d16() {
        says_status "41 04" "$(try 00 "$(ata 0x40 0 0 0x24 0)")" &&
            says_status "41 04" "$(try 00 "$(ata 0x41 0 0 0x34 0) $page")"
    }
    d17() {
        says_status "40 00" "$(try 00 "$(ata 0 0 5 0xe5 0)")"
    }
    d18() {
        echo "ffffffffffff $HOST_MAC 88a2 1000 ffff ff 00 $TAG $(ata 0x41 0 2 0x34 0) $page" |
            host rawframe -w 300 -n 1 eth0
        untouched && is 60 $((($(try 77 "00x1400" | wc -c) - 1) / 2))
    }
    d19() {
        no_aoe_error "$(try 00 "$(ata 0x40 0 9 0x24 0)")" &&
            no_aoe_error "$(try 00 "$(ata 0x41 0 2 0x34 0) 5ax512")" && untouched
    }
    d20() {
        { frame 00 "$(ata 0x40 0 2 0x24 0)" && TAG=8000beef frame 01 "$QUERY"; } |
            host rawframe -p -u 8000beef eth0 >"$TMP/answers" &&
            is 1 "$(wc -l <"$TMP/answers")"
    }
    d21() { # the last write is the one that stays
        local i
        for ((i = 1; i <= 32; i++)); do
            TAG=$(printf 80001%03x $i) \
                frame 00 "$(ata 0x41 0 2 0x34 0) $(printf %02x $i)x1024"
        done | host rawframe -w 5000 -n 32 eth0 >/dev/null &&
            is 2020 "$(field "$(try 00 "$(ata 0x40 0 2 0x24 0)")" 36 2)"
    }
    d22() { # as many at once as it says it can queue
        local count i
        count=$((0x$(field "$(try 01 "$QUERY")" 24 2)))
        echo "buffer count $count"
        for ((i = 0; i < count; i++)); do
            frame 00 "$(ata 0x41 0 2 0x34 $((i * 2))) $page"
        done | host rawframe -w 2000 -n "$count" eth0 | wc -l >"$TMP/answered"
        is "$count" "$(cat "$TMP/answered")"
    }
    d23() { # what is not AoE does not even wake it
        local i
        for ((i = 0; i < 100; i++)); do
            echo "$NAS_MAC $HOST_MAC 88b5 00x46"
        done | host rawframe eth0
        answers >/dev/null
        kill -USR1 "${PID[server]}"
        seen server ' eth0: rx_frames=[0-9] '
    }
    d24() {
        kill -USR1 "${PID[server]}"
        seen server 'e1\.2: frames=' && stop server
    }
    d25() { # 255 addresses are returned on an MTU that is too small for them
        mtu 9000
        eventually sectors_are 17
        try 03 "01 ff $(for ((i = 1; i <= 255; i++)); do printf 0200000000%02x $i; done)" |
            cut -c 1-60
        ip -n "$NAS_NS" link set eth0 mtu 1500
        try 03 "00 00" | cut -c 1-60
        mtu 1500
        alive server && [ -n "$(try 01 "$QUERY")" ]
    }
    sectors_are() { # in a frame, as Query Config says
        [ "$((0x$(field "$(try 01 "$QUERY")" 28 1)))" = "$1" ]
    }
    d26() { # 0 would mean 2, which do not fit either
        ip -n "$NAS_NS" link set eth0 mtu 500
        eventually not sectors_are 2
        sectors_are 1
        set -- $?
        ip -n "$NAS_NS" link set eth0 mtu 1500
        return "$1"
    }
}

# defect NUMBER NAME [FLAG...]: one server, one check.
defect() {
    local number=$1 name=$2
    shift 2
    serve "$PROGRAM" "$@"
    if [ "$PROGRAM" = vblade ]; then
        if "d$number" >"$TMP/.fixed" 2>&1; then
            skip_check "$number: vblade is $name" "this vblade is not"
        else
            check "$number: vblade is $name" true
        fi
        alive server && end server
    else
        check "$number: not $name" "d$number"
        alive server && stop server
    fi
}
# Defects that vblade cannot show cheaply, or that this machine hides.
ours() {
    [ "$PROGRAM" = vblade ] || defect "$@"
}
# Only some clients may change something, and who is configurable.
OWNER=02:00:00:00:00:77
printf '[e1.2]\nfile = %s\ninterfaces = eth0\nremote-admin = %s\n' \
    "$TMP/disk" "$OWNER" >"$TMP/owned"
string() { # the config string
    local answer
    answer=$(try 01 "$QUERY") &&
        field "$answer" 32 $((0x$(field "$answer" 30 2))) | xxd -r -p
}
many() {
    printf '%s' "$HOST_MAC"
    printf ',0200000001%02x' {1..40}
}

for PROGRAM in vblade aoe-target; do
    defect 1 "ended by a deletion from the mask list"
    defect 2 "confused by doubles on the mask list"
    defect 3 "ended by a reply that cannot be sent"
    defect 4 "ended by a link that goes down"
    defect 5 "answering FLUSH without a valid status"
    start listener host rawframe -w 10000 -n 1 eth0
    eventually host grep -q 88a2 /proc/net/packet
    serve "$PROGRAM"
    finished listener
    ADVERT=$(cat "$(log_of listener)")
    if [ "$PROGRAM" = vblade ]; then end server; else stop server; fi
    defect 6 "announcing itself with version 0"
    defect 7 "blind to other versions"
    defect 8 "sending frames that are too short"
    defect 9 "taking a config string from beyond the frame"
    ours 10 "taking mask directives from beyond the frame"
    ours 11 "overrun by many addresses" -m "$(many)"
    defect 12 "serving under a number that nobody gave"
    OWNED=()
    [ "$PROGRAM" = vblade ] || OWNED=(--config "$TMP/owned" --state-dir "$TMP")
    defect 13 "open to changes by everyone" "${OWNED[@]}"
    defect 13b "forgetting at its end what was set" "${OWNED[@]}"
    defect 14 "making a file longer that was cut short"
    defect 15 "blind to the W flag"
    defect 16 "transferring nothing with success"
    defect 17 "silent at CHECK POWER MODE with a count"
    defect 18 "writing what was sent to everyone, or echoing it"
    defect 19 "hanging Linux with AoE errors"
    ours 20 "busy with one slow request" --fault delay=0.5
    ours 21 "mixing up the order of writes"
    ours 22 "dropping a burst that it invited"
    ours 23 "woken by what is not AoE"
    ours 24 "without signals and counters"
    ours 25 "ended by a list that does not fit the MTU"
    defect 26 "claiming 2 sectors on a small MTU"
done
