# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A tree that looks like the module's directory, cgroupfs and /proc.

fake.py DIR: make it, and print the ids of its cgroups as NAME=ID.

    /                   anon 1 GiB, 400 MiB Ready and 112 MiB Prepared: 50 %
    /web.slice          anon 100 MiB, 80 + 10 MiB: 90 %, pressure high
    /web.slice/redis    anon 40 MiB, 80 + 0 MiB: 200 %, pressure max
    /web.slice/blank me without memory.stat; its path is not readable
    /batch              anon 0

Tasks: 101 and 102 in redis, 103 in batch, 104 in a group that is not there. The books of
process N have the number 4000 + N.
"""
import os
import sys

MIB = 1 << 20
CGROUPS = {
    "": ("root", 1024, 1000, 112, 400, "max", "max", "none", 4),
    "web.slice": ("web", 100, 300, 10, 80, 96 * MIB, 128 * MIB, "high", 2),
    "web.slice/redis": ("redis", 40, 200, 0, 80, "max", 80 * MIB, "max", 2),
    "web.slice/blank me": ("blank", None, 0, 5, 0, "max", "max", "none", 0),
    "batch": ("batch", 0, 1, 2, 3, "max", "max", "none", 1),
}
TASKS = {
    101: ("redis", 50, "redis-server", 20),
    102: ("redis", 30, "redis-cli", 20),
    103: ("batch", 3, "odd\x1bname", None),
    104: (None, 1, "stray", 1),
}


def write(*path):
    *path, value = path
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{value}\n")


CLASSES = ("heap", "stack", "metadata", "code", "other", "user1", "user2", "user3")


def by_class(state, mib):
    """So many MiB, shared out: a byte more for each class after the heap."""
    parts = {f"{name}/{state}": mib * MIB // 32 * (i % 4) + i if mib else 0
             for i, name in enumerate(CLASSES[1:], 1)}
    return {f"{CLASSES[0]}/{state}": mib * MIB - sum(parts.values()), **parts}


def figures(reserved, prepared, ready, high, limit, pressure):
    return {**by_class("reserved", reserved), **by_class("prepared", prepared),
            **by_class("ready", ready), "reserved": reserved * MIB, "prepared": prepared * MIB,
            "ready": ready * MIB, "charged": ready * MIB, "high": high, "max": limit,
            "pressure": pressure}


def files(where, values):
    """Each a file, as of a group."""
    for name, value in values.items():
        write(where, name, value)


def task(top, pid):
    """Where the lines of its books are."""
    return os.path.join(top, "sysfs/tasks", str(4000 + pid))


def lines(path, values):
    """Each a line, as of a task, beside those that are there."""
    old = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            old = dict(line.rstrip("\n").split(" ", 1) for line in f)
    new = {**old, **{name.replace("/", "."): value for name, value in values.items()}}
    write(path, "\n".join(f"{name} {value}" for name, value in new.items()))


def make(top):
    """Make the tree below top; return {name: cgroup id}."""
    # A blank in the mount's path: mountinfo writes it as an octal number.
    cgroups = os.path.join(top, "cgroup mount")
    ids = {}
    for path, (name, anon, *_) in CGROUPS.items():
        where = os.path.join(cgroups, path)
        os.makedirs(where, exist_ok=True)
        ids[name] = os.stat(where).st_ino
        if anon is not None:
            write(where, "memory.stat", f"file 4096\nanon {anon * MIB}\nanon_thp 7")
    for path, (name, _, reserved, prepared, ready, high, limit, pressure,
               tasks) in CGROUPS.items():
        group = os.path.join(top, "sysfs/groups", str(ids[name]))
        files(group, figures(reserved, prepared, ready, high, limit, pressure))
        parent = CGROUPS[os.path.dirname(path)][0]
        write(group, "parent", ids[parent] if path else 0)
        write(group, "nr_tasks", tasks)
        if name != "blank":
            write(group, "path", "/" + path)
    for pid, (group, ready, comm, anon) in TASKS.items():
        lines(task(top, pid), {"pid": pid, "group": ids.get(group, 999999999),
                               **figures(0, 0, ready, "max", "max", "none")})
        write(top, "proc", str(pid), "comm", comm)
        if anon is not None:
            write(top, "proc", str(pid), "status",
                  f"Name:\t{comm}\nRssAnon:\t{anon * 1024} kB")
    # What is no group, and one that goes while it is read.
    write(top, "sysfs/groups/uevent", "")
    os.makedirs(os.path.join(top, "sysfs/groups/77"), exist_ok=True)
    place = cgroups.replace(" ", "\\040")
    write(top, "mountinfo",
          "21 1 0:20 / /proc rw - proc proc rw\n"
          "22 1 0:21 / /nowhere/at/all rw - cgroup2 cgroup2 rw\n"
          f"23 1 0:21 / {place} rw,nosuid shared:1 - cgroup2 cgroup2 rw,nsdelegate")
    return ids


if __name__ == "__main__":
    for NAME, ID in make(sys.argv[1]).items():
        print(f"{NAME}={ID}")
