#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Numbered blocks: which of what was written must be on a medium.

load    writes blocks over NBD, each sector with its block's number and a count
        that only grows, flushes now and then, and keeps a record of what was
        written, answered, and covered by a flush that succeeded.  A flush that
        fails covers nothing: what it should have covered may be lost.
verify  holds an image against the record: each sector must be at least as new
        as the last flush that covered it, and was written.
"""

import argparse
import mmap
import os
import random
import signal
import struct
import sys
import time

BLOCK, SECTOR = 4096, 512
BLOCKS = 512
WRITTEN, ANSWERED, FLUSHED = range(3)


class Record:
    """Three counts for each block, in a file that others may read meanwhile."""

    def __init__(self, name):
        fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, 3 * 8 * BLOCKS)
        self.map = mmap.mmap(fd, 3 * 8 * BLOCKS)
        os.close(fd)

    def get(self, what, block):
        return struct.unpack_from("<Q", self.map, 8 * (3 * block + what))[0]

    def set(self, what, block, count):
        struct.pack_into("<Q", self.map, 8 * (3 * block + what), count)


class Load:
    """Batches of writes to different blocks, and flushes between them."""

    def __init__(self, uri, record):
        import nbd  # only the system's python has it, and verify needs none

        self.nbd = nbd.NBD()
        self.error = nbd.Error
        self.nbd.connect_uri(uri)
        self.record = record
        self.count = max(record.get(WRITTEN, b) for b in range(BLOCKS))
        self.pending = {}  # answered, and no flush has said anything of it
        self.flushes = self.told = self.failed = 0
        self.ended = False

    def eio(self, e):
        if e.errno != "EIO":
            raise e

    def batch(self):
        cookies = []
        for block in random.sample(range(BLOCKS), 16):
            self.count += 1
            self.record.set(WRITTEN, block, self.count)
            data = struct.pack("<QQ", block, self.count) * (BLOCK // 16)
            cookie = self.nbd.aio_pwrite(data, block * BLOCK)
            cookies.append((cookie, block, self.count))
        for cookie, block, count in cookies:
            try:
                while not self.nbd.aio_command_completed(cookie):
                    self.nbd.poll(-1)
            except self.error as e:
                self.eio(e)
                self.failed += 1
                continue
            self.record.set(ANSWERED, block, count)
            self.pending[block] = count

    def flush(self):
        pending, self.pending = self.pending, {}
        try:
            self.nbd.flush()
        except self.error as e:
            self.eio(e)
            self.told += 1
            return
        for block, count in pending.items():
            self.record.set(FLUSHED, block, count)
        self.flushes += 1
        if self.flushes % 10 == 0:
            print("flushed", self.flushes, "told", self.told, flush=True)

    def run(self):
        signal.signal(signal.SIGTERM, self.end)
        print("begun", flush=True)
        while not self.ended:
            failed = self.failed
            self.batch()
            if self.failed > failed:
                time.sleep(0.05)  # not all of the CPU for a disk that is gone
            if random.random() < 0.3:
                self.flush()
        self.flush()
        print("ended: told", self.told, "failed", self.failed, flush=True)

    def end(self, *_):
        self.ended = True


def sectors(image):
    """For each block, the counts that its sectors have in the image."""
    with open(image, "rb") as f:
        for block in range(BLOCKS):
            counts = []
            for at in range(0, BLOCK, SECTOR):
                data = f.read(SECTOR)
                number, count = struct.unpack_from("<QQ", data)
                if data != data[:16] * (SECTOR // 16):
                    sys.exit(f"block {block}, byte {at}: neither old nor new")
                if count and number != block:
                    sys.exit(f"block {block}, byte {at}: it is block {number}")
                counts.append(count)
            yield block, counts


def verify(record, image):
    lost = bad = 0
    for block, counts in sectors(image):
        flushed = record.get(FLUSHED, block)
        if min(counts) < flushed or max(counts) > record.get(WRITTEN, block):
            print(f"block {block}: {counts}, flushed {flushed}")
            bad += 1
        lost += min(counts) < record.get(ANSWERED, block)
    print("answered and not there:", lost)
    flushed = sum(record.get(FLUSHED, b) > 0 for b in range(BLOCKS))
    print("flushed:", flushed)
    return 1 if bad or not flushed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in ("load", "uri"), ("verify", "image"):
        command = commands.add_parser(name)
        command.add_argument("record")
        command.add_argument(what)
    args = parser.parse_args()
    record = Record(args.record)
    if args.command == "verify":
        sys.exit(verify(record, args.image))
    Load(args.uri, record).run()


main()
