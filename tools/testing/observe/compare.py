#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""compare.py MEMSTATE LOG REPORT OUT: the shim's books against its own strace log.

LOG is of strace -f -k. Of it only the calls made by the shim count, told by the
stack, up to the process's report: what libc, the loader and
libmemstate map for themselves is what a shim cannot see. Exit status 1 if any
process has other totals by replay than by its report.
"""
import json
import re
import subprocess
import sys

memstate, log, report, out = sys.argv[1:]
line_re = re.compile(r"^(\d+) +(.*)$")
tasks = re.compile(r"^(<\.\.\. )?(clone|clone3|fork|vfork|execve)\b")
memory = re.compile(r"^(<\.\.\. )?(mmap|munmap|mprotect|pkey_mprotect|madvise|mremap)\b")

entries = []        # process, text, whether it counts
begun = {}          # process: its call that has not ended
done = set()        # processes that have reported
entry = None
frame = 0
with open(log) as f:
    for line in f:
        if line.startswith(" > "):
            # Called by syscall() in libc, and that by the shim, if not for a page of its own.
            frame += 1
            if entry and "(report_begin+" in line:
                entry[2] = False
            if frame == 2 and entry and "libmemstate-observe.so(" in line:
                entry[2] = True
                if "resumed>" in entry[1] and entry[0] in begun:
                    begun.pop(entry[0])[2] = True
            continue
        m = line_re.match(line)
        if not m:
            continue
        frame = 0
        entry = None
        pid, call = m.groups()
        if pid in done:
            continue
        if call.startswith("openat(") and report in call and "O_APPEND" in call:
            done.add(pid)
        elif tasks.match(call):
            entries.append([pid, call, True])
        elif memory.match(call):
            entry = [pid, call, False]
            entries.append(entry)
            if "<unfinished" in call:
                begun[pid] = entry
kept = [f"{pid} {call}\n"
        for pid, call, counts in entries if counts]
with open(out, "w") as f:
    f.writelines(kept)

replayed = json.loads(subprocess.run([memstate, "replay", "--json", out], check=True,
                                     stdout=subprocess.PIPE).stdout)
last = {}
for entry in replayed["marks"][-1]["processes"]:
    last[entry["pid"]] = entry
reported = [json.loads(line) for line in open(report)]
keys = ["reserved", "prepared", "ready"]
bad = not reported
for r in reported:
    want = last.get(r["pid"], {})
    for key in keys:
        if r[key] != want.get(key):
            print(f"process {r['pid']} {key}: shim {r[key]}, replay {want.get(key)}")
            bad = True
    if r["drift"] or r["rejected"] or not r["transitions"]:
        print(f"process {r['pid']}: drift {r['drift']}, rejected {r['rejected']}, "
              f"transitions {r['transitions']}")
        bad = True
print(f"{len(reported)} processes, {len(kept)} calls")
sys.exit(1 if bad else 0)
