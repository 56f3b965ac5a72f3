# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The tree of top's fake.py, with all files that the module has.

fake.py DIR...: make some. Each file that top does not need has a number of its own, so that
one that is taken for another shows. Some names are hostile.
"""
import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../top"))
import fake as top_fake  # noqa: E402

CLASSES = "heap stack metadata code other user1 user2 user3".split()
STATES = "reserved prepared ready".split()
TOTALS = """reserved_lazy prepared_lazy ready_direct peak_ready transitions drift rejected
    unmaps resyncs ranges charged inherited breached denied breaches""".split()
OBSERVED = "observed_tasks commit backed pending excess observed_breached".split()
EVENTS = "high max denied breach drift".split()
ALLOC = """data_bytes allocated_bytes allocated_count freed_bytes freed_count idle_bytes
    slab_bytes""".split()
# What a name of a cgroup may hold, and what it may not but a file system may.
HOSTILE = [b'quote"d', b"back\\slash", b"new\nline", b"bad\xff\xc0\xafutf", b"\xc3\xa4\xe2\x82\xac",
           b"\xed\xa0\x80surrogate", b'end\\', b'{a="b"} 1', b" # EOF"]


def put(where, name, value=None):
    """A file, unless it is there."""
    path = os.path.join(where, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"{next(numbers) if value is None else value}\n")


TOTALS_ALL = TOTALS + STATES + [f"{class_}/{state}" for class_ in CLASSES for state in STATES]


def totals(where):
    for name in TOTALS_ALL:
        put(where, name)


# What a program may call itself, and keys that a newer module may have.
REFUSAL = ('pid=9 inner_pid=7 comm="{comm}" bytes={bytes} group=77 backed={backed} charged={charged} {limit}'
           ' overcommit={percent} at={at}.000100 nr={nr} newer="x=1 nr=0" first=3')


def refusal(where):
    """A last refusal; of every third group there is none."""
    number = next(numbers)
    put(where, "last_refusal", REFUSAL.format(
        comm="\\x22 nr=5 bytes=6\\x0a\\x5c", bytes=number, backed=3 << 20, charged=5 << 20, at=number % 10,
        limit=f"{'commit_max' if number % 2 else 'max'}={8 << 20}", percent=100 + number % 4 * 25, nr=number)
        if number % 3 else "")


def group(where):
    totals(where)
    refusal(where)
    put(where, "nr_tasks")
    put(where, "peak")
    for name in OBSERVED:
        put(where, name)
    put(where, "commit_max", "max")
    put(where, "enforced", 1)
    for event in EVENTS:
        put(where, f"events_{event}")
        put(where, f"events_local_{event}")


def task(path, counts):
    """The lines that are not there."""
    with open(path, encoding="utf-8") as f:
        there = {line.split()[0] for line in f}
    values = {name: next(numbers) for name in TOTALS_ALL + ["peak"]}
    for name in ALLOC:
        values[f"alloc_{name}"] = next(numbers) if counts else 0
    values["alloc_nr_shards"] = 4 if counts else 0
    top_fake.lines(path, {name: value for name, value in values.items()
                          if name.replace("/", ".") not in there})


def make(where):
    """Make the tree below where."""
    global numbers
    numbers = itertools.count(1000003, 7)
    ids = top_fake.make(where)
    sysfs = os.path.join(where, "sysfs")
    totals(sysfs)
    put(sysfs, "nr_tasks")
    put(where, "module/version", "1.2-fake")
    for number, name in enumerate(HOSTILE):
        cgroup = os.path.join(os.fsencode(where), b"cgroup mount", name)
        os.mkdir(cgroup)
        number = str(os.stat(cgroup).st_ino)
        directory = os.path.join(sysfs, "groups", number)
        top_fake.files(directory, top_fake.figures(1, 2, 3, "max", "max", "none"))
        put(directory, "parent", ids["root"])
        with open(os.path.join(directory, "path"), "wb") as f:
            f.write(b"/" + name + b"\n")
    for name in os.listdir(os.path.join(sysfs, "groups")):
        # Not the one that goes while it is read.
        if os.path.exists(os.path.join(sysfs, "groups", name, "parent")):
            group(os.path.join(sysfs, "groups", name))
    for pid, name in zip(itertools.count(201), HOSTILE):
        top_fake.lines(top_fake.task(where, pid), {
            "pid": pid, "group": ids["web"],
            **top_fake.figures(1, 0, 2, "max", "4096", "high")})
        os.makedirs(os.path.join(where, "proc", str(pid)))
        with open(os.path.join(where, "proc", str(pid), "comm"), "wb") as f:
            f.write(name + b"\n")
    for name in os.listdir(os.path.join(sysfs, "tasks")):
        task(os.path.join(sysfs, "tasks", name), name in ("4101", "4203"))


if __name__ == "__main__":
    for DIR in sys.argv[1:]:
        os.mkdir(DIR)
        make(DIR)
