#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-nbd serve started by others: with a socket that is listening already
# (LISTEN_FDS), and reporting its state to a service manager (NOTIFY_SOCKET).

. "$(dirname "$0")/../lib/net.sh"
need nbdinfo=libnbd-bin nbdcopy=libnbd-bin qemu-io=qemu-utils python3
network 1500
host ip link set lo up

SIZE=$((8 << 20))
head -c "$SIZE" /dev/urandom >"$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

# ---- sockets from elsewhere ----------------------------------------------------

check "nbdinfo [ aoe-nbd ... ]" \
    says "^$SIZE\$" host nbdinfo --size -- [ aoe-nbd serve e1.2 -i eth0 ]
check "nbdcopy [ aoe-nbd ... ] FILE" \
    host nbdcopy -- [ aoe-nbd serve e1.2 -i eth0 -r ] "$TMP/copy"
check "it is the disk" cmp "$TMP/disk" "$TMP/copy"
head -c "$SIZE" /dev/urandom >"$TMP/other"
check "nbdcopy FILE [ aoe-nbd ... ]" \
    host nbdcopy --flush -- "$TMP/other" [ aoe-nbd serve e1.2 -i eth0 ]
check "it has arrived" cmp "$TMP/disk" "$TMP/other"

# activated FAMILY COMMAND...: runs it with a listening socket as descriptor 3, whose
# address it prints first; FDS and PID may be wrong on purpose.
cat >"$TMP/activate.py" <<'END'
import os, socket, sys
family, command = sys.argv[1], sys.argv[2:]
if family == "tcp":
    s = socket.create_server(("127.0.0.1", 0))
    print("port", s.getsockname()[1], flush=True)
else:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if family == "dgram" else socket.SOCK_STREAM)
    s.bind("\0" + family[1:] if family[0] == "@" else os.environ["WHERE"])
    if family != "dgram":
        s.listen()
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.setdefault("LISTEN_FDS", "1")
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.execvp(command[0], command)
END
export WHERE=$TMP/passed.sock
start nbd host python3 "$TMP/activate.py" unix aoe-nbd serve e1.2 -i eth0
await nbd "serving $SIZE bytes on nbd\\+unix:///e1\\.2\\?socket=$WHERE\$"
check "a unix socket" says "^$SIZE\$" nbdinfo --size "nbd+unix:///?socket=$WHERE"
stop nbd
check "its file is not ours to remove" test -S "$WHERE"
rm "$WHERE"
start nbd host python3 "$TMP/activate.py" tcp aoe-nbd serve e1.2 -i eth0
await nbd 'serving'
port=$(awk '$1 == "port" { print $2 }' "$(log_of nbd)")
check "a TCP socket" grep -q "on nbd://127.0.0.1:$port/e1.2" "$(log_of nbd)"
check "and it serves" says "^$SIZE\$" host nbdinfo --size "nbd://127.0.0.1:$port"
stop nbd
check "--unix beside it is refused" refuses 2 'LISTEN_FDS' \
    host python3 "$TMP/activate.py" @aoe-nbd-$$ \
    aoe-nbd serve e1.2 -i eth0 --unix "$TMP/x"
check "a socket that is not listening is refused" \
    refuses 1 'descriptor 3: not a stream socket' \
    host python3 "$TMP/activate.py" dgram aoe-nbd serve e1.2 -i eth0
check "sockets for another process are ignored" refuses 2 'one of --unix' \
    host env LISTEN_PID=1 python3 "$TMP/activate.py" @aoe-nbd-$$ \
    aoe-nbd serve e1.2 -i eth0
check "... and so is a bad number of them" refuses 2 'one of --unix' \
    host env LISTEN_FDS=-1 python3 "$TMP/activate.py" @aoe-nbd-$$ \
    aoe-nbd serve e1.2 -i eth0

# ---- the service manager -------------------------------------------------------

cat >"$TMP/manager.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1) if sys.argv[1][0] == "@" else sys.argv[1])
print("bound", flush=True)
while True:
    print("got", s.recv(4096).decode(), flush=True)
END
for address in "$TMP/notify" "@aoe-nbd-notify-$$"; do
    start manager host python3 "$TMP/manager.py" "$address"
    await manager bound
    start nbd host env NOTIFY_SOCKET="$address" \
        aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd.sock"
    await manager 'got READY=1'
    check "READY=1 to ${address%-*}: clients are served" \
        nbdinfo --size "nbd+unix:///?socket=$TMP/nbd.sock"
    mark manager
    stop nbd
    await manager 'got STOPPING=1'
    check "STOPPING=1 at the end" true
    end manager
    rm -f "$TMP/notify"
done
start nbd host env NOTIFY_SOCKET=/nobody/there \
    aoe-nbd serve e1.2 -i eth0 --unix "$TMP/nbd.sock"
await nbd serving
check "without a manager there, it serves all the same" alive nbd
stop nbd

# ---- several disks -------------------------------------------------------------

truncate -s 4M "$TMP/second"
start second nas aoe-target 1 3 eth0 "$TMP/second"
await second 'e1\.3: serving'
URI="nbd+unix:///e1.3?socket=$TMP/nbd.sock"
start nbd host aoe-nbd serve e1.3 e1.2 -i eth0 --unix "$TMP/nbd.sock"
await nbd "e1\\.2: serving $SIZE bytes on nbd\\+unix:///e1\\.2\\?socket=$TMP/nbd.sock"
check "a line for each" grep -q 'e1\.3: serving 4194304 bytes' "$(log_of nbd)"
check "all are listed" test "$(nbdinfo --list "$URI" | grep -c '^export="e1\.[23]"')" = 2
check "with what they are" says '^.*description: .*, serial .*, ' nbdinfo --list "$URI"
check "the first is the default" \
    says '^4194304$' nbdinfo --size "nbd+unix:///?socket=$TMP/nbd.sock"
check "each by its name" \
    says "^$SIZE\$" nbdinfo --size "nbd+unix:///e1.2?socket=$TMP/nbd.sock"
check "what is written to one" qemu-io -f raw -t unsafe -c 'write -P 7 4k 4k' "$URI"
check "is not on the other" nbdcopy --synchronous \
    "nbd+unix:///e1.2?socket=$TMP/nbd.sock" "$TMP/copy"
check "as it was" cmp "$TMP/copy" "$TMP/disk"
stop nbd
check "it is on the first one" test "$(xxd -s 4096 -l 2 -p "$TMP/second")" = 0707
check "one that is missing is named" refuses 1 \
    'serve: e1\.9: no answer' host aoe-nbd serve e1.2 e1.9 -w 1 -i eth0 --unix "$TMP/x"
check "one named twice is refused" refuses 2 '1\.2: named twice' \
    aoe-nbd serve e1.2 e1.3 1.2 -i eth0 --unix "$TMP/x"
