# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A program on a pseudo-terminal, and what a terminal would show of it.

Keys are typed into the pseudo-terminal, and what comes back goes through pyte, a
terminal without glass.
"""
import fcntl
import itertools
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pyte

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import PATIENCE  # noqa: E402

QUIET = 0.05    # seconds without a byte, of a program that does nothing
UP, DOWN, PGUP, PGDN, END = b"\x1bOA", b"\x1bOB", b"\x1b[5~", b"\x1b[6~", b"\x1bOF"
HOME, ESC, ENTER, F1, BACKSPACE = b"\x1bOH", b"\x1b", b"\r", b"\x1bOP", b"\x7f"
HEADING = "GROUP / TASK"


class Glass(pyte.Screen):
    """pyte does not know some of xterm's: repeat, tab backwards, scroll by many."""
    def draw(self, data):
        super().draw(data)
        self.drawn = data[-1:] or " "

    def repeat(self, times=1):
        self.draw(self.drawn * (times or 1))

    def back_tab(self, times=1):
        for _ in range(times or 1):
            before = [t for t in self.tabstops if t < self.cursor.x]
            self.cursor.x = max(before, default=0)

    def scroll_lines(self, times, bottom):
        before = self.cursor.y
        for _ in range(times or 1):
            margins = self.margins or (0, self.lines - 1)
            self.cursor.y = margins[bottom]
            (self.index if bottom else self.reverse_index)()
        self.cursor.y = before

    def scroll_up(self, times=1):
        self.scroll_lines(times, 1)

    def scroll_down(self, times=1):
        self.scroll_lines(times, 0)


class Stream(pyte.ByteStream):
    more = {"b": "repeat", "Z": "back_tab", "S": "scroll_up", "T": "scroll_down"}
    csi = dict(pyte.ByteStream.csi, **more)
    events = frozenset(itertools.chain(pyte.ByteStream.events, more.values()))


def lead(argv, go, tell, env):
    """Run a program as a shell does. The terminal would be reset if it led the
    session itself: who leads tells its process id, then its status, and stays."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.read(go, 1)
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvpe(argv[0], argv, env)
    os.write(tell, f"{pid}\n".encode())
    os.write(tell, f"{os.waitpid(pid, 0)[1]}\n".encode())
    os.read(go, 1)
    os._exit(0)


class Screen:
    """A program on a terminal."""
    def __init__(self, argv, term="vt100", size=(80, 24), **env):
        columns, rows = size
        env = dict(os.environ, TERM=term, **{"LC_ALL": "C.UTF-8", **env})
        self.glass = Glass(columns, rows)
        self.stream = Stream(self.glass)
        self.raw = bytearray()
        self.status = None
        go, gone = os.pipe()
        told, tell = os.pipe()
        self.leader, self.fd = pty.fork()
        if not self.leader:
            # Of pipes to other programs, too, there is to be one end only.
            for fd in sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[3:]:
                if fd not in (go, tell):
                    try:
                        os.close(fd)
                    except OSError:
                        pass    # that of the list itself
            lead(argv, go, tell, env)
        os.close(go)
        os.close(tell)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.settings = termios.tcgetattr(self.fd)
        os.write(gone, b"g")
        self.gone = gone
        # Without a buffer, which select() would not know of.
        self.told = os.fdopen(told, "rb", 0)
        self.pid = int(self.told.readline())

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def lines(self):
        return [line.rstrip() for line in self.glass.display]

    def text(self):
        return "\n".join(self.lines())

    def __str__(self):
        """What a test that failed shows."""
        return "".join(f"|{line}\n" for line in self.lines()) + f"raw: ...{bytes(self.raw[-300:])!r}"

    def busy(self):
        """It runs, or would."""
        try:
            with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as f:
                return f.read().rpartition(")")[2].split()[0] in "RD"
        except OSError:
            return False

    def settle(self, quiet=QUIET, seconds=None):
        """Until it waits, and has said all: not in the middle of a refresh."""
        end = time.monotonic() + (seconds or PATIENCE)
        while (self.read(quiet) or self.busy()) and time.monotonic() < end:
            pass

    def wait(self, condition, seconds=None):
        """Until condition(self) holds. A regular expression is looked for. What is on the
        screen already holds at once: what was typed may still be on its way."""
        if isinstance(condition, str):
            pattern = re.compile(condition, re.M)
            condition = lambda s: pattern.search(s.text())
        end = time.monotonic() + (seconds or PATIENCE)
        while True:
            # A program that never waits is looked at now and then.
            self.settle(seconds=5)
            if condition(self):
                return True
            if self.ended():
                return bool(condition(self))
            if time.monotonic() >= end:
                return False

    def type(self, keys):
        os.write(self.fd, keys)

    def resize(self, columns, rows):
        self.glass.resize(rows, columns)
        self.glass.reset()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def ended(self):
        if self.status is None and select.select([self.told], [], [], 0)[0]:
            self.status = int(self.told.readline() or -1)
            while self.read(0.1):
                pass
        return self.status is not None

    def end(self):
        """Return: its wait status, None if it does not end."""
        stop = time.monotonic() + PATIENCE
        while not self.ended() and time.monotonic() < stop:
            self.read(0.1)
        return self.status

    def restored(self):
        return termios.tcgetattr(self.fd) == self.settings

    def close(self):
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.gone)
        os.waitpid(self.leader, 0)
        os.close(self.fd)
        self.told.close()

    def coloured(self):
        return re.search(rb"\x1b\[[0-9;]*3[0-7]m", self.raw) is not None

    def attributes(self, word):
        """Of the first character of the line in which a word is."""
        for y, line in enumerate(self.glass.display):
            if word in line:
                return self.glass.buffer[y][line.index(word)]
        return self.glass.default_char

    def heading(self):
        """The line with the headings of columns."""
        return self.lines()[3]

    def rows(self):
        """The lines of the table."""
        return [line for line in self.lines()[4:-1] if line]

    def names(self):
        """What stands in the table: groups by name, as far as a blank, tasks by number."""
        return [line.split()[0] for line in self.rows() if not line.startswith(" " * 12)]

    def cells(self, name):
        """What stands behind a name in the table, sizes as in the narrow one."""
        for line in self.rows():
            words = re.sub(r"(\d) ([KMGT]?)i?B\b", lambda m: m[1] + (m[2] or "B"), line).split()
            if words[0] == name:
                return words[2 if name.isdigit() or name == "blank" else 1:]
        return []

    def first(self):
        """The first row of the table."""
        lines = self.lines()
        for y, line in enumerate(lines):
            if line.startswith(HEADING):
                return lines[y + 1].split()[0] if lines[y + 1] else ""
        return ""
