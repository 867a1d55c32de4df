# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The commands of a page, run as they stand there.  Every block that begins with
# ```sh has words behind it: where it runs (nas, client), on which kinds of NAS
# (none: on all), and, for some, when (foreground; stop, start, back, newdisk,
# vblade: when the test comes to it).  Source it after net.sh:
#
#     on_nas_command() { ...; }           # becomes sh -e -c "$1" there
#     on() { ...; }                       # switches it on
#     goes_off() { ...; }
#     page_split "$ROOT/doc/nas.md"
#     page_client host nas                # the namespaces of client and NAS
#     page_kind=busybox
#     page_play first-heading last-heading
#     page_also stop
#
# Each block is a check.  A function before_HEADING or after_HEADING, if the test
# has it, runs there; a heading is in small letters, with _ for what is none.

PAGE=$TMP/page
PAGE_WORDS=" foreground stop start back newdisk vblade "
PAGE_KINDS=" busybox sysvinit script entware openwrt systemd "
# shellcheck disable=SC2034 # set by the test
page_kind=

# ---- the page ----------------------------------------------------------------

# page_split PAGE: a file for each block, its words and its heading.
page_split() {
    rm -rf "$PAGE"
    mkdir "$PAGE"
    awk -v dir="$PAGE" '
        /^```/ && inside { inside = 0; next }
        /^```/ {
            inside = 1
            file = ""
            if ($0 ~ /^```sh/) {
                file = sprintf("%s/%03d", dir, ++count)
                print substr($0, 6) >(file ".words")
                print heading >(file ".heading")
                print above >(file ".above")
                printf "" >file
            }
            next
        }
        inside { if (file) print >file; next }
        NF { above = $0 }
        /^##/ {
            heading = tolower($0)
            gsub(/^#+ |[^a-z0-9]+$/, "", heading)
            gsub(/[^a-z0-9]+/, "_", heading)
        }' "$1"
}

page_blocks() {
    local file
    for file in "$PAGE"/[0-9][0-9][0-9]; do
        echo "$file"
    done
}
has_word() { # BLOCK WORD
    grep -qw -- "$2" "$1.words"
}
# Whether the block is for this kind of NAS: it names none, or it.
of_this_kind() { # BLOCK
    local word words any=
    read -ra words <"$1.words"
    for word in "${words[@]}"; do
        [[ $PAGE_KINDS = *" $word "* ]] || continue
        any=yes
        [ "$word" != "$page_kind" ] || return 0
    done
    [ -z "$any" ]
}
# The word that says when, if there is one.
when() { # BLOCK
    local word words
    read -ra words <"$1.words"
    for word in "${words[@]}"; do
        [[ $PAGE_WORDS = *" $word "* ]] && echo "$word"
    done
}

# ---- running it --------------------------------------------------------------

# The page's NAS has an ARM926; this is the target for the one at hand.
PAGE_TARGET=$BUILD/aoe-target

# The script on standard input, there.
on_nas() {
    (on_nas_command "$(cat)")
}
on_nas_foreground() { # COMMAND
    start foreground "$PAGE_NAS" \
        bash -c "$(declare -f on_nas_command); on_nas_command 'exec $1'"
    await foreground 'e1\.2: serving /dev/md4 \([0-9]* bytes\) on eth0'
}
on_client() {
    "$PAGE_CLIENT" env -C "$ROOT" "PATH=$TMP/client:$PATH" bash -e
}

run_block() { # BLOCK
    sed "s,build/nas/aoe-target-armv5te,$PAGE_TARGET," "$1" >"$TMP/.block"
    if has_word "$1" client; then
        on_client <"$TMP/.block"
    else
        on_nas <"$TMP/.block" || ends_with_the_nas "$1" $?
    fi
}
# The shell that switches the NAS off may be ended with everything else there.
ends_with_the_nas() { # BLOCK STATUS
    [ "$2" = $((128 + 15)) ] && grep -qx poweroff "$1"
}
page_block() { # BLOCK
    local where=nas
    has_word "$1" client && where=client
    touch "$1.was-run"
    if has_word "$1" foreground; then
        on_nas_foreground "$(cat "$1")"
        return
    fi
    check "$page_kind: $(cat "$1.heading"): on the $where: $(head -n 1 "$1" | cut -c 1-50)" \
        run_block "$1"
}

hook() { # FUNCTION
    ! declare -F "$1" >/dev/null || "$1"
}

# page_play FROM TO: the blocks from the first to the last of these headings.
page_play() {
    local block heading last='' playing=
    for block in $(page_blocks); do
        heading=$(cat "$block.heading")
        if [ "$heading" != "$last" ]; then
            [ -z "$playing" ] || hook "after_$last"
            [ -z "$playing" ] || [ "$last" != "$2" ] || return 0
            [ "$heading" != "$1" ] || playing=yes
            last=$heading
            [ -z "$playing" ] || hook "before_$heading"
        fi
        if [ -z "$playing" ] || ! of_this_kind "$block"; then continue; fi
        case $(when "$block") in
        '' | foreground) page_block "$block" ;;
        esac
    done
    [ -z "$playing" ] || hook "after_$last"
}

# page_also WORD [nas|client]: all blocks for this kind of NAS with that word.
page_also() {
    local block
    for block in $(page_blocks); do
        has_word "$block" "$1" && has_word "$block" "${2:-$1}" &&
            of_this_kind "$block" && page_block "$block"
    done
}

# ---- the client --------------------------------------------------------------

# page_client NAMESPACE NAMESPACE: its /etc, /mnt and /sbin are this script's own,
# and its ssh leads to the NAS, which is in the second one.
page_client() {
    PAGE_CLIENT=$1 PAGE_NAS=$2
    export TMP # for on_nas_command
    # shellcheck source=tests/lib/fuse.sh
    . "$ROOT/tests/lib/fuse.sh"
    need mkfs.ext3=e2fsprogs e2fsck=e2fsprogs
    losetup --find >/dev/null 2>&1 || skip "no free loop device"
    grep -qw overlay /proc/filesystems || skip "the kernel has no overlayfs"
    mkdir "$TMP/client" "$TMP/etc-upper" "$TMP/etc-work"
    sed -e "s,^STATE=/run/aoe ,STATE=$TMP/run ," -e "s,^PATH=/,PATH=$TMP/sbin:/," \
        "$ROOT/dist/mount.aoe" >"$TMP/client/mount.aoe"
    cat >"$TMP/client/ssh" <<'END'
#!/bin/bash
[ "$1" = root@nas ] || exit 255
. "$TMP/way"
on_nas_command "$2"
END
    declare -f on_nas_command >"$TMP/way"
    chmod 755 "$TMP/client"/*
    in_sbin "mount.aoe=$TMP/client/mount.aoe" "aoe-fuse=$BUILD/aoe-fuse" \
        "aoe-nbd=$BUILD/aoe-nbd"
    mount -t tmpfs none /mnt || fail "cannot mount over /mnt"
    at_exit umount -l /mnt
    mount -t overlay -o "lowerdir=/etc,upperdir=$TMP/etc-upper,workdir=$TMP/etc-work" \
        etc /etc || fail "cannot mount over /etc"
    at_exit umount -l /etc
}

# The disk of the page's NAS: an ext3 with a file, as $PAGE_LOOP, whose device
# the NAS finds as /dev/md4.
page_disk() {
    # In memory: the kernel slows down who writes to a busy disk, and a response
    # that is late makes the client wait before it overwrites.
    mkdir "$TMP/ram"
    mount -t tmpfs none "$TMP/ram" || fail "cannot mount a tmpfs"
    at_exit umount -l "$TMP/ram"
    truncate -s 16M "$TMP/ram/md4"
    mkfs.ext3 -q -F "$TMP/ram/md4" || fail "mkfs.ext3"
    PAGE_LOOP=$(losetup --find --show "$TMP/ram/md4") || skip "no free loop device"
    at_exit let_go "$PAGE_LOOP"
    # shellcheck disable=SC2034 # for the test
    PAGE_MINOR=${PAGE_LOOP#/dev/loop}
    mkdir "$TMP/.once"
    mount "$PAGE_LOOP" "$TMP/.once" || fail "cannot mount the disk"
    head -c 1M /dev/urandom >"$TMP/photo"
    cp "$TMP/photo" "$TMP/.once/"
    umount "$TMP/.once"
}

# page_share TREE: what stands for the NAS's file sharing.
page_share() {
    mkdir -p "$1/DataVolume"
    cat >"$1/etc/init.d/samba" <<'END'
#!/bin/sh
PID=/var/run/samba.pid
case $1 in
start)
    (cd /DataVolume && exec sleep 100000) </dev/null >/dev/null 2>&1 &
    echo $! >$PID
    ;;
stop)
    kill "$(cat $PID)"
    while kill -0 "$(cat $PID)" 2>/dev/null; do sleep 1; done
    ;;
esac
END
    chmod 755 "$1/etc/init.d/samba"
}
share_is_back() {
    on_nas <<'END'
grep " /DataVolume " /proc/mounts
kill -0 "$(cat /var/run/samba.pid)"
END
}

discovered() {
    "$PAGE_CLIENT" aoe discover -i eth0 | grep -q '^e1\.2 '
}

# ---- what the page promises --------------------------------------------------

targets() {
    on_nas <<<'pidof aoe-target'
}
after_try_it_by_hand() {
    on_nas <<<"kill -INT $(targets)" # Ctrl-C
    check "$page_kind: Ctrl-C ends it" finished foreground
}
comes_back() {
    local old
    eventually targets && old=$(targets) || return
    on_nas <<<"kill -KILL $old" && eventually another "$old"
}
another() {
    local now
    sleep 0.1
    now=$(targets) && [ "$now" != "$1" ]
}
before_is_it_running_and_how_fast() {
    check "$page_kind: killed, it comes back" comes_back
    check "$page_kind: and is found" eventually discovered
}

# A client sees what the NAS had, and the other way round.
client_has() { # FILE
    cmp "$TMP/photo" "/mnt/disk/$1"
}
copies() {
    cp "$TMP/photo" /mnt/disk/copy && sync -f /mnt/disk
}
before_switch_it_off() {
    check "$page_kind: what the NAS had is there" client_has photo
    check "$page_kind: it copies" copies
}
mounts_again() {
    "$PAGE_CLIENT" mount /mnt/disk && client_has copy && umount /mnt/disk
}
after_switch_it_off() {
    check "$page_kind: the NAS goes off" goes_off
    on
    check "$page_kind: switched on again, it serves" in_a_minute discovered
    check "$page_kind: the client mounts it again" mounts_again
}

# From trying it to the share again; the disk is free.
page_story() {
    page_play try_it_by_hand switch_it_off
    page_also stop
    check "$page_kind: stopped, it is gone" not discovered
    page_also start
    check "$page_kind: started, it is there" eventually discovered
    page_also newdisk
    page_also back client
    page_also stop
    page_also back nas
    check "$page_kind: the box has its share again" share_is_back
    check "$page_kind: no command of the page was left out" nothing_left
    check "$page_kind: above each block stands where it is run" places_are_told
}
nothing_left() {
    ! page_left | grep .
}
# A reader sees no words behind ```sh: the place stands above the block.
places_are_told() {
    local block place wrong=0
    for block in $(page_blocks); do
        place='*On the NAS:*'
        ! has_word "$block" client || place='*On the client:*'
        [ "$(cat "$block.above")" = "$place" ] ||
            { echo "not above: $place: $(head -n 1 "$block")" && wrong=1; }
    done
    return $wrong
}
# The blocks for this kind of NAS that were not run.
page_left() {
    local block
    for block in $(page_blocks); do
        [ -e "$block.was-run" ] || ! of_this_kind "$block" ||
            echo "not run: $(cat "$block.heading"): $(head -n 1 "$block")"
    done
}
