# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Debian packages of another architecture, unpacked into the cache, without
# telling this machine's package manager of them: libraries, vblade and busybox
# for guests.  Source it; it needs apt-get and dpkg.
#
#     foreign_packages armel vblade libc6 || skip "no vblade for armel"
#     ls "$(foreign_tree armel)/usr/sbin/vblade"

AOEKIT_CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/aoekit

foreign_tree() { # ARCHITECTURE
    echo "$AOEKIT_CACHE/$1"
}

# foreign_apt TOOL ARCHITECTURE ARGUMENT...: apt-get or apt-cache with lists of
# its own.
foreign_apt() {
    local tool=$1 arch=$2 own
    own=$(foreign_tree "$arch")/.apt
    shift 2
    mkdir -p "$own"/{lists,archives}/partial &&
        "$tool" -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
            -o Dir::State::lists="$own/lists" -o Dir::Cache="$own" \
            -o Dir::State::status=/dev/null -o APT::Sandbox::User=root "$@"
}

# One list of several may fail, while a mirror is being filled: a package that is
# in another is found all the same.
foreign_update() { # ARCHITECTURE
    foreign_apt apt-get "$1" update || true
}

# foreign_newest ARCHITECTURE REGULAR-EXPRESSION: the package whose name matches
# and has the highest version in it.
foreign_newest() {
    foreign_update "$1"
    foreign_apt apt-cache "$1" --names-only search "$2" |
        cut -d' ' -f1 | sort -V | tail -n 1 | grep .
}

# foreign_download ARCHITECTURE DIR PACKAGE...
foreign_download() {
    local arch=$1 dir=$2
    shift 2
    foreign_update "$arch"
    mkdir -p "$dir" && (cd "$dir" && foreign_apt apt-get "$arch" download "$@")
}

# foreign_packages ARCHITECTURE PACKAGE...: unpacks each once.
foreign_packages() {
    local arch=$1 tree package deb missing=()
    tree=$(foreign_tree "$arch")
    shift
    mkdir -p "$tree/.have" || return
    exec {FOREIGN_LOCK}>"$tree.lock"
    flock "$FOREIGN_LOCK"
    for package; do
        [ -e "$tree/.have/$package" ] || missing+=("$package")
    done
    if [ ${#missing[@]} != 0 ]; then
        foreign_download "$arch" "$tree/.debs" "${missing[@]}" || return
        for deb in "$tree"/.debs/*.deb; do
            dpkg -x "$deb" "$tree" || return
        done
        touch "${missing[@]/#/$tree/.have/}"
        rm -rf "$tree/.debs" "$tree/.apt"
    fi
    exec {FOREIGN_LOCK}>&-
}

# foreign_libraries TREE PROGRAM: the files in the tree that the program's loader
# looks for, and the loader.  False if one is not there.
foreign_libraries() {
    local tree=$1 queue=("$2") wanted file found told=' '
    while [ ${#queue[@]} != 0 ]; do
        file=${queue[0]}
        queue=("${queue[@]:1}")
        for wanted in $(foreign_needed "$file"); do
            [[ $told != *" $wanted "* ]] || continue
            told+="$wanted "
            found=$(find "$tree"/lib "$tree"/usr/lib -name "$wanted" -print -quit)
            [ -n "$found" ] || { echo "$file needs $wanted" >&2 && return 1; }
            echo "$found"
            queue+=("$found")
        done
    done
}
foreign_needed() {
    readelf -ld "$1" | sed -n 's/.*Shared library: \[\(.*\)\]/\1/p
        s,.*program interpreter: .*/\(.*\)\],\1,p'
}
