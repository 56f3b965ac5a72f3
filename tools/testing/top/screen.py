# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The screen of memstate top, seen as a terminal would show it.

screen.py fake PROGRAM PART...   PROGRAM is fake_top: what can be done with a screen, in
                                 parts that may run at the same time
screen.py parts                  which there are
screen.py module PROGRAM         PROGRAM is memstate: the module is loaded and used

Prints TAP.
"""
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import fake
import views
from glass import DOWN, END, HEADING, PGDN, PGUP, UP, Screen

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import end, ok, soon  # noqa: E402


def terminals(program):
    """Each size on each terminal, with everything to be seen."""
    for term, size in itertools.product(("vt100", "xterm-256color"), ((80, 24), (132, 40))):
        name = f"{term} {size[0]}x{size[1]}"
        top = tempfile.mkdtemp()
        ids = fake.make(top)
        s = Screen([program, top, "--delay", "0.3"], term, size)
        wide = size[0] >= 126
        ok(s.wait(r"^104 stray"), f"{name} comes up", s)
        lines = s.lines()
        ok(lines[0].startswith("memstate top") and "5 groups, 4 tasks" in lines[0],
           f"{name} says what it is", s)
        ok(lines[1] == "unaccounted 512 MiB: anon 1.00 GiB observed, 512 MiB reported (50%)",
           f"{name} sums up what is unaccounted", s)
        bands = re.findall(r"[a-z]+", lines[2])
        ok(bands == ["reported", "enforced", "observed", "compared"],
           f"{name} labels figures for what they are", s)
        wanted = (["RESERVED", "PREPARED", "READY", "CHARGED", "HIGH", "MAX", "PRESSURE",
                   "OBSERVED", "ANON", "COVERAGE", "UNACCOUNTED"] if wide else
                  ["RESRV", "PREPD", "READY", "CHRGD", "HIGH", "MAX", "PRES",
                   "ANON", "COVER", "UNACC"])
        ok(lines[3].split()[4:] == wanted, f"{name} heads each column", s)
        ok(s.attributes(HEADING).reverse, f"{name} reverses the heading", s)
        ok(len(lines[3]) == size[0], f"{name} fills the width", s)
        row = ("  web.slice/ 300 MiB 10.0 MiB 80.0 MiB 80.0 MiB 96.0 MiB 128 MiB high - "
               "100 MiB 90% 10.0 MiB" if wide else
               " web.slice/ 300M 10.0M 80.0M 80.0M 96.0M 128M high 100M 90% 10.0M")
        ok(s.wait(lambda s: any(re.sub(" +", " ", l).strip() == row.strip() and
                                l.startswith(row[:3]) for l in s.lines())),
           f"{name} shows a group's figures", s)
        ok(any(re.search(r"blank me/? .* - +- +-$", l) for l in s.lines()),
           f"{name} shows what is not known", s)
        ok("odd?name" in s.text() and b"odd\x1b" not in s.raw,
           f"{name} sends no name's escapes on", s)
        ok(s.attributes("redis/").bold and not s.attributes("batch/").bold,
           f"{name} makes pressure bold", s)
        ok(s.coloured() == (term != "vt100"), f"{name} has colours as the terminal does", s)
        if term != "vt100":
            ok(s.attributes("redis/").fg == "red" and
               s.attributes("web.slice/").fg in ("brown", "yellow"),
               f"{name} colours pressure", s)
        fake.write(top, "sysfs/groups", str(ids["batch"]), "ready", 777 << 20)
        ok(s.wait(r"batch/.* 777( MiB|M)"), f"{name} follows the figures", s)
        s.type(b"q")
        ok(s.end() == 0, f"{name} q quits", s)
        ok(s.restored(), f"{name} q restores the terminal", s)
        if term != "vt100":
            ok(b"\x1b[?1049l" in s.raw and s.raw.rfind(b"\x1b[?25h") > s.raw.rfind(b"\x1b[?25l"),
               f"{name} leaves the other screen, with a cursor", s)
        s.close()
        shutil.rmtree(top)


def keys(program):
    top = tempfile.mkdtemp()
    ids = fake.make(top)
    root = os.path.join(top, "sysfs/groups", str(ids["root"]))
    # vt100 has no page keys of its own: xterm's are sent where it knows them
    for term in "vt100", "xterm-256color":
        s = Screen([program, top, "--delay", "0.3"], term, (80, 12))
        ok(s.wait("^1-7 of 9"), f"{term} small screen shows its part", s)
        s.type(DOWN)
        ok(s.wait("^2-8 of 9") and s.first() == "batch/", f"{term} down", s)
        s.type(DOWN * 5)
        ok(s.wait("^3-9 of 9"), f"{term} down ends at the end", s)
        s.type(UP)
        ok(s.wait("^2-8 of 9"), f"{term} up", s)
        s.type(UP * 9)
        ok(s.wait("^1-7 of 9") and s.first() == "/", f"{term} up ends at the top", s)
        if term != "vt100":
            s.type(PGDN)
            ok(s.wait("^3-9 of 9"), f"{term} page down", s)
            s.type(PGUP)
            ok(s.wait("^1-7 of 9"), f"{term} page up", s)
            s.type(END)
            ok(s.wait("^3-9 of 9"), f"{term} end", s)
        s.type(b"t")
        ok(s.wait("^1-5 of 5.*t show tasks") and "redis-server" not in s.text(),
           f"{term} t hides tasks", s)
        s.type(b"t")
        ok(s.wait("of 9.*t hide tasks"), f"{term} t shows tasks", s)
        s.type(b" ")
        ok(s.wait("paused$"), f"{term} space pauses", s)
        # Another one, of the same pace, reads it twice meanwhile.
        before = s.text()
        other = Screen([program, top, "--delay", "0.3"], term, (80, 12))
        for mib in 332, 333:
            fake.write(root, "prepared", mib << 20)
            ok(other.wait(f"^/ .* {mib}M"), f"{term} {mib} MiB are there to be read", other)
        other.close()
        s.settle()
        ok(s.text() == before, f"{term} nothing moves then", s)
        s.type(UP * 9 + b" ")
        ok(s.wait("^/ .* 333M") and "paused" not in s.text(), f"{term} space goes on", s)
        fake.write(root, "prepared", 112 << 20)
        s.type(b"x\x1bz\xff\x00")
        ok(s.wait("^/ .* 112M") and not s.ended(), f"{term} other keys do nothing", s)
        s.type(b"Q")
        ok(s.end() == 0, f"{term} Q quits", s)
        s.close()
    shutil.rmtree(top)


def sizes(program):
    top = tempfile.mkdtemp()
    fake.make(top)
    s = Screen([program, top, "--delay", "60"], "xterm-256color", (80, 24))
    ok(s.wait("^104 stray"), "resize: comes up", s)
    s.resize(132, 40)
    ok(s.wait("UNACCOUNTED$") and s.lines()[39].startswith("1-9 of 9"),
       "resize: larger, at once", s)
    s.resize(80, 10)
    ok(s.wait("UNACC$") and s.lines()[9].startswith("1-5 of 9"), "resize: smaller", s)
    for size in (20, 5), (1, 1), (10, 3), (300, 80), (40, 24):
        s.resize(*size)
        s.settle()
        ok(not s.ended(), f"resize: {size[0]}x{size[1]} is survived", s)
    s.resize(80, 24)
    ok(s.wait("^104 stray") and s.lines()[3].endswith("UNACC"), "resize: and back", s)
    s.type(b"q")
    ok(s.end() == 0, "resize: quits", s)
    s.close()
    shutil.rmtree(top)


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        return f.read().rpartition(")")[2].split()[0]


def signals(program):
    top = tempfile.mkdtemp()
    fake.make(top)
    for sig in signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
        s = Screen([program, top, "--delay", "60"], "xterm-256color")
        s.wait("^104 stray")
        moved = not s.restored()
        if sig == signal.SIGINT:
            s.type(b"\x03")     # as it is typed
        else:
            os.kill(s.pid, sig)
        status = s.end()
        ok(status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == sig,
           f"{sig.name}: dies of it at once", s)
        ok(moved and s.restored() and b"\x1b[?1049l" in s.raw and
           s.raw.rfind(b"\x1b[?25h") > s.raw.rfind(b"\x1b[?25l"),
           f"{sig.name}: terminal is restored", s)
        s.close()
    s = Screen([program, top, "--delay", "60"], "xterm-256color")
    s.wait("^104 stray")
    s.type(b"\x1a")
    ok(soon(lambda: state(s.pid) == "T" and s.restored(), 0.05), "^Z: stops, terminal is restored", s)
    s.glass.reset()
    os.kill(s.pid, signal.SIGCONT)
    ok(s.wait("^104 stray") and not s.restored(), "SIGCONT: the screen is back", s)
    s.type(b"q")
    ok(s.end() == 0 and s.restored(), "SIGCONT: quits", s)
    s.close()
    # The module goes while it runs.
    s = Screen([program, top, "--delay", "0.3"], "vt100")
    s.wait("^104 stray")
    os.rename(f"{top}/sysfs", f"{top}/gone")
    ok(s.end() is not None and os.waitstatus_to_exitcode(s.status) == 1 and s.restored(),
       "module unloaded: ends", s)
    ok(b"sysfs is not there: the module is not loaded" in s.raw, "module unloaded: says why", s)
    s.close()
    s = Screen([program, top], "vt100")
    ok(s.end() is not None and os.waitstatus_to_exitcode(s.status) == 1 and
       b"not loaded" in s.raw and b"\x1b" not in s.raw,
       "module not loaded: says so on an untouched screen", s)
    s.close()
    os.rename(f"{top}/gone", f"{top}/sysfs")
    s = Screen([program, top, "--iterations", "3", "--delay", "0.1"], "vt100")
    ok(s.end() == 0 and s.restored(), "--iterations ends the screen, too", s)
    s.close()
    s = Screen([program, top, "--no-tasks"], "vt100")
    ok(s.wait("^1-5 of 5.*t show tasks"), "--no-tasks begins without tasks", s)
    s.type(b"t")
    ok(s.wait("of 9"), "--no-tasks: t shows them", s)
    s.close()
    for term, why in ("nonsense", "'nonsense' is unknown"), ("dumb", "'dumb' cannot move"), \
                     ("", "TERM is not set"):
        s = Screen([program, top], term)
        ok(s.end() is not None and os.waitstatus_to_exitcode(s.status) == 1 and
           why.encode() in s.raw and b"try: memstate top --batch" in s.raw and s.restored(),
           f"TERM={term}: says why, and what to do", s)
        s.close()
    shutil.rmtree(top)


def names(program):
    """Names as cgroups can have them."""
    top = tempfile.mkdtemp()
    usual = dict(fake.CGROUPS)
    for path, name in (("b\u00e4ume", "one"), ("\u6c34\u6c34\u6c34\u6c34\u6c34\u6c34\u6c34\u6c34\u6c34", "two"),
                       ("a" * 200, "three")):
        fake.CGROUPS[path] = (name, 1, 1, 1, 1, "max", "max", "none", 0)
    fake.make(top)
    fake.CGROUPS = usual
    s = Screen([program, top, "--delay", "60"], "xterm-256color")
    ok(s.wait("^104 stray"), "names: comes up", s)
    ok(re.search(r"^1-1\d of 1\d .*  h history$", s.lines()[-1]), "names: keys are told whole", s)
    lines = [l for l in s.lines() if " 100%" in l]
    ok(any("b\u00e4ume/" in l for l in lines), "names: beyond ASCII", s)
    ok(any(re.search(r"^ a+~ ", l) for l in lines), "names: cut, with a mark", s)
    # A wide character takes two places: pyte leaves the second one empty.
    ends = {s.glass.display[y].rstrip().endswith("0B") and
            max(x for x, c in s.glass.buffer[y].items() if c.data.strip())
            for y in range(4, 23) if s.lines()[y] and "100%" in s.lines()[y]}
    ok(ends == {79}, f"names: columns stay in line, whatever the width ({ends})", s)
    s.type(b"q")
    s.end()
    s.close()
    shutil.rmtree(top)


class Task:
    """A program in a cgroup that reports through the shim."""
    def __init__(self, program, cgroup, mib):
        work = (f"import mmap, sys\n"
                f"m = mmap.mmap(-1, {mib} << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
                f"m.write(b'x' * ({mib} << 20))\n"
                f"print('ready', flush=True)\nsys.stdin.read()\n")
        enter = f"echo $$ >{cgroup}/cgroup.procs && exec \"$@\""
        self.process = subprocess.Popen(
            ["sh", "-c", enter, "sh", program, "run", "--reported", "--quiet", "--", sys.executable,
             "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = self.process.stdout.readline() == b"ready\n"

    def pid(self):
        """Of the program itself, which the process that was started runs."""
        return subprocess.run(["pgrep", "-P", str(self.process.pid)], stdout=subprocess.PIPE,
                              check=False).stdout.decode().split()[0]

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


def cells(line):
    """What stands in a line, with sizes as in the narrow table."""
    return re.sub(r"(\d) ([BKMG])(iB)?", r"\1\2", line).split()


def batch(program, *options):
    """A table: {first word of each line: what stands behind it}."""
    text = subprocess.run([program, "top", "--batch", "--iterations", "1", *options],
                          stdout=subprocess.PIPE, check=False).stdout.decode()
    print("".join(f"# {l}\n" for l in text.splitlines()[3:]), end="")
    return [cells(l) for l in text.splitlines()[4:]]


def number(path):
    with open(path, encoding="ascii") as f:
        return int(f.read())


def size(text):
    """Bytes of what stands in a table."""
    return float(text[:-1]) * 1024 ** "BKMG".index(text[-1])


def text_of(program):
    """Lines of a table."""
    return subprocess.run([program, "top", "--batch", "--iterations", "1"],
                          stdout=subprocess.PIPE, check=False).stdout.decode().splitlines()


def silence(s):
    """Whether the screen has 96 MiB of the inner group that nobody reported."""
    line = cells(next((l for l in s.lines() if l.strip().startswith("inner/")), ""))
    return len(line) in (11, 12) and line[-2].endswith("%") and int(line[-2][:-1]) < 80 and \
        line[-1].endswith("M") and 70 < float(line[-1][:-1]) < 160


def views_of_module(program, inner, outer, large):
    """Order, filter, classes and history of what the module says."""
    os.mkdir(f"{outer}/other")
    small = Task(program, f"{outer}/other", 16)
    ok(small.ready, "module: another task reports, in a group beside")
    group = f"/sys/class/misc/memstate/groups/{os.stat(inner).st_ino}"
    pids = [large.pid(), small.pid()]
    for options, want in ([], pids), (["--reverse"], pids[::-1]):
        shown = [r[0] for r in batch(program, "--flat", "--sort", "ready", *options)]
        ok([p for p in shown if p in pids] == want,
           f"module: --flat --sort ready {' '.join(options)}: tasks of all groups in order")
    rows = [r[0] for r in batch(program, "--cgroup", inner)]
    ok(rows[:3] == ["/", "top-test/", "inner/"] and pids[0] in rows and pids[1] not in rows,
       "module: --cgroup by directory")
    rows = batch(program, "--cgroup", str(os.stat(outer).st_ino), "--no-tasks")
    ok([r[0] for r in rows] == ["/", "top-test/", "inner/", "other/"], "module: --cgroup by id")
    for state in "ready", "prepared", "reserved":
        line = next(r for r in batch(program, f"--classes={state}") if r[0] == "inner/")
        files = [number(f"{group}/{name}/{state}") for name in fake.CLASSES]
        ok(sum(files) == number(f"{group}/{state}"), f"module: classes add up to {state}")
        ok(line[1] == state and all(abs(size(shown) - value) <= value / 100 for shown, value in
                                    zip(line[2:], files + [sum(files)])),
           f"module: --classes={state} shows each, and the sum")
    for term, dimensions, locale in (("vt100", (80, 24), "C"), ("xterm-256color", (140, 40), "C.UTF-8")):
        name = f"module {term} {dimensions[0]} {locale}"
        s = Screen([program, "top", "--delay", "0.3", "--sort", "ready"], term, dimensions,
                   LC_ALL=locale)
        ok(s.wait(r"^ +inner/ "), f"{name}: comes up", s)
        s.type(b"h")
        full = "#" if locale == "C" else "\u2588"
        ok(s.wait(lambda s: s.cells("/") and s.cells("/")[-1].endswith(full * 4)),
           f"{name}: history without a limit is full", s)
        low = "." if locale == "C" else "\u2581"
        ok(s.wait(lambda s: s.cells("inner/") and s.cells("inner/")[-1].endswith(low * 4)) and
           s.cells("inner/")[4] == "1.00G", f"{name}: below a limit of 1 GiB it is low", s)
        s.type(b"cc")
        ok(s.wait(lambda s: s.cells("inner/") and s.cells("inner/")[0] == "ready" and
                  abs(size(s.cells("inner/")[-1]) - number(f"{group}/ready")) < 1 << 20),
           f"{name}: classes of Ready", s)
        s.type(b"/inner\r")
        ok(s.wait("  only inner") and pids[0] in s.names() and pids[1] not in s.names(),
           f"{name}: filter", s)
        s.type(b"q")
        ok(s.end() == 0 and s.restored(), f"{name}: quits", s)
        s.close()
    # What a reading costs: processor time of this program's children
    for options in [], ["--no-tasks"], ["--classes"]:
        before = os.times()
        subprocess.run([program, "top", "--batch", "--iterations", "5", "--delay", "0.1", *options],
                       stdout=subprocess.DEVNULL, check=False)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - \
            before.children_system
        print(f"# 5 readings {options}: {spent * 200:.1f} ms each")
    small.end()
    os.rmdir(f"{outer}/other")


def module(program):
    """The real thing."""
    root = "/sys/fs/cgroup"
    outer, inner = f"{root}/top-test", f"{root}/top-test/inner"
    os.mkdir(outer)
    with open(f"{outer}/cgroup.subtree_control", "w", encoding="ascii") as f:
        f.write("+memory")
    os.mkdir(inner)
    task = Task(program, inner, 48)
    ok(task.ready, "module: a task reports")
    group = f"/sys/class/misc/memstate/groups/{os.stat(inner).st_ino}"
    with open(f"{group}/max", "w", encoding="ascii") as f:
        f.write("1G")
    table = subprocess.run([program, "top", "--batch", "--iterations", "1"],
                           stdout=subprocess.PIPE, check=False).stdout.decode()
    rows = {l.split()[0] if "/" in l.split()[0] else "task": l
            for l in table.splitlines()[4:]}
    print("".join(f"# {l}\n" for l in table.splitlines()), end="")
    ok({"/", "top-test/", "inner/", "task"} <= rows.keys(), "module: --batch has the tree")
    line = cells(rows.get("inner/", ""))
    ok(len(line) == 12 and line[6] == "1.00G", "module: a limit is shown")
    with open(f"{inner}/memory.stat", encoding="ascii") as f:
        anon = int(re.search(r"^anon (\d+)", f.read(), re.M)[1])
    ok(len(line) == 12 and line[9].endswith("M") and
       abs(float(line[9][:-1]) - anon / 2**20) < 3, f"module: anon is the cgroup's ({anon})")
    cover = int(line[10][:-1]) if len(line) == 12 and line[10][:-1].isdigit() else -1
    ok(80 <= cover <= 100, f"module: coverage of a task under the shim ({cover})")
    views_of_module(program, inner, outer, task)
    # Memory of a program that does not report is nobody's.
    silent = subprocess.Popen(
        ["sh", "-c", f"echo $$ >{inner}/cgroup.procs && exec \"$@\"", "sh", sys.executable,
         "-c", "x = b'x' * (96 << 20)\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    silent.stdout.readline()
    # The limit has the group observed: then it is a row of its own.
    ok(soon(lambda: any(r[:2] == [str(silent.pid), "python3"] and r[2] == "(observed)"
                        for r in (l.split() for l in text_of(program)))),
       "module: what a silent program holds is observed")
    with open(f"{group}/observe", "w", encoding="ascii") as f:
        f.write("0")
    for term, size in itertools.product(("vt100", "xterm-256color"), ((80, 24), (132, 40))):
        name = f"module {term} {size[0]}x{size[1]}"
        s = Screen([program, "top", "--delay", "0.5"], term, size)
        ok(s.wait(r"^ +\d+ python3 "), f"{name} shows the task", s)
        ok(s.wait(r"^ +inner/ "), f"{name} shows its group", s)
        # What the kernel counts is late.
        ok(s.wait(silence), f"{name} shows what a silent program makes of coverage", s)
        ok(s.coloured() is False, f"{name} without pressure there is no colour", s)
        s.type(b"t")
        ok(s.wait("t show tasks") and "python3" not in s.text(), f"{name} t hides the task", s)
        s.type(b"q")
        ok(s.end() == 0 and s.restored(), f"{name} q quits", s)
        s.close()
    silent.stdin.close()
    silent.wait()
    # Pressure, live: a limit below what is charged.
    s = Screen([program, "top", "--delay", "0.5"], "xterm-256color", (120, 40))
    s.wait(r"^ +inner/ ")
    with open(f"{group}/high", "w", encoding="ascii") as f:
        f.write("1M")
    ok(s.wait(r"^ +inner/ .* high "), "module: pressure shows", s)
    ok(s.coloured() and s.attributes("inner/").bold, "module: and stands out", s)
    nobody = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                             program, "top", "--batch", "--iterations", "1"],
                            stdout=subprocess.PIPE, check=False).stdout.decode()
    print("".join(f"# {l}\n" for l in nobody.splitlines()), end="")
    ok("inner/" in nobody and "python3" not in nobody and "of others not shown" in nobody,
       "module: others see groups by name, and no tasks")
    task.end()
    ok(s.wait(lambda s: "python3" not in s.text()), "module: the task goes", s)
    os.rmdir(inner)
    ok(s.wait(lambda s: "inner/" not in s.text()), "module: the group goes", s)
    s.type(b"q")
    ok(s.end() == 0, "module: quits", s)
    s.close()
    os.rmdir(outer)


def main():
    parts = {part.__name__: part
             for part in (terminals, keys, sizes, signals, names, *views.PARTS)}
    what, *arguments = sys.argv[1:]
    if what == "parts":
        print(*parts)
        return
    if what == "module":
        module(*arguments)
    else:
        for part in arguments[1:]:
            parts[part](arguments[0])
    end()


main()
