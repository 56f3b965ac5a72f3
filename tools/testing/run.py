#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""run.py [OPTION...] SET|SUITE...: run test suites of suites.toml, and sum up.

A SET is "quick" or "all" (which is what is not quick); sets are run one after the other, and
the second only if nothing has failed in the first. What has passed with the same inputs is
remembered, and not run again, unless FRESH=1 is set or a suite is named.

  --list            the suites, their sets and budgets; runs nothing
  --why SUITE       what a suite's being remembered depends on; runs nothing
  --first-failure   one after the other, the cheapest first, and stop at the first that fails
  --first S,S...    these before the others
  --no-notes        remember nothing of this run
  --trace           run each alone, in a copy of the tree, and look which files of it are opened;
                    one that has passed and has declared them all is remembered
"""

import argparse
import fcntl
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "runner"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import cache                                            # noqa: E402
import schedule                                         # noqa: E402
import suites as table                                  # noqa: E402
import opened                                           # noqa: E402
from counting import Count                              # noqa: E402
from memory import Memory                               # noqa: E402
from tree import Tree                                   # noqa: E402

TOP = HERE.parent.parent


def environment(top):
    """That of the suites: what compilers have made of the same input is taken from before,
    wherever the tree lies."""
    return dict(os.environ, CCACHE_DIR=str(cache.place() / "ccache"), CCACHE_BASEDIR=str(top),
                CCACHE_NOHASHDIR="1", CCACHE_MAXSIZE=cache.COMPILED,
                PATH=f"/usr/lib/ccache:{os.environ['PATH']}")


class Run:
    """One run of some suites."""

    def __init__(self, options, top=TOP):
        self.options = options
        self.top = top
        self.out = top / "build/test"
        self.out.mkdir(parents=True, exist_ok=True)
        self.suites = table.load(top / "tools/testing/suites.toml")
        self.machine = table.Machine(top / "tools/testing/vm/packages", cache.place())
        self.memory = Memory(cache.place(), reads=not os.environ.get("FRESH"), writes=not options.no_notes)
        self.outcomes = []

    def phases(self):
        """The lists of suites that run one after the other; of each whether it is asked for by name."""
        named = []
        for word in self.options.names:
            if word in table.SETS:
                yield [suite for suite in self.suites.values() if suite.set == word], False
            elif word in self.suites:
                named.append(self.suites[word])
            else:
                sys.exit(f"run.py: no such suite: {word}; there are: {' '.join(self.suites)}, "
                         f"and the sets quick and all")
        if named:
            yield named, True

    def recalled(self, suite, tree):
        """Its outcome, if it has passed with the same inputs before."""
        if not self.machine.knows():
            return None
        note = self.memory.recall(self.memory.key(suite, tree, self.machine))
        if not note:
            return None
        return schedule.Outcome(suite, Count(note["passed"], 0, note["skips"], [], note["names"]),
                                since=note["since"])

    def keep(self, outcome, before):
        """Remembers what has passed, if its inputs are still as they were BEFORE."""
        suite, counted = outcome.suite, outcome.count
        tree = Tree(self.top)
        if counted.failed or not suite.usual(counted.skips) or not self.machine.knows():
            return
        if tree.digest(tree.matching(suite.inputs)) != before[suite.name]:
            print(f"# {suite.name}: its inputs have changed meanwhile, so it is not remembered")
            return
        self.memory.remember(self.memory.key(suite, tree, self.machine), {
            "suite": suite.name, "passed": counted.passed, "skips": counted.skips,
            "names": counted.names, "processors": round(outcome.processors, 1)})

    def install(self, wanted):
        """The packages that they take."""
        groups = sorted({group for suite in wanted for group in suite.packages})
        if groups and subprocess.run([HERE / "vm/deps.sh", *groups], check=False).returncode:
            sys.exit("run.py: without its packages nothing can be tested")
        self.machine.look()

    def prepare(self, wanted):
        """What many of them need: packages; kernels, which are fetched beside the first suites; and
        what is built of userspace, as two at once would write the same files."""
        self.install(wanted)
        kernels = sorted({kernel for suite in wanted for kernel in suite.kernels} - {"kasan", "kcsan"})
        if kernels:
            with open(self.out / "kernels.log", "wb") as log:
                subprocess.Popen([HERE / "vm/kernel.sh", *kernels], stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log)
        with open(self.out / "userspace.log", "wb") as log:
            # That it cannot be built the suites say.
            subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "-C", "userspace", "all"], cwd=self.top,
                           check=False, env=environment(self.top), stdout=log, stderr=log)

    def phase(self, suites, named):
        """Runs SUITES; whether all is well."""
        outcomes = []

        def recall():
            tree = Tree(self.top)
            for suite in list(suites):
                outcome = None if named else self.recalled(suite, tree)
                if outcome:
                    suites.remove(suite)
                    outcomes.append(outcome)

        suites = list(suites)
        recall()
        if suites:
            self.prepare(suites)
            recall()           # what is installed is known only now
        for outcome in outcomes:
            print(f"# {outcome.suite.name}: {outcome.line()}", flush=True)
        tree = Tree(self.top)
        before = {suite.name: tree.digest(tree.matching(suite.inputs)) for suite in suites}
        one_by_one, first = self.options.first_failure, self.options.first
        # The longest first, so that the end is not one long wait.
        suites.sort(key=lambda suite: suite.budget, reverse=not one_by_one)
        suites.sort(key=lambda suite: first.index(suite.name) if suite.name in first else len(first))
        capacity = 1 if one_by_one else (os.cpu_count() or 1) + 1
        runner = schedule.Schedule(self.top, self.out, capacity, environment(self.top))
        for n, outcome in enumerate(runner.run(suites, self.options.first_failure), 1):
            print(f"# {n} of {len(suites)}: {outcome.suite.name}: {outcome.line()}", flush=True)
            self.keep(outcome, before)
            outcomes.append(outcome)
        self.outcomes += outcomes
        return not any(outcome.count.failed for outcome in outcomes)

    def summary(self):
        """What was skipped, then what each suite took, then what failed: the end of a log is what
        is kept of it and read. Whether all is well."""
        for outcome in self.outcomes:
            for name, why in outcome.count.skips:
                print(f"{outcome.suite.name}: {name} # SKIP {why}")
        for outcome in self.outcomes:
            print(f"{outcome.suite.name}: {outcome.line()}")
        ran = sorted((outcome for outcome in self.outcomes if not outcome.since),
                     key=lambda outcome: -outcome.processors)
        if ran:
            print("the slowest, in seconds of processors (and their budgets): " + ", ".join(
                f"{outcome.suite.name} {outcome.processors:.0f} ({outcome.suite.budget})"
                for outcome in ran[:10]))
        for outcome in ran:
            if outcome.processors > outcome.suite.budget:
                print(f"{outcome.suite.name}: took more than its budget of {outcome.suite.budget} s of processors")
        for outcome in self.outcomes:
            self.tell_failure(outcome)
        passed = sum(outcome.count.passed for outcome in self.outcomes)
        failed = sum(outcome.count.failed for outcome in self.outcomes)
        skipped = sum(outcome.count.skipped for outcome in self.outcomes)
        print(f"{passed} passed, {failed} failed, {skipped} skipped")
        return passed and not failed

    def tell_failure(self, outcome):
        """What a suite that failed has said at its end, and how to run it alone."""
        name = outcome.suite.name
        if not outcome.count.failed:
            return
        if outcome.count.why:
            print(f"{name}: {outcome.count.why}")
        print(f"{name}: the last of what it said, of build/test/{name}.tap and .err:")
        said = (self.out / f"{name}.tap").read_text(encoding="utf-8", errors="replace").splitlines()
        print(*[line for line in said if line.startswith("#")][-20:], sep="\n")
        errors = (self.out / f"{name}.err").read_text(encoding="utf-8", errors="replace").splitlines()
        print(*errors[-20:], sep="\n")
        for line in outcome.count.failures:
            print(f"{name}: {line}")
        print(f"{name}: to run it alone: tools/testing/run.py {name}")


def traced(run, suites):
    """Runs each of SUITES alone, and tells which files it opens that it has not declared, as TAP.
    Whether all is well."""
    top = run.top / "build/trace"
    failed = 0
    run.install(suites)
    print("TAP version 13")
    for n, suite in enumerate(suites, 1):
        tree = Tree(run.top)
        opened.copy_of(tree, top)
        watch = opened.Watch(top, tree.files, run.out / f"{suite.name}.opened")
        try:
            outcome, = schedule.Schedule(top, run.out, 1, environment(top)).run([suite])
        finally:
            names = watch.end()
        wrong = [f"opens {name}, which it does not declare" for name in opened.undeclared(suite, tree, names)]
        if outcome.count.failed:
            wrong.append(f"failed: {outcome.count.why} {outcome.count.failures}")
        if not wrong:
            run.keep(outcome, {suite.name: tree.digest(tree.matching(suite.inputs))})
        print(f"# {suite.name}: {outcome.line()}")
        print(f"{'not ok' if wrong else 'ok'} {n} - {suite.name} declares what it reads", flush=True)
        for line in wrong:
            print(f"# {suite.name}: {line}", flush=True)
        failed += bool(wrong)
    print(f"1..{len(suites)}")
    print(f"{len(suites) - failed} passed, {failed} failed, 0 skipped")
    return not failed


def locked(out):
    """One run in a tree at a time: they would write the same files."""
    file = open(out / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("run.py: there is another run in this tree")
    return file


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(usage=__doc__, add_help=True)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--why", action="store_true")
    parser.add_argument("--first-failure", action="store_true")
    parser.add_argument("--first", default="", type=lambda words: words.split(","))
    parser.add_argument("--no-notes", action="store_true")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("names", nargs="*", metavar="SET|SUITE")
    options = parser.parse_args()
    # What is running is ended, as by an interrupt. A run in the background may have been begun
    # with interrupts ignored: its suites, which send some to their programs, are not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run = Run(options)
    if options.list:
        for suite in run.suites.values():
            print(f"{suite.name:16} {suite.set:6} {suite.budget:5} s  {suite.what}")
        return 0
    phases = list(run.phases())
    if not phases:
        parser.error("nothing is asked for")
    if options.why:
        tree = Tree(run.top)
        for suite in (suite for suites, _ in phases for suite in suites):
            print(*[f"file {name}" for name in tree.matching(suite.inputs)],
                  *run.machine.tools(suite), sep="\n")
        return 0
    with locked(run.out):
        if options.trace:
            return 0 if traced(run, [suite for suites, _ in phases for suite in suites]) else 1
        well = True
        for suites, named in phases:
            well = well and run.phase(suites, named)
        cache.bound(cache.place())
        return 0 if run.summary() else 1


if __name__ == "__main__":
    sys.exit(main())
