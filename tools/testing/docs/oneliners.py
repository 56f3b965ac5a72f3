#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""oneliners.py PAGE SECTION PID COMM GROUP: the commands of a page that watch the
tracepoints, run beside a process that makes events (PID, COMM, in the cgroup GROUP).

Each has to tell of that process, or of its group, and of nobody else's; each tracepoint
has to be watched by one. Printed as TAP.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import console

START_S, WATCH_S, END_S = 180, 4, 120
EVENTS = ("transition", "charge", "deny", "drift", "pressure", "open", "close", "unmap")


class Test:
    """TAP."""

    count, failed = 0, False

    @classmethod
    def result(cls, good, name, said=()):
        """One test."""
        cls.count += 1
        if not good:
            cls.failed = True
            for line in list(said)[-30:]:
                print(f"# {line}")
        print(f"{'ok' if good else 'not ok'} {cls.count} - {name}", flush=True)


def finish(process, limit):
    """Wait for a process; kill it after a limit. Whether it ended by itself."""
    try:
        process.wait(limit)
        return True
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False


def watch(command, seconds=WATCH_S):
    """Run a command; interrupt one that goes on until then. Return (fine, lines)."""
    with tempfile.TemporaryFile("w+") as out:
        with subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            def said():
                out.seek(0)
                return out.read()
            fine = True
            if command.startswith("bpftrace"):
                end = time.monotonic() + START_S
                while "Attaching" not in said() and process.poll() is None:
                    if time.monotonic() > end:
                        break
                    time.sleep(0.2)
                time.sleep(seconds)
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)
            fine = finish(process, END_S) and process.returncode == 0
            return fine, said().splitlines()


def tells(lines, pid, comm, group):
    """Whether some line tells of the process or its group."""
    return any(re.search(rf"\b({pid}|{re.escape(comm)}|{group})\b", line) for line in lines)


def main():
    """The command line."""
    page, section, pid, comm, group = sys.argv[1:]
    found = console.commands(page, section)
    print("TAP version 13")
    watched = {"bpftrace": set(), "perf": set()}
    directory = "/"
    for one in found:
        command = one["command"]
        name = f"line {one['line']}: {' '.join(command.split())[:70]}".replace("#", "")
        tool = command.split()[0]
        if tool == "cd":
            directory = command.split()[1]
            Test.result(os.path.isdir(directory), name)
            continue
        os.chdir(directory)
        fine, lines = watch(command)
        counted = {}
        if command.startswith("perf stat"):
            counted = {event: int(number.replace(",", "")) for number, event in
                       re.findall(r"([\d,]+)\s+memstate:memstate_(\w+)", "\n".join(lines))}
            good = fine and all(counted.get(event) for event in EVENTS)
        elif tool == "bpftrace" or command.startswith(("perf script", "perf report")):
            good = fine and tells(lines, pid, comm, group)
        elif tool == "timeout":	# it ends what would not
            good = all(any(f"memstate_{event}:" in line for line in lines)
                       for event in EVENTS) and tells(lines, pid, comm, group)
        else:
            good = fine
        Test.result(good, name, lines)
        if good and tool in watched:
            watched[tool] |= set(counted) | set(re.findall(r"memstate:memstate_(\w+)", command))
    for tool, events in watched.items():
        for event in EVENTS:
            Test.result(event in events, f"{tool} watches memstate_{event}")
    # The check is one that can fail: of one that is not there nothing is told.
    first = next(one["command"] for one in found if one["command"].startswith("bpftrace"))
    os.kill(int(pid), signal.SIGTERM)
    time.sleep(1)
    fine, lines = watch(first)
    Test.result(fine and not tells(lines, pid, comm, group),
                "nothing is told of a process that has ended", lines)
    print(f"1..{Test.count}")
    sys.exit(Test.failed)


main()
