#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The memory of aoe-nbd: little when idle, and bounded whatever clients do: many that
# ask for much and receive nothing, many that send half a write and stall, and one
# that works beside them; a thousand that work at the same time.

. "$(dirname "$0")/../lib/net.sh"
need nbdcopy=libnbd-bin nbdinfo=libnbd-bin python3
network 9000

SIZE=$((128 << 20))
SOCK=$TMP/nbd.sock
URI="nbd+unix:///e1.2?socket=$SOCK"
truncate -s "$SIZE" "$TMP/disk"
start target nas aoe-target 1 2 eth0 "$TMP/disk"
await target 'e1\.2: serving'

# Sanitizers use memory of their own.
[[ $BUILD = */san ]] && skip "sanitizers need more memory than the limit"

# at_most FIELD MIB: of the process, from /proc.
at_most() {
    awk -v field="$1:" -v mib="$2" '$1 == field {
        print $2 / 1024 " MiB"; exit !($2 <= mib * 1024) }' \
        "/proc/${PID[nbd]}/status"
}

# A client by hand: N connections enter transmission and send what MANNER says,
# say "ready" on standard output and hold still until standard input ends.
cat >"$TMP/hold.py" <<'END'
import socket, struct, sys
path, manner, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def exactly(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data
def request(command, offset, length):
    return struct.pack(">IHHQQI", 0x25609513, 0, command, 1, offset, length)
held = []
for i in range(count):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    exactly(s, 18)
    s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 0))
    exactly(s, 10)
    held.append(s)
for s in held:
    s.setblocking(False)
    if manner == "read":
        data = request(0, 0, 32 << 20) * 8
    elif manner == "small":
        data = request(0, 0, 4096) * 600
    else:
        data = request(1, 0, 32 << 20) + bytes((1 << 20) + 77)
    try:
        while data:
            data = data[s.send(data):]
    except BlockingIOError:
        pass
print("ready", flush=True)
sys.stdin.read()
END

# held MANNER COUNT LIMIT: whether a well-behaved client is served and memory stays
# below the limit meanwhile.
held() {
    mkfifo "$TMP/hold.in"
    (exec python3 "$TMP/hold.py" "$SOCK" "$1" "$2" <"$TMP/hold.in" >"$TMP/hold.out" 2>&1) &
    local holder=$!
    exec 9>"$TMP/hold.in"
    eventually grep -q ready "$TMP/hold.out"
    check "$2 clients that hold ${1}s: another one reads all" \
        nbdcopy --connections=1 --requests=4 --request-size=131072 "$URI" null:
    check "and writes" nbdcopy --connections=1 --requests=4 \
        --request-size=131072 --flush "$TMP/disk" "$URI"
    check "the memory stays below $3 MiB" at_most VmHWM "$3"
    exec 9>&-
    wait "$holder"
    rm "$TMP/hold.in" "$TMP/hold.out"
}

# COUNT connections, all with a write and then a read in flight at once.
cat >"$TMP/clients.py" <<'END'
import nbd, resource, sys
uri, count = sys.argv[1], int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
def content(i):
    return (b"%08d" % i) * 1024
clients = []
for i in range(count):
    clients.append(nbd.NBD())
    clients[i].connect_uri(uri)
    if not clients[i].can_multi_conn():
        sys.exit("no MULTI_CONN")
def completed(each):
    for h, cookie in each:
        while not h.aio_command_completed(cookie):
            h.poll(-1)
data = [nbd.Buffer.from_bytearray(bytearray(content(i))) for i in range(count)]
completed([(h, h.aio_pwrite(data[i], i * 8192)) for i, h in enumerate(clients)])
clients[0].flush()
# Each reads what another one wrote.
back = [nbd.Buffer(8192) for h in clients]
completed([(h, h.aio_pread(back[i], (count - 1 - i) * 8192))
           for i, h in enumerate(clients)])
for i in range(count):
    if back[i].to_bytearray() != content(count - 1 - i):
        sys.exit("%d: wrong data" % i)
END

serve() {
    start nbd host aoe-nbd serve e1.2 -i eth0 --unix "$SOCK" "$@"
    await nbd 'serving'
}

serve
check "when idle, below 16 MiB" at_most VmRSS 16
held read 8 80
held write 200 80
held small 200 80
# If there are several python3, the system's has the module.
if env "PATH=/usr/bin:$PATH" python3 -c 'import nbd' 2>/dev/null; then
    check "a thousand connections at work" \
        env "PATH=/usr/bin:$PATH" python3 "$TMP/clients.py" "$URI" 1000
else
    skip_check "a thousand connections at work" "needs python3-libnbd"
fi
held read 300 80
check "nbdcopy, with all its connections" nbdcopy "$URI" null:
check "the most memory it ever had" at_most VmHWM 80
check "the maximum block is 32 MiB" \
    says '"block_size_maximum": 33554432' nbdinfo --json "$URI"
# The memory of clients is freed when they are gone.
check "idle again, below 16 MiB" eventually at_most VmRSS 16
stop nbd

serve --memory 8
held read 8 24
held write 20 24
check "--memory 8: the maximum block is shorter" \
    says '"block_size_maximum": 4194304' nbdinfo --json "$URI"
check "--memory 8: nbdcopy" nbdcopy --connections=4 "$URI" null:
check "--memory 8: the most memory it ever had" at_most VmHWM 24
stop nbd
check "--memory 1 is refused" refuses 2 'aoe-nbd: serve: --memory 1: not a number' \
    aoe-nbd serve e1.2 -i eth0 --unix "$SOCK" --memory 1
