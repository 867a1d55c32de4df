# SPDX-License-Identifier: BSD-2-Clause
"""Files that need each other in a circle: cycles.py OBJECT...

A file needs another if it names a function or variable that the other defines,
as nm(1) tells of their object files.  Prints a line for each circle, with the
names of its files, and with -v what each of them needs of the others."""
import os
import subprocess
import sys


def symbols(obj):
    """What an object defines and what it needs."""
    defined, needed = set(), set()
    for line in subprocess.check_output(["nm", obj], text=True).splitlines():
        kind, name = line.split()[-2:]
        if kind in "UuwvW" and len(line.split()) == 2:
            needed.add(name)
        elif kind in "TDBRCVWG":
            defined.add(name)
    return defined, needed


def reachable(graph, start):
    seen, todo = set(), list(graph[start])
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(graph[node])
    return seen


def main():
    verbose = "-v" in sys.argv
    files = {os.path.basename(o)[:-2]: symbols(o)
             for o in sys.argv[1:] if o != "-v"}
    owner = {s: f for f, (defined, _) in files.items() for s in defined}
    why = {f: {} for f in files}
    for f, (_, needed) in files.items():
        for s in sorted(needed):
            if owner.get(s, f) != f:
                why[f].setdefault(owner[s], []).append(s)
    reach = {f: reachable(why, f) for f in files}
    left = set(files)
    for f in sorted(files):
        circle = sorted(g for g in left if g in reach[f] and f in reach[g])
        left -= set(circle)
        if not circle:
            continue
        print(*circle)
        for a in circle if verbose else ():
            for b in circle:
                if b in why[a]:
                    print(f"  {a} -> {b}: {' '.join(why[a][b])}")


main()
