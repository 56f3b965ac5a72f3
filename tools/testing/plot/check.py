#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Recordings and what is plotted of them, looked at by other code than wrote them.

check.py lines FILE              a recording holds together
check.py rest FILE STAT KEY      its last sample is what 'memstate stat --json' says
check.py plot FILE SCRIPT        a script for gnuplot has the recording's figures
check.py map FILE SCRIPT         likewise of a map of ledgers
check.py png FILE WIDTH HEIGHT   a PNG file of that size, and not of one colour
"""
import gzip
import json
import math
import re
import struct
import sys
import zlib

STATES = ("reserved", "prepared", "ready")
EVENTS = ("high", "max", "denied", "breach", "drift")


def fail(text):
    sys.exit("check: " + text)


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def of_type(lines, kind):
    return [line for line in lines if line["type"] == kind]


def lines(path):
    all_ = read(path)
    head, end = all_[0], all_[-1]
    if head["type"] != "header" or head["format"] != "memstate-record" or head["version"] != 1:
        fail("no header")
    for key in ("memstate", "unit", "kernel", "start", "clock", "interval", "target"):
        if key not in head:
            fail("the header has no " + key)
    samples = of_type(all_, "sample")
    if end["type"] != "end" or end["samples"] != len(samples):
        fail("the end says %s samples, there are %d" % (end.get("samples"), len(samples)))
    if head["transitions"] and end["transitions"] != sum(
            len(of_type(all_, kind)) for kind in ("transition", "unmap", "open", "close")):
        fail("the end says %d transitions" % end["transitions"])
    for before, after in zip(samples, samples[1:]):
        if after["t"] <= before["t"]:
            fail("time goes back: %s %s" % (before["t"], after["t"]))
    for line in samples:
        for state in STATES:
            if line[state] != sum(c[state] for c in line["classes"].values()):
                fail("classes do not add up at %s" % line["t"])
    # An event for each count that grows, and no other.
    want = [(after["t"], name, after["events"][name] - before["events"][name])
            for before, after in zip(samples, samples[1:]) for name in EVENTS
            if after["events"][name] > before["events"][name]]
    have = [(line["t"], line["event"], line["by"]) for line in of_type(all_, "event")]
    if want != have:
        fail("events: %s, want %s" % (have[:5], want[:5]))
    print("%d samples, %d events, %s" % (len(samples), len(have), end))


def rest(path, stat, key):
    last = of_type(read(path), "sample")[-1]
    with open(stat, encoding="utf-8") as file:
        said = json.load(file)
    for part in filter(None, key.split("/")):
        said = said[int(part) if part.isdigit() else part]
    bad = []
    for name in ("reserved", "reserved_lazy", "prepared", "prepared_lazy", "ready",
                 "ready_direct", "transitions", "drift", "unmaps", "ranges", "charged",
                 "denied"):
        if last[name] != said[name]:
            bad.append("%s: %d in the sample, %d by stat" % (name, last[name], said[name]))
    for class_, states in said["classes"].items():
        for state in STATES:
            have = last["classes"].get(class_, {}).get(state, 0)
            if have != states[state]:
                bad.append("%s/%s: %d, %d" % (class_, state, have, states[state]))
    if bad or not last["ready"]:
        fail("; ".join(bad) or "nothing is Ready")
    print("ready %d" % last["ready"])


def blocks(script):
    with open(script, encoding="utf-8") as file:
        text = file.read()
    found = {}
    for name, body in re.findall(r"^\$(\w+) << EOD\n(.*?)^EOD$", text, re.M | re.S):
        found[name] = [[float(x) for x in row.split()] for row in body.splitlines() if row]
    return text, found


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-9)


def plot(path, script):
    all_ = read(path)
    samples = of_type(all_, "sample")
    text, data = blocks(script)
    if len(samples) == 1:
        # Shown with some width: the same again, where that ends.
        if str(data["samples"][0][1:]) != str(data["samples"].pop()[1:]):
            fail("a moment has two values")
    if len(data["samples"]) != len(samples):
        fail("%d rows for %d samples" % (len(data["samples"]), len(samples)))
    panel = "'Reserved' at screen" in text
    for row, line in zip(data["samples"], samples):
        seen = line.get("observed", {"backed": 0, "inherited": 0, "commit": 0})
        layers = [line["ready"], seen["backed"] - seen["inherited"], line["reserved_lazy"],
                  line["prepared_lazy"], line["prepared"] - line["prepared_lazy"],
                  seen["commit"] - seen["backed"]]
        top = [sum(layers[:i + 1]) for i in range(len(layers))]
        reserved = line["reserved"] - line["reserved_lazy"]
        top.append(reserved if panel else top[-1] + reserved)
        want = [line["t"], line.get("limits", {}).get("charged", math.nan)] + top
        if not all(near(a, b) or (math.isnan(a) and math.isnan(b)) for a, b in zip(row, want)):
            fail("row %s, want %s" % (row, want))
    for name in ("high", "max"):
        limits = [(line["t"], line["limits"][name]) for line in samples if "limits" in line]
        for t, value in data["limit_" + name]:
            if not math.isnan(t) and value not in {v for _, v in limits}:
                fail("limit %s of %s" % (name, value))
        changes = 1 + sum(a[1] != b[1] for a, b in zip(limits, limits[1:])) if limits else 0
        if limits and len(data["limit_" + name]) - 1 != 2 * changes:
            fail("limit %s: %s" % (name, data["limit_" + name]))
    for name in EVENTS:
        want = [line["t"] for line in of_type(all_, "event") if line["event"] == name]
        have = [row[0] for row in data.get(name, [])]
        if len(want) != len(have) or not all(map(near, want, have)):
            fail("marks of %s: %s, want %s" % (name, have, want))
    # Ticks are whole numbers of a unit, or binary parts of one.
    ticks = re.findall(r"'([0-9.]+) ([KMGTPE]i)?B' (\d+)", text)
    if len(ticks) < 3:
        fail("ticks: %s" % ticks)
    for number, unit, bytes_ in ticks:
        size = float(number) * 1024 ** ("KMGTPE".index(unit[0]) + 1 if unit else 0)
        if size != int(bytes_) or float(number) * 64 % 1:
            fail("tick %s %sB at %s" % (number, unit, bytes_))
    print("%d samples, ticks %s" % (len(samples), ticks))


def map_(path, script):
    """Each ledger's states cover the rows of the picture in the order of addresses."""
    ledgers = {}
    for line in of_type(read(path), "ranges"):
        ledgers.setdefault(line["t"], []).extend(line["ranges"])
    text, data = blocks(script)
    rows = int(re.search(r"set yrange \[0:(\d+)\]", text).group(1))
    kinds = {1: ("reserved", 0), 2: ("reserved", 1), 3: ("prepared", 0), 4: ("prepared", 1),
             5: ("ready", 0)}
    boxes = [(*row, kinds[int(name[5:])]) for name, block in data.items()
             if name.startswith("cells") for row in block if not math.isnan(row[0])]
    for x0, x1, y0, y1, _ in boxes:
        if not (x0 < x1 and 0 <= y0 < y1 <= rows):
            fail("box %s %s %s %s" % (x0, x1, y0, y1))
    for t, ranges in ledgers.items():
        column = sorted((y0, y1, kind) for x0, x1, y0, y1, kind in boxes
                        if (x0 < t or near(x0, t)) and t < x1 and not near(t, x1))
        for below, above in zip(column, column[1:]):
            if above[0] < below[1]:
                fail("boxes overlap at %s: %s %s" % (t, below, above))
        if len(ranges) > 100:
            continue
        have, want = [], []
        for _, _, kind in column:
            if not have or have[-1] != kind:
                have.append(kind)
        for _, _, state, _, flags in ranges:
            kind = (state, flags & 1)
            if not want or want[-1] != kind:
                want.append(kind)
        if have != want:
            fail("at %s: %s, want %s" % (t, have, want))
    print("%d boxes, %d ledgers" % (len(boxes), len(ledgers)))


def png(path, width, height):
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[-8:-4] != b"IEND":
        fail("no PNG")
    size = struct.unpack(">II", data[16:24])
    if size != (int(width), int(height)):
        fail("size %dx%d" % size)
    at, pixels = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            pixels += data[at + 8:at + 8 + length]
        at += length + 12
    if len(set(zlib.decompress(pixels))) < 20:
        fail("there is nothing to be seen")


{"lines": lines, "rest": rest, "plot": plot, "map": map_, "png": png}[sys.argv[1]](*sys.argv[2:])
