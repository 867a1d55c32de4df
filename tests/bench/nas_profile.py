#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a guest executed between two moments, from the file of count.c.

    nas_profile.py snapshot COUNTS FILE
    nas_profile.py report BEFORE AFTER REQUESTS [--kernel SYMBOLS] [--maps MAPS]
                   [--program PATH=FILE]... [--profile OUT]

snapshot keeps the counters of this moment.  report prints the instructions a
request in user space, in the kernel, and of both; into OUT it writes those of each
symbol, most first.  SYMBOLS is a System.map or /proc/kallsyms; MAPS /proc/PID/maps
of the server, whose PATHs in the guest are FILEs here (symbols from nm).
"""
import argparse
import bisect
import collections
import shutil
import struct
import subprocess

HEADER = struct.Struct('=3Q')  # struct counts of count.c
BLOCK = struct.Struct('=2Q')


def snapshot(counts, to):
    with open(counts, 'rb') as source, open(to, 'wb') as copy:
        blocks = HEADER.unpack(source.read(HEADER.size))[0]
        source.seek(0)
        copy.write(source.read(HEADER.size + blocks * BLOCK.size))


class Counts:
    def __init__(self, path):
        with open(path, 'rb') as f:
            data = f.read()
        _, self.user, self.kernel = HEADER.unpack_from(data)
        self.blocks = list(BLOCK.iter_unpack(data[HEADER.size:]))

    def since(self, before):
        """The instructions of each address."""
        executed = collections.Counter()
        for i, (address, n) in enumerate(self.blocks):
            if i < len(before.blocks):
                n -= before.blocks[i][1]
            if n:
                executed[address] += n
        return executed


class Symbols:
    """Names by address, from the lines of nm."""

    def __init__(self, lines):
        found = []
        for line in lines:
            word = line.split()
            # $a, $d and $t mark code and data; A is no place.
            if len(word) >= 3 and word[1] in 'tTwW' and word[2][0] != '$':
                found.append((int(word[0], 16), word[2]))
        self.found = sorted(found)
        self.addresses = [address for address, _ in self.found]

    def name(self, address):
        i = bisect.bisect_right(self.addresses, address) - 1
        return self.found[i][1] if i >= 0 else None


def symbols_of(path):
    nm = shutil.which('arm-linux-gnueabi-nm') or 'nm'
    text = subprocess.run([nm, '-C', path], capture_output=True, text=True, check=False)
    return Symbols(text.stdout.splitlines())


class Program:
    """The user space of the server: what is mapped where."""

    def __init__(self, maps, programs):
        self.ranges = []
        self.symbols = {path: symbols_of(file) for path, file in programs.items()}
        for line in maps:
            word = line.split()
            if len(word) > 5 and 'x' in word[1]:
                start, end = (int(x, 16) for x in word[0].split('-'))
                self.ranges.append((start, end, word[5]))

    def name(self, address):
        for start, end, path in self.ranges:
            if start <= address < end:
                symbols = self.symbols.get(path)
                # Only programs linked to fixed addresses are given as FILE.
                name = symbols.name(address) if symbols else None
                return f'user {name or path}'
        return 'user (others)'


def name_of(address, kernel, program):
    if address < 0xbf000000 or 0xffff0f00 <= address < 0xffff1000:
        return program.name(address)
    return kernel.name(address) or 'kernel'


def lines_of(path):
    if not path:
        return []
    with open(path, encoding='latin1') as f:
        return f.read().splitlines()


def report(args):
    before, after = Counts(args.before), Counts(args.after)
    n = args.requests
    user, kernel = (after.user - before.user) / n, (after.kernel - before.kernel) / n
    print(f'{user:.0f} {kernel:.0f} {user + kernel:.0f}')
    if not args.profile:
        return
    programs = dict(word.split('=', 1) for word in args.program)
    kernel_symbols = Symbols(lines_of(args.kernel))
    program = Program(lines_of(args.maps), programs)
    by_name = collections.Counter()
    for address, executed in after.since(before).items():
        by_name[name_of(address, kernel_symbols, program)] += executed
    with open(args.profile, 'w', encoding='utf-8') as out:
        for name, executed in by_name.most_common():
            if executed / n >= 0.5:
                print(f'{executed / n:8.0f}  {name}', file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest='command', required=True)
    one = commands.add_parser('snapshot')
    one.add_argument('counts')
    one.add_argument('to')
    one = commands.add_parser('report')
    one.add_argument('before')
    one.add_argument('after')
    one.add_argument('requests', type=float)
    one.add_argument('--kernel')
    one.add_argument('--maps')
    one.add_argument('--program', action='append', default=[])
    one.add_argument('--profile')
    args = parser.parse_args()
    if args.command == 'snapshot':
        snapshot(args.counts, args.to)
    else:
        report(args)


if __name__ == '__main__':
    main()
