#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""oneliners.py PAGE SECTION PID COMM GROUP: the commands of a page that watch the
tracepoints, run beside a process that makes events (PID, COMM, in the cgroup GROUP).

Each has to tell of that process, or of its group, and of nobody else's; each tracepoint
has to be watched by one. One that tells nothing is watched again, for longer: on a busy
machine it may have begun late. Printed as TAP.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile

import console

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
import tap  # noqa: E402

START_S, END_S = 600, 300
AGAIN_S = 30	# bpftrace has been seen to go on for minutes after it was interrupted
WATCH_S = 4, 20, 60	# bpftrace says that it attaches before it has loaded its programs
PAGE_S, LONGER_S = 5, 30	# of what ends by itself: on the page, and again
EVENTS = ("transition", "charge", "deny", "drift", "pressure", "open", "close", "unmap")


def ended(pid):
    """Whether a process has; whoever has started it may not have heard of it yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def finish(process, interrupt):
    """Wait for a process, which is interrupted, if at all, as somebody at a terminal would do
    it: again after a while. Kill it in the end. Its status."""
    for _ in range(END_S // AGAIN_S):
        if interrupt and process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        try:
            return process.wait(AGAIN_S)
        except subprocess.TimeoutExpired:
            pass
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def watch(command, seconds, enough):
    """Run a command; interrupt bpftrace after so long, or when it has said enough.
    Return (status, lines)."""
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, start_new_session=True) as process:
            def said():
                # It writes where the file's offset is, which is its as well: that stays.
                text = os.pread(out.fileno(), os.fstat(out.fileno()).st_size, 0)
                return text.decode(errors="replace").splitlines()

            def over():
                return process.poll() is not None
            interrupt = command.startswith("bpftrace")
            if interrupt:
                tap.soon(lambda: over() or any("Attaching" in line for line in said()), patience=START_S)
                tap.soon(lambda: over() or enough(said()), patience=seconds)
            return finish(process, interrupt), said()


def rounds(command, before):
    """Yield (commands, seconds): what is run, for how long bpftrace; the last one has to
    tell, from what the one before it has recorded."""
    if command.startswith("bpftrace"):
        yield from (([command], seconds) for seconds in WATCH_S)
        return
    yield [command], 0
    again = [before, command] if command.startswith(("perf script", "perf report")) else [command]
    longer = [re.sub(rf"\b(sleep|timeout) {PAGE_S}\b", rf"\1 {LONGER_S}", one) for one in again]
    if longer != again:
        yield longer, 0


def judge(command, fine, lines, told):
    """Return (whether it is as it should be, how often which event was counted)."""
    tool = command.split()[0]
    counted = {}
    if command.startswith("perf stat"):
        counted = {event: int(number.replace(",", "")) for number, event in
                   re.findall(r"([\d,]+)\s+memstate:memstate_(\w+)", "\n".join(lines))}
        return fine and all(counted.get(event) for event in EVENTS), counted
    if tool == "bpftrace" or command.startswith(("perf script", "perf report")):
        return fine and told(lines), counted
    if tool == "timeout":	# it ends what would not
        return all(any(f"memstate_{event}:" in line for line in lines)
                   for event in EVENTS) and told(lines), counted
    return fine, counted


def main():
    """The command line."""
    page, section, pid, comm, group = sys.argv[1:]
    found = console.commands(page, section)
    about = re.compile(rf"\b({pid}|{re.escape(comm)}|{group})\b")

    def told(lines):
        return any(about.search(line) for line in lines)
    print("TAP version 13")
    watched = {"bpftrace": set(), "perf": set()}
    directory, before = "/", None
    for one in found:
        command = one["command"]
        name = f"line {one['line']}: {' '.join(command.split())[:70]}".replace("#", "")
        tool = command.split()[0]
        if tool == "cd":
            directory = command.split()[1]
            tap.ok(os.path.isdir(directory), name)
            continue
        os.chdir(directory)
        for commands, seconds in rounds(command, before):
            for step in commands:
                status, lines = watch(step, seconds, told)
            good, counted = judge(command, status == 0, lines, told)
            # Interrupted before it has attached, bpftrace fails without a word.
            if good:
                break
        before = command
        tap.ok(good, name, "\n".join(lines[-30:] + [f"exit status {status}"]))
        if good and tool in watched:
            watched[tool] |= set(counted) | set(re.findall(r"memstate:memstate_(\w+)", command))
    for tool, events in watched.items():
        for event in EVENTS:
            tap.ok(event in events, f"{tool} watches memstate_{event}")
    # The check is one that can fail: of one that is not there nothing is told.
    first = next(one["command"] for one in found if one["command"].startswith("bpftrace"))
    os.kill(int(pid), signal.SIGTERM)
    tap.soon(lambda: ended(pid), patience=END_S)
    for seconds in WATCH_S:
        status, lines = watch(first, seconds, told)
        if status == 0:
            break
    tap.ok(status == 0 and not told(lines), "nothing is told of a process that has ended",
           "\n".join(lines[-30:]))
    tap.end()


main()
