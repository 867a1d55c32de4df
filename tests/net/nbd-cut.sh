#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Clients of aoe-nbd that disconnect, shut down their side or stall at each byte of a
# session, on real sockets, while others keep working beside them.

. "$(dirname "$0")/../lib/net.sh"
need nbdcopy=libnbd-bin fio python3
network 9000

SIZE=$((8 << 20))
SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
truncate -s "$SIZE" "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'
start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$SOCK"
await nbd 'serving'

# These clients use the last 64 KiB; each ends the same session one byte later, in
# one of three ways, and a good client beside it has to be answered each time.
cat >"$TMP/cut.py" <<'END'
import socket, struct, sys
path, base = sys.argv[1], int(sys.argv[2])
option = lambda n, data=b"": b"IHAVEOPT" + struct.pack(">II", n, len(data)) + data
def request(command, offset, length, flags=0):
    head = struct.pack(">IHHQQI", 0x25609513, flags, command, 7, base + offset, length)
    return head + (bytes(length) if command == 1 else b"")
go = struct.pack(">I", 4) + b"e1.2" + struct.pack(">HH", 1, 3)
start = struct.pack(">I", 3) + option(3) + option(8) + option(9, struct.pack(">I", 4) + b"e1.2" + bytes(4))
session = start + option(7, go) + request(0, 0, 4096) + request(1, 3, 600) + \
    request(1, 4096, 512, 1) + request(3, -base, 0) + request(6, 1, 5000) + request(4, 0, 512) + request(2, 0, 0)
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    return s
def exactly(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        assert part, "the good connection was closed"
        data += part
    return data
good = connect()
exactly(good, 18)
good.sendall(struct.pack(">I", 3) + option(1))
exactly(good, 10)
stalled = []
for at in range(len(session) + 1):
    for way in ("close", "shut", "stall"):
        s = connect()
        s.sendall(session[:at])
        if way == "close":
            s.close()
        elif way == "shut":
            s.shutdown(socket.SHUT_WR)
            try:
                while s.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            s.close()
        else:
            stalled.append(s)
            if len(stalled) > 100:
                stalled.pop(0).close()
    good.sendall(request(0, 0, 512))
    assert exactly(good, 16)[4:8] == bytes(4), "the good connection got an error"
    exactly(good, 512)
print(len(session), "bytes")
END
start load host fio --name=v --ioengine=nbd --uri="$URI" --rw=randwrite \
    --bsrange=512-16k --size=7M --iodepth=8 --verify=crc32c --verify_fatal=1 \
    --verify_state_save=0 --loops=1000
check "cut and stalled at every byte, a good client beside it gets its answers" \
    python3 "$TMP/cut.py" "$SOCK" $((SIZE - 65536))
check "and another one keeps working" alive load
end load
check "nothing was written where only it writes" \
    fio --name=v --ioengine=nbd --uri="$URI" --rw=randwrite --bs=4k --size=7M \
    --verify=crc32c --verify_fatal=1 --verify_state_save=0
check "the server is there" nbdcopy "$URI" null:
stop nbd

# ---- hanging up with work at the disk -------------------------------------------

# Thirty clients for each state one can be in; the target is stopped meanwhile, so
# that their requests are still in flight when they hang up.  Each has a range of its
# own: a write that was sent twice holds back those that overlap it (time-wait).
cat >"$TMP/hangup.py" <<'END'
import os, selectors, signal, socket, struct, sys
path, target, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
option = lambda n, data=b"": b"IHAVEOPT" + struct.pack(">II", n, len(data)) + data
offset = 0
request = lambda command, length, flags=0: struct.pack(">IHHQQI", 0x25609513, flags, command, 7, offset if length else 0, length)
go = struct.pack(">I", 3) + option(7, struct.pack(">I", 4) + b"e1.3" + bytes(2))
states = {
    "greeted": lambda: b"", "mid-option": lambda: go[:15], "idle": lambda: go,
    "mid-header": lambda: go + request(1, 4096)[:13],
    "mid-payload": lambda: go + request(1, 4096) + bytes(1000),
    "mid-long-payload": lambda: go + request(1, 1 << 20) + bytes(200000),
    "between-pieces": lambda: go + request(1, 1 << 20) + bytes(131072),
    "long-payload-waits-for-memory": lambda: go + request(1, 8 << 20) + bytes(2000000),
    "long-fua-but-one-byte": lambda: go + request(1, 300000, 1) + bytes(299999),
    "in-line-for-memory": lambda: go + request(0, 1 << 20) + request(0, 1 << 20),
    "replies-queued": lambda: go + request(0, 1 << 20),
    "flush": lambda: go + request(1, 4096) + bytes(4096) + request(3, 0),
    "disconnecting": lambda: go + request(1, 300000) + bytes(300000) + request(2, 0),
}
os.kill(target, signal.SIGSTOP)
clients = []
try:
    for state in states.values():
        for i in range(30):
            offset += 2 << 20
            said = state()
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            s.setblocking(False)
            sent = 0
            try:
                while sent < len(said):
                    sent += s.send(said[sent:])
            except BlockingIOError:
                pass # it is not read from
            clients.append(s)
    for s in clients:
        if way == "shut":
            s.shutdown(socket.SHUT_WR)
        else:
            s.close()
finally:
    os.kill(target, signal.SIGCONT)
ends = selectors.DefaultSelector()
for s in clients if way == "shut" else []:
    ends.register(s, selectors.EVENT_READ)
while ends.get_map():
    for key, _ in ends.select(20) or sys.exit("a connection is not closed"):
        try:
            if key.fileobj.recv(1 << 20):
                continue
        except ConnectionResetError:
            pass
        ends.unregister(key.fileobj)
END
truncate -s 1G "$TMP/large"
stop target
start target nas aoe-target 1 3 eth0 "$TMP/large"
await target 'e1\.3: serving'
URI="nbd+unix:///e1.3?socket=$SOCK"
sockets() {
    find "/proc/${PID[nbd]}/fd" -lname 'socket:*' 2>/dev/null | wc -l
}
resident() {
    awk '$1 == "VmRSS:" { print $2 }' "/proc/${PID[nbd]}/status"
}
served() {
    nbdinfo --size "$URI"
}
all_gone() {
    [ "$(sockets)" = "$before" ]
}
hang_up() { # close|shut
    python3 "$TMP/hangup.py" "$SOCK" "${PID[target]}" "$1" &&
        { eventually all_gone || { echo "$(sockets) sockets, not $before" && false; }; }
}
again() { # its queues once passed the turn around in an endless loop
    hang_up close && hang_up shut && hang_up close && hang_up shut
}
for mib in 64 4; do # with so little, most have to queue
    start nbd host aoe-nbd serve e1.3 -i eth0 --unix "$SOCK" --memory "$mib"
    await nbd 'serving'
    served >"$TMP/size"
    before=$(sockets)
    check "$mib MiB: thirty that close in each state leave nothing" hang_up close
    check "$mib MiB: nor do thirty that shut down their side" hang_up shut
    memory=$(resident)
    check "$mib MiB: and again, and again" again
    # Sanitizers keep what is freed for a while.
    if [[ $BUILD = */san ]]; then
        skip_check "$mib MiB: memory" "a sanitizer's own memory grows"
    else
        check "$mib MiB: nor does memory grow: $memory KiB, and then $(resident)" \
            test "$(resident)" -lt $((memory + 1024))
    fi
    check "$mib MiB: and it serves" served
    stop nbd
done
