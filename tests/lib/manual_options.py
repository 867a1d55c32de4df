# SPDX-License-Identifier: BSD-2-Clause
"""Compares the options that --help shows with those in the manual page, in both
directions, and prints each that is missing on one side.

    manual_options.py PAGE [SUBCOMMAND=]HELP-FILE...
    manual_options.py --keys PAGE HELP-FILE     for NAME=VALUE instead of options

A page must have a list item (.It) for each option, and each synopsis must have
each option of its subcommand unless it has "[OPTION ...]"."""
import re
import sys

# Every program and subcommand takes these; the synopses need not say so.
COMMON = {"-h", "--help", "-V", "--version", "-v", "--verbose"}
MACRO = r"\b(?:Ar|Cm|Dv|Fl|Li|Ns|Nm|Oc|Oo|Op|Pa|Pq|Ql|Sx|Xr)\b"
OPTION = r"--?[A-Za-z][a-z-]*"


def of_macro(line, macro):
    """The text that an mdoc line gives to a macro, up to the next one."""
    return re.findall(rf"\b{macro} (.*?)(?=\s*(?:{MACRO}|$))", line)


def page_options(line):
    """The options of its Fl macros; punctuation between two does not end one."""
    line = line.replace("Fl Fl ", "Fl --")
    words = re.findall(r"[A-Za-z-]+", " ".join(of_macro(line, "Fl")))
    return split_options(" ".join(word if word.startswith("--") else "-" + word for word in words))


def read_page(path):
    """What list items describe, and of each synopsis its options and whether
    it is complete."""
    options, keys, synopses = set(), set(), {}
    section = command = None
    for line in open(path, encoding="utf-8"):
        if line.startswith(".Sh "):
            section = line[4:].strip()
        elif line.startswith(".It "):
            options |= page_options(line)
            keys |= set(re.findall(r"[a-z][a-z_-]*", " ".join(of_macro(line, "Cm"))))
        if section != "SYNOPSIS":
            continue
        if line.startswith(".Nm"):
            # mount(8) and nbdkit have options of their own.
            command = "" if line.strip() == ".Nm" else None
        elif line.startswith(".Cm ") and command == "":
            command = line[4:].strip()
        if command is not None:
            synopsis = synopses.setdefault(command, {"options": set(), "complete": True})
            synopsis["options"] |= page_options(line)
            synopsis["complete"] &= line.strip() != ".Op Ar OPTION ..."
    return options, keys, synopses


def read_help(path):
    """The rows of its table, each a list of options that mean the same; the
    options of its usage in brackets; and all that its usage mentions."""
    lines = open(path, encoding="utf-8").read().split("\n")
    table = [re.match(rf" +({OPTION}(?:, {OPTION})*)", line) for line in lines]
    rows = [row[1].split(", ") for row in table if row]
    bracketed = split_options(" ".join(re.findall(r"\[(-[^\]]*)\]", "\n".join(lines))))
    usage = lines[: lines.index("")] if "" in lines else lines
    return rows, bracketed, split_options("\n".join(usage))


def split_options(text):
    """-x, --long, and each letter of -xyz."""
    found = set()
    for option in re.findall(rf"(?<![A-Za-z-]){OPTION}", text):
        found |= {option} if option.startswith("--") else {"-" + letter for letter in option[1:]}
    return found


def help_keys(path):
    rows = [re.match(r" *\[?([a-z][a-z-]*)(?:=|  )", line) for line in open(path, encoding="utf-8")]
    return {row[1] for row in rows if row}


def compare_synopsis(command, rows, known, synopsis):
    for option in sorted(synopsis["options"] - known - COMMON):
        yield f"--help of {command or 'the program'} lacks {option}, which its synopsis has"
    for row in rows:
        if synopsis["complete"] and not set(row) & (synopsis["options"] | COMMON):
            yield f"the synopsis of {command or 'the program'} lacks {row[0]}"


def compare_options(page, helps):
    described, _, synopses = read_page(page)
    shown = set()
    for argument in helps:
        command, _, path = argument.rpartition("=")
        rows, bracketed, usage = read_help(path)
        ours = {option for row in rows for option in row} | bracketed
        shown |= ours
        if command not in synopses:
            yield f"no synopsis of {command}"
        else:
            yield from compare_synopsis(command, rows, ours | usage, synopses[command])
    for option in sorted(shown - described - COMMON):
        yield f"no list item describes {option}"
    for option in sorted(described - shown - COMMON):
        yield f"no --help shows {option}"


def compare_keys(page, path):
    _, described, _ = read_page(page)
    shown = help_keys(path)
    for key in sorted(shown - described):
        yield f"no list item describes {key}"
    for key in sorted(described - shown):
        yield f"--help does not show {key}"


def main(arguments):
    if arguments[0] == "--keys":
        wrong = list(compare_keys(*arguments[1:]))
    else:
        wrong = list(compare_options(arguments[0], arguments[1:]))
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main(sys.argv[1:]))
