#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""oneliners.py PAGE SECTION PID COMM GROUP ROUNDS OTHER: the commands of a page that watch the
tracepoints, run beside a process that makes events (PID, COMM, in the cgroup GROUP), each of
them for each line that it writes to ROUNDS. OTHER is a command that makes the same in another
group.

Each has to tell of that process, or of its group, and of nobody else's; each tracepoint
has to be watched by one. Times that the page gives are taken for rounds: what watches ends when
it has seen some. Printed as TAP.
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
SOME = 10	# how often something has happened when it cannot but be seen
ROUNDS = ('bash -c \'r() { wc -l <"$0"; }; n=$(($(r) + 3)); '
          'for ((i = 0; i < 6000 && $(r) < n; i++)); do sleep 0.1; done\'')
EVENTS = ("transition", "charge", "deny", "drift", "pressure", "open", "close", "unmap")


def ended(pid):
    """Whether a process has; whoever has started it may not have heard of it yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def finish(process, end):
    """Wait for a process, which is sent the signal END, if any, as somebody at a terminal would do
    it: again after a while. Kill it in the end. Its status."""
    for _ in range(END_S // AGAIN_S):
        if end and process.poll() is None:
            os.killpg(process.pid, end)
        try:
            return process.wait(AGAIN_S)
        except subprocess.TimeoutExpired:
            pass
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def ran(pid):
    """How often each of the programs has run that a bpftrace has loaded."""
    counts = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}") == "anon_inode:bpf-prog":
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="utf-8") as file:
                    counts += [int(line.split()[1]) for line in file if line.startswith("run_cnt:")]
    except OSError:
        pass    # it has ended, or closed one meanwhile
    return counts


def watch(command, enough, end=signal.SIGINT):
    """Run a command; end one that would not end when ENOUGH(its process id, its lines). Return
    (status, lines)."""
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen(["bash", "-c", f"exec {command}" if enough else command],
                              stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                              start_new_session=True) as process:
            def said():
                # It writes where the file's offset is, which is its as well: that stays.
                text = os.pread(out.fileno(), os.fstat(out.fileno()).st_size, 0)
                return text.decode(errors="replace").splitlines()

            if enough:
                tap.soon(lambda: process.poll() is not None or enough(process.pid, said()), patience=START_S)
            return finish(process, end if enough else None), said()


def run(command, told, rounds):
    """Run one of the page's, to its end or until it has seen enough."""
    if command.startswith("bpftrace"):
        nr = command.count("tracepoint:")

        def enough(pid, lines):
            if "printf" in command:
                return told(lines)
            return len([count for count in ran(pid) if count >= SOME]) >= nr
        return watch(command, enough)
    if command.startswith("timeout"):
        return watch(re.sub(r"^timeout \d+ ", "", command), lambda _, lines: seen(lines) and told(lines),
                     signal.SIGTERM)
    return watch(re.sub(r"\bsleep \d+$", lambda _: f"{ROUNDS} {rounds}", command), None)


def seen(lines):
    """Whether each event is in a trace."""
    return all(any(f"memstate_{event}:" in line for line in lines) for event in EVENTS)


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
        return seen(lines) and told(lines), counted
    return fine, counted


def main():
    """The command line."""
    page, section, pid, comm, group, rounds, other = sys.argv[1:]
    found = console.commands(page, section)
    about = re.compile(rf"\b({pid}|{re.escape(comm)}|{group})\b")

    def told(lines):
        return any(about.search(line) for line in lines)
    print("TAP version 13")
    watched = {"bpftrace": set(), "perf": set()}
    directory = "/"
    for one in found:
        command = one["command"]
        name = f"line {one['line']}: {' '.join(command.split())[:70]}".replace("#", "")
        tool = command.split()[0]
        if tool == "cd":
            directory = command.split()[1]
            tap.ok(os.path.isdir(directory), name)
            continue
        os.chdir(directory)
        status, lines = run(command, told, rounds)
        good, counted = judge(command, status == 0, lines, told)
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
    with subprocess.Popen(["bash", "-c", other]) as process:
        # Of that one it tells: so it does watch.
        about_other = re.compile(rf"\b{process.pid}\b")
        status, lines = watch(first, lambda _, lines: any(map(about_other.search, lines)))
        process.terminate()
    tap.ok(status == 0 and any(map(about_other.search, lines)) and not told(lines),
           "nothing is told of a process that has ended", "\n".join(lines[-30:]))
    tap.end()


main()
