#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Commands and what they print, out of a page, run.

console.py list PAGE [SECTION]
        one command a line, as JSON: where, who, command, output
console.py run PAGE [--user ID]
        run them in order, in two shells (root's, and that of user ID), and compare
        what they print with what the page shows, as TAP

Commands stand in blocks "code-block:: console" after "$ " (a user) or "# " (root); a
line that begins with "> ", or is ">", goes on with the one before, and so does one after
"\\". What follows is what is printed; a command that shows nothing may print what it likes. A line
"..." stands for any number of lines. Otherwise lines are compared word by word: sizes
may differ by a factor of 4 (1 MiB, where they are smaller), numbers, addresses, and dates
as ls has them may be others.
"""

import argparse
import json
import os
import re
import select
import subprocess
import sys
import time

TIMEOUT_S = 900
FACTOR, FLOOR = 4, 1 << 20
UNITS = {"B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4, "PiB": 5}
SIZE = re.compile(r"([\d.]+) ?(B|KiB|MiB|GiB|TiB|PiB)\b")
# What may be another: a date, of this year or not; an address, a long id in hexadecimal, a
# number.
DATE = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2} +"
                  r"(?:\d\d:\d\d|\d{4})\b")
TOKEN = re.compile(r"0x[0-9a-f]+|\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\d+(?:[.,]\d+)*")


class Mistake(Exception):
    """A page that cannot be understood."""


def blocks(lines, section=None):
    """Yield (line number, line) of the console blocks, of one section if one is named."""
    title, inside, indent = None, False, 0
    for number, line in enumerate(lines, 1):
        if number > 1 and re.fullmatch(r"([=\-~])\1+", line) and lines[number - 2].strip():
            title = lines[number - 2].strip()
        if re.match(r"\s*\.\. code-block:: console$", line):
            inside, indent = True, len(line) - len(line.lstrip())
            yield number, None
        elif inside and line.strip() and len(line) - len(line.lstrip()) <= indent:
            inside = False
        elif inside and (section is None or title == section):
            yield number, line[indent + 3:]


def commands(path, section=None):
    """The commands of a page."""
    with open(path, encoding="utf-8") as page:
        lines = page.read().splitlines()
    out, more = [], False
    for number, line in blocks(lines, section):
        if line is None:
            more = False
        elif more or line == ">" or line.startswith("> "):
            if not out:
                raise Mistake(f"{path}:{number}: nothing to go on with")
            text = line[2:] if line == ">" or line.startswith("> ") else line
            out[-1]["command"] += "\n" + text
            more = text.endswith("\\")
        elif line[:2] in ("$ ", "# "):
            out.append({"line": number, "root": line[0] == "#", "command": line[2:],
                        "output": []})
            more = line.endswith("\\")
        elif line.strip():
            if not out:
                raise Mistake(f"{path}:{number}: output of no command")
            out[-1]["output"].append(line.rstrip())
    if not out:
        raise Mistake(f"{path}: no commands" + (f" in section '{section}'" if section else ""))
    return out


def shape(line):
    """A line without what may differ, and its sizes in bytes."""
    sizes = [float(n) * 1024 ** UNITS[unit] for n, unit in SIZE.findall(line)]
    line = DATE.sub("<date>", SIZE.sub("<size>", line))
    return " ".join(TOKEN.sub("#", line).split()), sizes


def alike(want, got):
    """Whether two lines are, for the reader, the same."""
    (want, want_sizes), (got, got_sizes) = shape(want), shape(got)
    if want != got or len(want_sizes) != len(got_sizes):
        return False
    return all(max(a, b, FLOOR) <= FACTOR * max(min(a, b), FLOOR)
               for a, b in zip(want_sizes, got_sizes))


def match(want, got):
    """None, or what is not as it should be."""
    if not want:
        return None
    at, free = 0, False
    for line in want:
        if line.strip() == "...":
            free = True
            continue
        while free and at < len(got) and not alike(line, got[at]):
            at += 1
        if at >= len(got) or not alike(line, got[at]):
            return f"not printed: {line}"
        at, free = at + 1, False
    if at < len(got) and not free:
        return f"not on the page: {got[at]}"
    return None


LOOP = r"""
while IFS= read -r -d '' command <&FD; do
	eval "$command" </dev/null 2>&1 FD<&-
	printf '\0%d\0' $?
done
"""


class Shell:
    """A shell that keeps its directory, variables and jobs."""

    def __init__(self, prefix):
        self.there, self.here = os.pipe()
        self.process = subprocess.Popen(
            prefix + ["bash", "-c", LOOP.replace("FD", str(self.there))],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=[self.there])

    def run(self, command):
        """Return (status, lines); None as status: it did not come to its end."""
        os.write(self.here, command.encode() + b"\0")
        data, end = b"", time.monotonic() + TIMEOUT_S
        while not re.search(rb"\0\d+\0", data):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None, data.decode(errors="replace").splitlines()
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return None, data.decode(errors="replace").splitlines()
            data += piece
        text, status, _ = data.split(b"\0", 2)
        return int(status), [line.rstrip() for line in
                             text.decode(errors="replace").splitlines() if line.strip()]


def run(page, user):
    """All commands of a page; whether all went as shown."""
    found = commands(page)
    root = Shell([])
    person = Shell(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]) \
        if user else root
    print("TAP version 13")
    failed = False
    for number, one in enumerate(found, 1):
        began = time.monotonic()
        status, lines = (root if one["root"] else person).run(one["command"])
        wrong = "did not come to its end" if status is None else \
            f"exit status {status}" if status else match(one["output"], lines)
        name = " ".join(one["command"].split())[:60].replace("#", "")
        if wrong:
            failed = True
            print(f"# {os.path.basename(page)}:{one['line']}: {wrong}")
        for line in lines[-40:]:
            print(f"# | {line}")
        print(f"{'not ok' if wrong else 'ok'} {number} - line {one['line']}: {name}")
        print(f"# {time.monotonic() - began:.1f} s", flush=True)
        if status is None:
            print("Bail out! the shell is lost")
            return False
    print(f"1..{len(found)}")
    return not failed


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="commands out of a page, run")
    parser.add_argument("what", choices=("list", "run"))
    parser.add_argument("page")
    parser.add_argument("section", nargs="?")
    parser.add_argument("--user", type=int, default=0)
    args = parser.parse_args()
    try:
        if args.what == "run":
            sys.exit(0 if run(args.page, args.user) else 1)
        for one in commands(args.page, args.section):
            print(json.dumps(one))
    except (Mistake, OSError) as error:
        sys.exit(f"console.py: {error}")


if __name__ == "__main__":
    main()
