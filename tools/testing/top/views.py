# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Sorting, filtering, classes, history and help on the screen of memstate top, by
scripted keys, on figures that are made up. Each part takes the program, fake_top."""
import itertools
import os
import shutil
import sys
import tempfile

import fake
from fake import MIB
from glass import BACKSPACE, DOWN, END, ENTER, ESC, F1, HOME, PGDN, PGUP, UP, Screen

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import ok  # noqa: E402

FIGURES = ["reserved", "prepared", "ready", "charged", "high", "max", "pressure", "observed",
           "anon", "coverage", "unaccounted"]
NARROW = ["RESRV", "PREPD", "READY", "CHRGD", "HIGH", "MAX", "PRES", None, "ANON", "COVER",
          "UNACC"]  # None: not there
TREE = ["/", "batch/", "103", "web.slice/", "blank", "redis/", "101",
        "102", "104"]
# The order by each column: the highest first, what is not known last
BY_READY = ["/", "web.slice/", "redis/", "101", "102", "blank", "batch/",
            "103", "104"]
EQUAL_TASKS = ["/", "web.slice/", "redis/", "101", "102", "blank", "batch/",
               "103", "104"]
ORDERS = {
    "name": ["/", "batch/", "103", "web.slice/", "blank", "redis/", "102", "101", "104"],
    "reserved": EQUAL_TASKS,
    "prepared": ["/", "web.slice/", "blank", "redis/", "101", "102",
                 "batch/", "103", "104"],
    "ready": BY_READY,
    "charged": BY_READY,
    "high": ["/", "batch/", "103", "web.slice/", "blank", "redis/", "101",
             "102", "104"],
    "max": ["/", "batch/", "103", "web.slice/", "blank", "redis/", "101",
            "102", "104"],
    "pressure": EQUAL_TASKS,
    "observed": TREE,
    "anon": EQUAL_TASKS,
    "coverage": EQUAL_TASKS,
    "unaccounted": EQUAL_TASKS,
}


class Tree:
    """A made-up tree, and a program on it that reads it when it is told to."""
    def __init__(self, program, *options, term="vt100", size=(80, 24), delay="3600", **env):
        self.top = tempfile.mkdtemp()
        self.ids = fake.make(self.top)
        self.screen = Screen([program, self.top, "--delay", delay, *options], term, size, **env)

    def group(self, name):
        return os.path.join(self.top, "sysfs/groups", str(self.ids[name]))

    def task(self, pid):
        return fake.task(self.top, pid)

    def ready(self, where, mib):
        """What is Ready there is another figure, of all classes too."""
        put = fake.files if os.path.isdir(where) else fake.lines
        put(where, {**fake.by_class("ready", mib), "ready": mib * MIB})

    def close(self, name):
        """It was there to the end, and can still be told to go."""
        s = self.screen
        # No key of a terminal's begins like this: the two are two, however close they come.
        s.type(ESC + b"q")
        ok(s.end() == 0 and s.restored(), f"{name}: quits", s)
        s.close()
        shutil.rmtree(self.top)


def sorting(program):
    for term, size, locale in (("vt100", (80, 24), "C"), ("xterm-256color", (132, 40), "C.UTF-8")):
        falling, rising = ("-", "+") if locale == "C" else ("\u25bc", "\u25b2")
        wide = size[0] >= 126
        name = f"sort {term} {size[0]} {locale}"
        t = Tree(program, term=term, size=size, LC_ALL=locale)
        s = t.screen
        ok(s.wait("^104 stray") and s.names() == TREE and
           s.heading().startswith(f"GROUP / TASK {rising}pid"), f"{name}: by number at first", s)
        s.type(b"<r")
        ok(s.wait("by pid, reversed") and f"{falling}pid" in s.heading(),
           f"{name}: < ends at the left", s)
        s.type(b"r")
        ok(s.wait(lambda s: f"{rising}pid" in s.heading()) and s.names() == TREE,
           f"{name}: and leaves the order", s)
        s.type(b">")
        ok(s.wait("by name") and s.names() == ORDERS["name"] and f"{rising}name" in s.heading(),
           f"{name}: > by name", s)
        for column, heading in zip(FIGURES, NARROW):
            heading = column.upper() if wide else heading
            if not heading:
                continue
            s.type(b">")
            ok(s.wait(f"  by {column}$") and s.names() == ORDERS[column] and
               f"{falling}{heading}" in s.heading() and s.heading().count(falling) == 1 and
               len(s.heading()) == size[0], f"{name}: > by {column}, which is marked", s)
        s.type(b">r")
        ok(s.wait("  by unaccounted, reversed$"), f"{name}: > ends at the right", s)
        s.type(b"r<")
        ok(s.wait("  by coverage$"), f"{name}: < goes back", s)
        s.type(b"r")
        ok(s.wait(f"\\{rising}COVER") and "by coverage, reversed" in s.text() and
           s.names() == ["/", "web.slice/", "redis/", "101", "102", "blank",
                         "batch/", "103", "104"], f"{name}: r reverses", s)
        s.type(b"r")
        ok(s.wait(f"\\{falling}COVER") and s.names() == ORDERS["coverage"],
           f"{name}: r again", s)
        # Figures change, and the order with them.
        fake.write(t.group("batch"), "ready", 999 * MIB)
        s.type(b"<" * (7 if wide else 6) + ENTER)
        ok(s.wait("  by ready$") and s.wait(r"^ +batch/ .*999") and
           s.names()[:3] == ["/", "batch/", "103"], f"{name}: follows the figures", s)
        t.close(name)
    t = Tree(program, "--sort", "ready", "--reverse", term="xterm-256color")
    ok(t.screen.wait("by ready, reversed") and t.screen.names() ==
       ["/", "batch/", "103", "web.slice/", "blank", "redis/", "102", "101",
        "104"], "sort: --sort and --reverse", t.screen)
    t.close("sort options")


def menu(program):
    t = Tree(program, size=(80, 24), term="xterm-256color")
    s = t.screen
    s.wait("^104 stray")
    s.type(b"s")
    ok(s.wait("^Sort by") and s.wait("^> pid") and
       [l[2:].strip() for l in s.rows()] == ["pid", "name"] + FIGURES, "menu: lists columns", s)
    ok(s.attributes("> pid").reverse, "menu: the one that is in force is marked", s)
    s.type(DOWN * 4)
    ok(s.wait("^> ready"), "menu: down", s)
    s.type(UP * 2 + END)
    ok(s.wait("^> unaccounted"), "menu: end", s)
    s.type(DOWN + HOME)
    ok(s.wait("^> pid"), "menu: home", s)
    s.type(PGDN)
    ok(s.wait("^> charged|^> high|^> max"), "menu: page down", s)
    s.type(PGUP + PGUP + UP)
    ok(s.wait("^> pid"), "menu: up ends at the top", s)
    s.type(DOWN * 4 + b"x" + ENTER)
    ok(s.wait("  by ready$") and s.names() == BY_READY, "menu: Enter sorts", s)
    s.type(b"s")
    ok(s.wait("^> ready"), "menu: begins where it is sorted by", s)
    s.type(DOWN + ESC)
    ok(s.wait("^GROUP") and "  by ready" in s.text(), "menu: Escape leaves it as it was", s)
    s.resize(80, 8)
    s.type(b"s" + END)
    ok(s.wait("^> unaccounted") and len(s.rows()) == 3, "menu: scrolls on a small screen", s)
    s.type(ENTER)
    ok(s.wait("  by unaccounted$"), "menu: sorts there", s)
    t.close("menu")


def flat(program):
    t = Tree(program, size=(80, 24))
    s = t.screen
    s.wait("^104 stray")
    s.type(b"f>>>>")
    ok(s.wait("^1-4 of 4") and "  flat" in s.lines()[0] and
       s.names() == ["101", "102", "103", "104"],
       "flat: tasks of all groups, sorted", s)
    ok(all(l[0].isdigit() for l in s.rows()), "flat: nothing is indented", s)
    s.type(b"t")
    ok(s.wait("^1-5 of 5") and s.names() == ["/", "/web.slice/redis", "/web.slice", "/batch",
                                             "~eb.slice/blank"],
       "flat: groups by path, the end of it, when tasks are hidden", s)
    s.type(b"f")
    ok(s.wait("^  *redis/"), "flat: f goes back to the tree", s)
    t.close("flat")
    t = Tree(program, "--flat", "--sort", "anon", size=(140, 24), term="xterm-256color")
    s = t.screen
    ok(s.wait(r"^101 redis-server  /web\.slice/redis ") and s.wait(r"^103 odd\?name  /batch "),
       "flat: --flat, with the group where there is room", s)
    ok(s.names() == ["101", "102", "104", "103"],
       "flat: equal ones by number, what is not known last", s)
    t.close("flat option")


def filtering(program):
    t = Tree(program, term="xterm-256color")
    s = t.screen
    s.wait("^104 stray")
    s.type(b"/")
    ok(s.wait("^only groups with") and not s.glass.cursor.hidden and
       s.glass.cursor.y == 23, "filter: asks in the last line, with a cursor", s)
    s.type(b"redix" + BACKSPACE + b"s")
    ok(s.wait(r"as before\): redis$"), "filter: shows what is typed", s)
    s.type(ENTER)
    ok(s.wait("^1-5 of 5") and s.names() == ["/", "web.slice/", "redis/", "101",
                                             "102"] and "  only redis" in s.lines()[0],
       "filter: the group, all below it, and what it is in", s)
    ok(s.glass.cursor.hidden, "filter: the cursor is hidden again", s)
    s.type(b"/web")
    s.wait(r"as before\): web$")
    s.type(ESC)
    ok(s.wait("^1-5 of 5") and "  only redis" in s.text(), "filter: Escape leaves it as it was", s)
    s.type(b"/\x15\x7f\x7fnonsense\x15/web.sl" + ENTER)
    ok(s.wait("  only /web.sl") and s.names() == ["/", "web.slice/", "blank", "redis/",
                                                  "101", "102"],
       "filter: ^U begins anew; the beginning of a path", s)
    s.type(f"/{t.top}/cgroup mount/batch\r".encode())
    ok(s.wait("  only /batch") and s.names() == ["/", "batch/", "103"],
       "filter: a directory of cgroupfs", s)
    s.type(f"/{t.ids['redis']}\r".encode())
    ok(s.wait("^1-5 of 5") and "redis-serv" in s.text(), "filter: a cgroup id", s)
    s.type(b"/nothing like it\r")
    ok(s.wait("^no group has 'nothing like it' in its path") and s.wait("^0-0 of 0"),
       "filter: says that there is none", s)
    s.type(b"/" + "\u00e4\u00f6".encode() + BACKSPACE + ENTER)
    ok(s.wait("^no group has '\u00e4' in its path"), "filter: other alphabets, by characters", s)
    s.type(b"/\xff\xfe\x01\r")
    ok(s.wait("^no group has '(?!\u00e4)") and not s.ended(), "filter: any bytes are survived", s)
    s.type(b"/" + b"x" * 400)
    ok(s.wait("xxx$") and s.glass.cursor.y == 23, "filter: longer than the line", s)
    s.type(ENTER + b"/" + ENTER)
    ok(s.wait("^1-9 of 9") and "only" not in s.lines()[0] and s.names() == TREE,
       "filter: empty shows all", s)
    # It goes with the order and the table.
    s.type(b"/redis\r>>r")
    ok(s.wait("only redis  by reserved, reversed") and len(s.names()) == 5, "filter: with sorting", s)
    s.type(b"r" + b"f")
    ok(s.wait("^1-2 of 2") and s.names() == ["101", "102"], "filter: flat", s)
    s.type(b"f")
    s.wait("^1-5 of 5")
    for directory in t.group("redis"), t.task(101), t.task(102):
        os.rename(directory, f"{t.top}/gone-{os.path.basename(directory)}")
    s.type(ENTER)
    ok(s.wait(r"^all groups with 'redis' in their path are gone since \d\d:\d\d:\d\d"),
       "filter: says that a group is gone", s)
    os.rename(f"{t.top}/gone-{t.ids['redis']}", t.group("redis"))
    s.type(ENTER)
    ok(s.wait("^1-3 of 3") and "gone" not in s.text(), "filter: and shows it when it is back", s)
    t.close("filter")


def cgroup(program):
    top = tempfile.mkdtemp()
    ids = fake.make(top)
    for name in ("/web.slice/redis", "web.slice/redis/", f"{top}/cgroup mount/web.slice/redis",
                 str(ids["redis"])):
        s = Screen([program, top, "--delay", "3600", "--cgroup", name], "vt100")
        ok(s.wait("^1-5 of 5") and "redis-serv" in s.text() and "batch" not in s.text() and
           "only /web.slice/redis" in s.lines()[0],
           f"--cgroup: {'...' + name[-16:] if '/' in name else 'an id'}", s)
        s.close()
    s = Screen([program, top, "--delay", "3600", "--cgroup", "/"], "vt100")
    ok(s.wait("^1-8 of 8"), "--cgroup /: all but what has lost its group", s)
    s.close()
    os.mkdir(f"{top}/cgroup mount/empty")
    s = Screen([program, top, "--delay", "3600", "--cgroup", "/empty"], "vt100")
    ok(s.wait("^nothing in /empty has reported yet"), "--cgroup: one that nobody reports in", s)
    s.close()
    # A service that is started anew: another cgroup of the same path
    s = Screen([program, top, "--delay", "3600", "--cgroup", "/web.slice/redis"], "xterm-256color")
    s.wait("^1-5 of 5")
    old, new = (f"{top}/cgroup mount/web.slice/redis", f"{top}/cgroup mount/new")
    os.mkdir(new)
    number = os.stat(new).st_ino
    os.rename(old, f"{top}/old")
    os.rename(f"{top}/sysfs/groups/{ids['redis']}", f"{top}/sysfs/old")
    s.type(ENTER)
    ok(s.wait(r"^/web\.slice/redis is gone since \d\d:\d\d:\d\d") and s.wait("^0-0 of 0"),
       "--cgroup: says that it is gone", s)
    os.rename(new, old)
    os.rename(f"{top}/sysfs/old", f"{top}/sysfs/groups/{number}")
    s.type(ENTER)
    ok(s.wait("^1-3 of 3") and "redis/" in s.text() and "gone" not in s.text(),
       "--cgroup: one that is made in its place is shown", s)
    s.type(b"/\r")
    ok(s.wait("of [89]"), "--cgroup: an empty filter shows all", s)
    s.type(b"q")
    ok(s.end() == 0, "--cgroup: quits", s)
    s.close()
    shutil.rmtree(top)


def classes(program):
    for term, size in itertools.product(("vt100", "xterm-256color"), ((80, 24), (132, 40))):
        wide = size[0] >= 126
        unit = "M" if not wide else " MiB"
        prepared, reserved = ("prepared", "reserved") if wide else ("prepd", "resrv")
        name = f"classes {term} {size[0]}"
        t = Tree(program, term=term, size=size)
        s = t.screen
        s.wait("^104 stray")
        s.type(b"c")
        ok(s.wait("STATE") and s.heading().split()[-10:] == (
            ["STATE", "HEAP", "STACK", "METADATA" if wide else "META", "CODE", "OTHER", "USER1",
             "USER2", "USER3", "TOTAL"]) and len(s.heading()) == size[0],
           f"{name}: heads each class", s)
        ok(s.cells("web.slice/") == ["ready", "50.0M", "2.50M", "5.00M", "7.50M", "4B", "2.50M",
                                     "5.00M", "7.50M", "80.0M"], f"{name}: Ready of a group", s)
        lines = [" ".join(l.split()) for l in s.rows()]
        at = next(i for i, l in enumerate(lines) if "web.slice/" in l)
        ok(lines[at + 1].startswith(f"{prepared} 6.25{unit}") and
           lines[at + 2].startswith(reserved) and
           lines[at + 2].endswith(f"300{unit}"), f"{name}: the other states below it", s)
        rows = (size[1] - 5) // 3
        ok(s.lines()[-1].startswith(f"1-{min(rows, 9)} of 9"), f"{name}: three lines a row", s)
        s.type(b"c")
        # In the table of three lines a row it is there as well.
        ok(s.wait(lambda s: len(s.rows()) == 9 and s.cells("102")[:2] == ["ready", "18.7M"]) and
           s.lines()[-1].startswith("1-9 of 9"), f"{name}: c: Ready alone", s)
        s.type(b"c")
        ok(s.wait(lambda s: s.cells("web.slice/")[:2] == [prepared, "6.25M"]) and
           s.cells("redis/")[-1:] == ["0B"] and s.cells("blank")[-1:] == ["5.00M"],
           f"{name}: c: Prepared", s)
        s.type(b"c")
        ok(s.wait(lambda s: s.cells("/")[:2] == [reserved, "625M"]) and
           s.cells("/")[-1:] == ["1000M"], f"{name}: c: Reserved", s)
        s.type(b"c")
        ok(s.wait("UNACC") and "STATE" not in s.text(), f"{name}: c: figures again", s)
        t.close(name)
    t = Tree(program, "--classes=ready", "--sort", "heap", term="xterm-256color")
    s = t.screen
    ok(s.wait("\u25bcHEAP") and s.names() == BY_READY, "classes: sorted by one", s)
    fake.write(t.group("batch"), "stack/ready", 900 * MIB)
    s.type(b">" + ENTER)
    ok(s.wait("\u25bcSTACK") and s.wait(r"^ +batch/ .* 900M .*  90\dM$") and
       s.names()[1] == "batch/", "classes: what changes is read, and in the total", s)
    s.type(b">" * 8)
    ok(s.wait("\u25bcTOTAL") and s.names()[1] == "batch/", "classes: sorted by the total", s)
    s.type(b"c" * 3)
    ok(s.wait("UNACC") and "  by total" in s.text() and s.names()[1] == "batch/",
       "classes: the order stays when their table goes", s)
    s.type(b">")
    ok(s.wait(r"\u25b2pid"), "classes: > then begins at the left", s)
    t.close("classes sorted")
    # What was not read before it was paused
    t = Tree(program)
    s = t.screen
    s.wait("^104 stray")
    s.type(b" ")
    s.wait("paused$")
    s.type(b"cc")
    ok(s.wait("ready") and s.cells("web.slice/") == ["ready"] + ["-"] * 9,
       "classes: while it is paused what was not read is not known", s)
    s.type(ENTER)
    ok(s.wait("50.0M") and "paused" in s.lines()[0], "classes: Enter reads, and it stays paused", s)
    t.close("classes paused")
    t = Tree(program, "--classes", size=(80, 11), term="xterm-256color")
    s = t.screen
    ok(s.wait("^1-2 of 9"), "classes: --classes; a small screen", s)
    s.type(DOWN)
    ok(s.wait("^2-3 of 9") and s.names()[0] == "batch/", "classes: scrolls by rows", s)
    s.type(END)
    ok(s.wait("^8-9 of 9"), "classes: to the end", s)
    t.close("classes small")


def reads(s, name, mib):
    """Until so much is Ready in the table of history, where other columns may have it too."""
    want = f"{mib:#.3g}".rstrip(".") + "M"
    return s.wait(lambda s: s.cells(name)[3:4] == [want])


def bars(s, name):
    """The bars of a row, without what is blank before them."""
    cells = s.cells(name)
    return cells[5] if len(cells) > 5 else ""


def history(program):
    for locale, size in itertools.product(("C.UTF-8", "C"), ((80, 24), (140, 30))):
        levels = ".:-=+*%#" if locale == "C" else "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
        name = f"history {locale} {size[0]}"
        t = Tree(program, "--history", size=size, LC_ALL=locale, term="vt100")
        s = t.screen
        ok(s.wait("SCALE READY OVER TIME") and s.heading().split()[-8:] ==
           ["CHRGD" if size[0] == 80 else "CHARGED", "MAX", "PRES" if size[0] == 80 else
            "PRESSURE", "READY", "SCALE", "READY", "OVER", "TIME"], f"{name}: heads columns", s)
        # The first reading was of 3 MiB; the group gets a limit of 80.
        fake.write(t.group("batch"), "max", 80 * MIB)
        want = levels[0]
        for i, mib in enumerate((10, 20, 30, 40, 50, 60, 70, 80, 5, 200)):
            t.ready(t.group("batch"), mib)
            fake.write(t.group("batch"), "charged", (90 - mib if mib < 90 else 0) * MIB)
            s.type(ENTER)
            reads(s, "batch/", mib)
            want += levels[min(i, 7)] if mib >= 10 else levels[0]
            want = want[:-1] + levels[7] if mib == 200 else want
        ok(bars(s, "batch/") == want and s.cells("batch/")[4:5] == ["80.0M"],
           f"{name}: bars of each reading, scaled to the limit ({want})", s)
        ok(len(s.rows()[1]) == size[0], f"{name}: the last is at the right", s)
        ok(bars(s, "redis/") == levels[7] * 11 and s.cells("redis/")[4:5] == ["80.0M"],
           f"{name}: one reading as another", s)
        ok(bars(s, "blank") == "", f"{name}: of nothing there is no bar", s)
        s.type(b">" * 5 + b"r")
        ok(s.wait("by ready, reversed") and bars(s, "batch/") == want,
           f"{name}: goes along when it is sorted", s)
        s.type(b"/redis\r")
        ok(s.wait("^1-5 of 5") and bars(s, "redis/") == levels[7] * 11, f"{name}: and filtered", s)
        s.type(b"/\r")
        ok(s.wait("^1-9 of 9") and bars(s, "batch/") == want, f"{name}: and all shown again", s)
        s.type(b"h")
        # 3, then 80 down to 10, 85, and 0, which is blank
        ok(s.wait("CHARGED OVER TIME") and s.cells("batch/")[-1:] ==
           [levels[0] + levels[::-1] + levels[7]], f"{name}: h: of what was charged", s)
        s.type(b"h")
        ok(s.wait("COVER"), f"{name}: h: figures again", s)
        s.type(b"ch")
        ok(s.wait("READY OVER TIME") and bars(s, "batch/") == want, f"{name}: h from classes", s)
        t.close(name)
    # Another process with the number of one that has ended; one that goes
    t = Tree(program, "--history=ready", term="xterm-256color", size=(100, 24))
    s = t.screen
    s.wait("READY OVER TIME")
    for mib in 51, 52:
        t.ready(t.task(101), mib)
        s.type(ENTER)
        reads(s, "101", mib)
    full = "\u2588"
    ok(bars(s, "101") == full * 3, "history: of a task", s)
    os.rename(t.task(101), t.task(1101))
    fake.lines(t.task(1101), {"ready": 7 * MIB})
    s.type(ENTER)
    ok(s.wait(r"redis-server .* 7\.00") and bars(s, "101") == full and
       s.cells("101")[4:5] == ["7.00M"], "history: another process begins anew", s)
    os.rename(t.task(102), f"{t.top}/away")
    s.type(ENTER)
    ok(s.wait("^1-8 of 8"), "history: a task goes", s)
    os.rename(f"{t.top}/away", t.task(102))
    s.type(ENTER)
    ok(s.wait("^1-9 of 9") and bars(s, "102") == full, "history: with its history", s)
    ok(bars(s, "redis/") == full * 6, "history: that of its group goes on", s)
    t.close("history of tasks")
    t = Tree(program, "--history=charged", delay="0.1")
    s = t.screen
    ok(s.wait("CHARGED OVER TIME") and s.wait(lambda s: s.cells("redis/")[-1:] == [full * 24]),
       "history: --history=charged; by itself it fills the line", s)
    t.close("history fills")


def helping(program):
    t = Tree(program)
    s = t.screen
    s.wait("^104 stray")
    for key, name in (b"?", "?"), (F1, "F1"):
        s.type(key)
        ok(s.wait("^memstate top: keys") and s.wait("^any key: back") and
           all(s.wait(rf"^  {key} ") for key in ("q", "space", "Enter", "s", "< >", "r", "f", "t",
                                                  "/", "c", "h", r"\?")),
           f"help: {name} tells all keys, on one screen", s)
        s.type(b"x")
        ok(s.wait("^104 stray"), f"help: {name}: any key goes back", s)
    s.resize(80, 10)
    s.type(b"?")
    ok(s.wait("^arrows and page keys scroll") and s.wait("^  q "), "help: scrolls", s)
    s.type(DOWN * 40)
    ok(s.wait("see SCALE"), "help: to its end", s)
    s.type(b" ")
    ok(s.wait("^1-5 of 9") and "paused" not in s.text(), "help: the key that ends it is no other", s)
    t.close("help")


def colours(program):
    for value, coloured in ("1", False), ("", True):
        t = Tree(program, term="xterm-256color", NO_COLOR=value)
        s = t.screen
        s.wait("^104 stray")
        ok(s.coloured() == coloured and s.attributes("redis/").bold,
           f"NO_COLOR='{value}': {'colours' if coloured else 'bold, without colours'}", s)
        t.close(f"NO_COLOR='{value}'")


def odd_sizes(program):
    """Whatever is on the screen, its size may change."""
    for keys, name in ((b"c", "classes"), (b"cc", "one state"), (b"h", "history"), (b"s", "menu"),
                       (b"?", "help"), (b"/web", "prompt"), (b"f", "flat"), (b"ft", "flat groups")):
        t = Tree(program, term="xterm-256color")
        s = t.screen
        s.wait("^104 stray")
        s.type(keys)
        for size in (20, 5), (1, 1), (10, 3), (300, 80), (79, 24), (81, 25), (40, 2):
            s.resize(*size)
            s.settle()
            s.type(DOWN + UP)
            s.settle()
        ok(not s.ended(), f"resize: {name} survives any size", s)
        s.resize(80, 24)
        s.type(ESC)
        t.close(f"resize {name}")


PARTS = (sorting, menu, flat, filtering, cgroup, classes, history, helping, colours, odd_sizes)
