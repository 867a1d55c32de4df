#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tables of nas.sh: nas_table.py DIR reads nas-runs.tsv and nas-tcp-runs.tsv
there, prints them in Markdown, and writes nas-ratios.tsv for the plot."""
import collections
import os
import statistics
import sys

# What aoe-target may cost, times vblade: on tmpfs; everywhere else it is 1.0.
REQUIRED = {
    'arm926': dict(r2rand=1.0, r2seq=0.9, w2seq=1.0, r16seq=1.0, w16seq=1.0),
    'armv7': dict(r2rand=0.95, r2seq=0.85, w2seq=0.9, r16seq=0.95, w16seq=0.95),
}
LOADS = dict(r2rand='MTU 1500, 2 sectors, random read',
             r2seq='MTU 1500, 2 sectors, sequential read',
             w2seq='MTU 1500, 2 sectors, sequential write',
             r16seq='MTU 9000, 16 sectors, sequential read',
             w16seq='MTU 9000, 16 sectors, sequential write')


def runs(path, names):
    """The columns of the runs by machine, row and server, in the order of the file."""
    found = collections.OrderedDict()
    if os.path.exists(path):
        with open(path, encoding='ascii') as f:
            for line in f:
                machine, row, server, *figures = line.rstrip('\n').split('\t')
                columns = found.setdefault((machine, row, server), collections.defaultdict(list))
                for name, figure in zip(names, figures):
                    columns[name].append(float(figure or 0))
    return found


def median(columns, name):
    return statistics.median(columns[name])


def required(machine, row):
    place, load = row.rsplit('-', 1)
    return REQUIRED[machine][load] if place == 'tmpfs' else 1.0


def table(title, head, lines):
    print(f'\n## {title}\n')
    print('| ' + ' | '.join(head) + ' |')
    print('|' + '---|' * len(head))
    for line in lines:
        print('| ' + ' | '.join(line) + ' |')


def requests(found, ratios):
    for machine in dict.fromkeys(m for m, _, _ in found):
        lines, memory = [], {}
        for (at, row, server), columns in found.items():
            if at != machine:
                continue
            place, load = row.rsplit('-', 1)
            vblade = found.get((machine, row, 'vblade'))
            total = median(columns, 'total')
            times = total / median(vblade, 'total') if vblade else 0
            need = required(machine, row)
            if vblade and server != 'vblade':
                print(f'{machine}-{row}-{server}\t{times:.3f}\t{need}', file=ratios)
            lines.append([
                f'{place}, {LOADS[load]}', server,
                *(f'{median(columns, name):,.0f}' for name in ('user', 'kernel', 'total')),
                f'{times:.2f}' if times and server != 'vblade' else '',
                f'{need}' if server != 'vblade' else '',
                f'{median(columns, "ops"):,.0f}'])
            most = memory.setdefault((server, LOADS[load].split(',')[0]), [0, 0, 0])
            for i, name in enumerate(('rss', 'anon', 'file')):
                most[i] = max(most[i], *columns[name])
        table(f'{machine}: instructions a request',
              ['Work', 'Server', 'its own', "the kernel's", 'all', 'times vblade',
               'at most', 'requests/s, emulated'], lines)
        table(f'{machine}: resident memory, KiB, the most of all rows',
              ['Server', '', 'all', 'its own pages', "files' and the ring's"],
              [[*key, *(f'{x:.0f}' for x in most)] for key, most in memory.items()])


def over_tcp(found):
    lines = []
    for (machine, row, server), columns in found.items():
        ours = found.get((machine, row, 'aoe-target'))
        total = median(columns, 'total')
        lines.append([machine, row[len('tcp-'):], server,
                      *(f'{median(columns, name):,.0f}' for name in ('user', 'kernel', 'total')),
                      f'{median(ours, "total") / total:.2f}' if ours else ''])
    if lines:
        table('Beside nbd-server and tgt over TCP: instructions a KiB',
              ['Guest', 'MTU and work', 'Server', 'its own', "the kernel's", 'all',
               'aoe-target, times this'], lines)


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, 'nas-ratios.tsv'), 'w', encoding='ascii') as ratios:
        requests(runs(os.path.join(folder, 'nas-runs.tsv'),
                      ('user', 'kernel', 'total', 'ops', 'mbs', 'resent', 'rss', 'anon', 'file')),
                 ratios)
    over_tcp(runs(os.path.join(folder, 'nas-tcp-runs.tsv'), ('user', 'kernel', 'total')))


if __name__ == '__main__':
    main()
