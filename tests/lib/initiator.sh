# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What our initiator must be able to do with any target, ours or vblade, that
# serves $TMP/disk (8 MiB) as e1.2 on the NAS.  Source it after net.sh and
# frames.sh.

# found FILTER: a jq expression that must hold for the output of discovery.
found() {
    host aoe discover -i eth0 --wait 0.3 --json >"$TMP/found" || return
    jq -e "$1" "$TMP/found" || { cat "$TMP/found" && return 1; }
}
# nbd COMMAND: runs it with $uri leading to the disk.
nbd() {
    host aoe-nbd serve e1.2 -i eth0 --run "$1"
}

discovery() { # BUFFERS PAYLOAD
    check "discover: one disk in the table" \
        says '^e1\.2 .* 8388608 .*'"$NAS_MAC"'.* eth0 ' \
        host aoe discover -i eth0
    check "discover: its size in readable form" says '8\.4 MB' host aoe discover -i eth0
    check "discover: the JSON is valid and has one disk" \
        found 'length == 1 and .[0].disk == "e1.2"'
    check "discover: shelf, slot, address, interface" found ".[0] |
        .shelf == 1 and .slot == 2 and .mac == \"$NAS_MAC\" and
        .interface == \"eth0\""
    check "discover: size, buffers, payload" found ".[0] | .size == 8388608 and
        .buffer_count >= $1 and .payload == $2 and .reserved == false"
    check "discover: model and serial number" \
        found '.[0] | (.model | length > 0) and (.serial | length > 0)'
    check "discover: one disk by its name" \
        says '^e1\.2 ' host aoe discover -i eth0 e1.2
    check "discover: another disk is not there" refuses 1 \
        '^aoe: .*e1\.3.*eth0.*0\.3' \
        host aoe discover -i eth0 --wait 0.3 1.3
}

# The config string is shown, and control characters in it never reach a
# terminal.
config_string() {
    ask 01 "$(config 4 $'media "1"\033[2J\n.')" >/dev/null
    check "discover: the config string comes through JSON as it is" \
        found '.[0].config == "media \"1\"\u001b[2J\n."'
    check "discover: the table shows no control character" \
        not grep -q $'\033' <(host aoe discover -i eth0)
}

# What is read equals what is on the NAS's disk, and vice versa.
data() {
    head -c 8M /dev/urandom >"$TMP/random"
    # shellcheck disable=SC2016 # $uri is aoe-nbd's
    check "write the whole disk" nbd 'nbdcopy --flush '"$TMP"'/random "$uri"'
    check "it is on the NAS" cmp "$TMP/random" "$TMP/disk"
    # shellcheck disable=SC2016
    check "read the whole disk" nbd 'nbdcopy "$uri" '"$TMP"'/copy'
    check "it is the same" cmp "$TMP/random" "$TMP/copy"
    # shellcheck disable=SC2016
    check "write and read across sectors" \
        nbd 'qemu-io -f raw -c "write -P 0x5a 1000 5000" -c "read -P 0x5a 1000 5000" "$uri"'
    check "... which left its neighbours alone" neighbours
}
neighbours() {
    cmp -n 1000 "$TMP/random" "$TMP/disk" &&
        cmp -i 6000 "$TMP/random" "$TMP/disk" &&
        [ "$(head -c 6000 "$TMP/disk" | tail -c 5000 | tr -d '\132' | wc -c)" = 0 ]
}
