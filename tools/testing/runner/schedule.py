# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Suites at once, as many as the processors take."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import time

from counting import count


PUT_AWAY_S = 30        # what is ended has so long until it is killed


@dataclasses.dataclass
class Outcome:
    """What became of one suite."""

    suite: object
    count: object
    seconds: float = 0         # by the clock
    processors: float = 0      # seconds of processors
    since: str = ""            # remembered since then, and not run

    def line(self):
        """On a line, without its name."""
        told = (f"{self.count.passed} passed, {self.count.failed} failed, "
                f"{self.count.skipped} skipped")
        if self.since:
            return f"{told} (remembered since {self.since})"
        return f"{told}, {self.seconds:.0f} s, {self.processors:.0f} s of processors"


class Schedule:
    """Runs suites. What they say goes to OUT/NAME.tap and OUT/NAME.err."""

    def __init__(self, top, out, capacity, environment):
        self.top = pathlib.Path(top)
        self.out = pathlib.Path(out)
        self.capacity = capacity
        self.environment = environment
        self.running = {}      # process id: (suite, process, began)

    def run(self, suites, stop_at_failure=False):
        """Yields an Outcome for each of SUITES, as they end; they begin in that order where
        there is room."""
        waiting = list(suites)
        try:
            while waiting or self.running:
                self._begin(waiting)
                outcome = self._end()
                yield outcome
                if stop_at_failure and outcome.count.failed:
                    return
        finally:
            self.stop()

    def _busy(self):
        return sum(suite.cpus for suite, _, _ in self.running.values())

    def _begin(self, waiting):
        for suite in list(waiting):
            # One that takes more than there is runs alone.
            if self.running and self._busy() + suite.cpus > self.capacity:
                continue
            waiting.remove(suite)
            print(f"# {suite.name}: began", flush=True)
            with open(self.out / f"{suite.name}.tap", "wb") as tap, \
                    open(self.out / f"{suite.name}.err", "wb") as err, _uninterrupted():
                process = subprocess.Popen(suite.command(self.top), stdin=subprocess.DEVNULL, stdout=tap,
                                           stderr=err, env=self.environment, cwd=self.top,
                                           start_new_session=True)
                self.running[process.pid] = suite, process, time.monotonic()

    def _end(self):
        while True:
            pid, status, usage = os.wait4(-1, 0)
            if pid in self.running:
                break
        suite, process, began = self.running.pop(pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        with open(self.out / f"{suite.name}.tap", encoding="utf-8", errors="replace") as tap:
            counted = count(tap, process.returncode)
        return Outcome(suite, counted, time.monotonic() - began, usage.ru_utime + usage.ru_stime)

    def stop(self):
        """Ends what is running, and waits for it: a virtual machine has things to put away. A suite
        is a session: timeout(1) makes process groups of its own."""
        sessions = set(self.running)
        _signal(sessions, signal.SIGTERM)
        until = time.monotonic() + PUT_AWAY_S
        while _processes(sessions) and time.monotonic() < until:
            self._reap()
            time.sleep(0.05)
        _signal(sessions, signal.SIGKILL)
        for _, process, _ in self.running.values():
            process.wait()
        self.running.clear()

    def _reap(self):
        for _, process, _ in self.running.values():
            process.poll()


@contextlib.contextmanager
def _uninterrupted():
    """What is begun is known before a signal is heard, or nobody would end it."""
    came = []
    before = {number: signal.signal(number, lambda number, _: came.append(number))
              for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def _processes(sessions):
    """Those of these sessions that have not ended."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # A name in it is of any bytes.
            stat = path.read_text(encoding="utf-8", errors="replace")
            state, _, _, session = stat.rpartition(")")[2].split()[:4]
        except OSError:
            continue    # it has ended
        if state not in "ZX" and int(session) in sessions:
            found.append(int(path.parent.name))
    return found


def _signal(sessions, number):
    for pid in _processes(sessions):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
