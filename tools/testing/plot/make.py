#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""make.py KIND: a recording, made up, on standard output.

waves   a program under limits, with everything that a recording can have
bare    a process without limits and events, in which nothing is lazy
seen    a group in which some report and others are observed
zeros   nothing was ever held
one     one sample, one ledger of three ranges
many    ledgers of 3000 ranges, 40 of them
long    200000 samples, a peak in one of them
hostile names and texts that try to be something else
header  nothing but the header
"""
import json
import math
import random
import sys

MIB = 1 << 20
random.seed(7)


def out(line):
    print(json.dumps(line, separators=(",", ":"), ensure_ascii=False))


def header(**more):
    line = {"type": "header", "format": "memstate-record", "version": 1,
            "memstate": "0.1.0", "command": "record", "unit": "bytes", "kernel": "6.1",
            "start": "2026-11-27T03:20:00Z", "clock": "monotonic", "time_unit": "s",
            "start_clock": 5.0, "interval": 0.1, "transitions": False,
            "target": {"kind": "group", "path": "/a/b", "cgroup_id": 55, "pid": 123,
                       "argv": ["redis-server", "--port", "6399"]}}
    line.update(more)
    out(line)


def page(value):
    return int(value) // 4096 * 4096


def sample(t, ready, prepared=0, reserved=0, prepared_lazy=0, reserved_lazy=0,
           limits=None, events=None, observed=None):
    stack = min(ready, 3 * MIB)
    line = {"type": "sample", "t": t, "tasks": 1, "reserved": reserved,
            "reserved_lazy": reserved_lazy, "prepared": prepared,
            "prepared_lazy": prepared_lazy, "ready": ready, "transitions": 9, "ranges": 5,
            "classes": {
                "heap": {"reserved": reserved, "prepared": prepared, "ready": ready - stack},
                "stack": {"reserved": 0, "prepared": 0, "ready": stack}}}
    if observed:
        line["observed"] = observed
    if limits:
        line["limits"] = limits
    line["events"] = events or {}
    out(line)


def ledger(t, ranges, pid=123):
    for first in range(0, max(len(ranges), 1), 512):
        out({"type": "ranges", "t": t, "pid": pid, "first": first, "of": len(ranges),
             "whole": True, "ranges": ranges[first:first + 512]})


def seen():
    header()
    for i in range(50):
        backed = (1 + i % 41) * MIB
        sample(i / 10, 5 * MIB, MIB, 8 * MIB,
               observed={"nr_tasks": 2, "commit": backed + 9 * MIB, "backed": backed + MIB,
                         "inherited": MIB, "pending": MIB, "excess": 0, "charged": backed + MIB})


def waves():
    header()
    events = dict.fromkeys(("high", "max", "denied", "breach", "drift"), 0)
    for i in range(300):
        t = i / 10
        ready = page(min(90 * MIB, (40 + 30 * math.sin(t / 3) + t) * MIB))
        prepared = page(12 * MIB + 8 * MIB * math.cos(t / 2))
        lazy = page(prepared / 3)
        charged = min(96 * MIB, ready + lazy + 2 * MIB + 256 * 1024)
        before = dict(events)
        pressure = "none"
        if charged > 64 * MIB:
            pressure = "high"
            events["high"] += i % 7 == 0
        if charged >= 92 * MIB:
            pressure = "max"
            events["max"] += 3
            events["denied"] += 1
        for name, count in events.items():
            if count > before[name]:
                out({"type": "event", "t": t, "event": name, "count": count,
                     "by": count - before[name]})
        sample(t, ready, prepared, (64 << 30) - ready - prepared, lazy, 2 * MIB,
               {"high": 64 * MIB, "max": 96 * MIB if i < 200 else 100 * MIB,
                "lowest_high": None, "lowest_max": None, "charged": charged, "peak": charged,
                "pressure": pressure}, dict(events))
        if i % 10 == 0:
            base = 0x7f1200000000
            mid = base + ready + prepared
            ledger(t, [
                [0x555500000000, 0x555500000000 + (1 + i // 30) * 65536, "ready", "metadata", 0],
                [base, base + ready, "ready", "heap", 0],
                [base + ready, mid - lazy, "prepared", "heap", 0],
                [mid - lazy, mid, "prepared", "heap", 1],
                [mid, base + (64 << 30), "reserved", "heap", 0],
                [0x7fff12340000, 0x7fff12340000 + 3 * MIB, "ready", "stack", 0]])
    out({"type": "end", "t": 30, "reason": "target ended", "samples": 300, "missed": 0})


def many():
    header()
    base = 0x7f0000000000
    states = ["ready", "prepared", "reserved"]
    ranges = []
    for i in range(3000):
        base += random.choice((0, 0, 0, 1, 1 << 20)) * 4096
        size = random.choice((1, 1, 2, 16, 512, 4096)) * 4096
        ranges.append([base, base + size, random.choice(states), "heap", 0])
        base += size
    for i in range(40):
        sample(i / 4, 64 * MIB)
        for _ in range(200):
            random.choice(ranges)[2] = random.choice(states)
        ledger(i / 4, ranges)


def main():
    kind = sys.argv[1]
    if kind == "waves":
        waves()
    elif kind == "bare":
        header(target={"kind": "process", "pid": 9, "name": "sh"})
        for i in range(50):
            sample(i / 10, page(MIB * (i + 1)), page(MIB * 5), page(MIB * 10))
    elif kind == "seen":
        seen()
    elif kind == "zeros":
        header(target={"kind": "system"})
        for i in range(10):
            sample(i / 10, 0)
    elif kind == "one":
        header()
        sample(0.5, 5 * MIB, 2 * MIB, 1 << 30)
        ledger(0.5, [[0x10000000, 0x10000000 + 5 * MIB, "ready", "heap", 0],
                     [0x10000000 + 5 * MIB, 0x10000000 + 7 * MIB, "prepared", "heap", 0],
                     [0x7f0000000000, 0x7f0000000000 + (1 << 30), "reserved", "heap", 0]])
    elif kind == "many":
        many()
    elif kind == "long":
        header()
        for i in range(200000):
            sample(i / 10, page(MIB * (77 if i == 123456 else 10)))
    elif kind == "hostile":
        header(target={"kind": "process", "pid": 9, "name": "x' ; system('touch owned') #\n`touch owned`</title><script>&%s%n"},
               start="$(touch owned)'")
        sample(0, MIB)
        sample(1, MIB)
        ledger(1, [[4096, 8192, "ready", "heap", 0]], 9)
    elif kind == "header":
        header()
    else:
        sys.exit(__doc__)


main()
