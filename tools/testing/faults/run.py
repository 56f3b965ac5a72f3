#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""run.py [OPTION...] [FAULT...]: which suite finds each seeded fault.

Each is applied to a copy of the tree, and suites are run until one fails: those of "make test"
first, and of these only such whose inputs the fault touches, the likeliest first; only what
survives goes through the rest. Prints a table, and what share is found. What was found out is
kept in the cache, by the fault, the sources and the tests.

  --quick      only the suites of "make test"
  --jobs N     copies at work at once (the number of processors)
  --again      also those of which it is known
"""

import argparse
import hashlib
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent.parent
sys.path.insert(0, str(TOP / "tools/testing/runner"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import cache                    # noqa: E402
import suites                   # noqa: E402
from tree import Tree           # noqa: E402

# What is wanted of both, in percent
QUICK_WANTED = 90
WHOLE_WANTED = 95
# A fault may hang a program or a virtual machine, which counts as found: seconds until that is known.
HANGS_AFTER = 420

# The suites that look at a part, likeliest first, by the beginning of a fault's name
LIKELY = {
    "kmod": "kernel-6.1,kernel-7.3,limits",
    "core": "core,kernel-6.1",
    "lib": "core",
    "malloc": "malloc,limits",
    "observe": "observe",
    "cli": "observe,limits",
    "cli-export": "export,export-device",
    "cli-handle": "plot-device",
    "cli-plot": "plot,plot-device",
    "cli-ranges": "plot-device",
    "cli-record": "plot,plot-device",
    "cli-replay": "replay,plot",
    "cli-top": "top,top-device",
    "oci": "oci",
}


SUITES = suites.load(TOP / "tools/testing/suites.toml")


def suites_of(sets):
    """Their names."""
    return {name for name, suite in SUITES.items() if suite.set in sets}


def likely(name):
    """Of the fault's name, the longest beginning that is known."""
    parts = name.split("-")
    return LIKELY.get("-".join(parts[:2])) or LIKELY[parts[0]]


class Fault:
    """One patch, and what is known of it."""

    def __init__(self, path, basis):
        self.name = path.stem
        self.path = path
        text = path.read_text(encoding="utf-8")
        self.kind = re.search(r"^Kind: *(.*)", text, re.MULTILINE)[1]
        self.undoes = re.search(r"^Undoes: *(\S+)", text, re.MULTILINE)
        digest = hashlib.sha256(f"{basis}\n{text}".encode()).hexdigest()[:32]
        self.note = cache.place() / "faults" / digest
        self.result = {}       # set, suite, test, seconds

    def recall(self, sets):
        """What was found out before. A suite that found it may have come into another set since;
        what survived did so only in the suites that it went through."""
        try:
            self.result = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.result = {}
        found = self.result.get("suite")
        if found in SUITES:
            self.result["set"] = SUITES[found].set
        if not self.result or self.result["set"] not in sets or \
                not found and not suites_of(sets) <= set(self.result["through"]):
            self.result = {}
        return self.result

    def keep(self):
        """Notes it."""
        self.note.parent.mkdir(parents=True, exist_ok=True)
        self.note.write_text(json.dumps(self.result), encoding="utf-8")

    def row(self):
        """Of the table."""
        found = self.result
        by = f"{found['set']}: {found['suite']}" if found.get("suite") else \
            f"SURVIVES {found['set']}" if found else "not looked at"
        return f"{self.name:44} {self.kind:28} {'undoes' if self.undoes else '':7} {by:24} " \
               f"{found.get('seconds', 0):5.0f} s  {found.get('test', '')}"


class Copy:
    """A copy of the tree, to which faults are applied one after the other."""

    def __init__(self, number, tree):
        self.tree = tree
        self.process = None
        self.top = TOP / f"build/faults/copy-{number}"
        tree.copy_to(self.top)

    def run(self, *arguments):
        """run.py there: its exit status and what it said."""
        with subprocess.Popen([self.top / "tools/testing/run.py", *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=dict(os.environ, MEMSTATE_VM_SECONDS=str(HANGS_AFTER),
                                       MEMSTATE_TEST_SECONDS=str(HANGS_AFTER))) as process:
            self.process = process
            said, _ = process.communicate()
        return process.returncode, said

    def stop(self):
        """Ends what it runs, and that what it has begun."""
        if self.process:
            self.process.terminate()

    def judge(self, fault, sets):
        """Which suite finds it."""
        began = time.monotonic()
        with open(fault.path, "rb") as patch:
            subprocess.run(["patch", "-s", "-p1", "-d", self.top], stdin=patch, check=True)
        try:
            for name in sets:
                status, said = self.run("--no-notes", "--first-failure", "--first", likely(fault.name), name)
                (self.top / "build" / f"{fault.name}.{name}.log").write_text(said, encoding="utf-8")
                suite = re.search(r"^(\S+): to run it alone: ", said, re.MULTILINE)
                if status and not suite:
                    raise RuntimeError(f"{fault.name}: run.py failed:\n{said}")
                test = re.search(r"^\S+: (not ok.*|Bail out!.*)", said, re.MULTILINE)
                fault.result = {"set": name, "suite": suite[1] if suite else "",
                                "through": sorted(suites_of(sets)),
                                "test": test[1] if test and suite else "",
                                "seconds": time.monotonic() - began}
                if suite:
                    break
        finally:
            for name in re.findall(r"^\+\+\+ b/(\S+)", fault.path.read_text(encoding="utf-8"), re.MULTILINE):
                self.tree.restore(name, self.top)
        fault.keep()


def work(copy, waiting, sets, told):
    """One copy's work. What goes wrong is put into TOLD."""
    try:
        while not told:
            try:
                fault = waiting.get_nowait()
            except queue.Empty:
                return
            copy.judge(fault, sets)
            print(fault.row(), flush=True)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        told.append(f"{copy.top}: {error}")


def share(name, faults, found, wanted):
    """Says what share of FAULTS is found; whether that is enough."""
    percent = 100 * found / len(faults)
    print(f"{name}: {found} of {len(faults)} found, {percent:.0f} % ({wanted} % are wanted)")
    return percent >= wanted


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("names", nargs="*", metavar="FAULT")
    options = parser.parse_args()
    sets = ["quick"] if options.quick else ["quick", "all"]
    tree = Tree(TOP)
    basis = tree.digest(tree.matching(["Kbuild", "kmod", "include", "userspace", "tools/testing",
                                       "!tools/testing/faults", "!tools/testing/suites.toml"]))
    faults = [Fault(path, basis) for path in sorted(HERE.glob("*.patch"))
              if not options.names or path.stem in options.names]
    unknown = set(options.names) - {fault.name for fault in faults}
    if unknown:
        sys.exit(f"run.py: there is no fault {' '.join(sorted(unknown))}")
    waiting = queue.Queue()
    for fault in faults:
        if not fault.recall(sets) or options.again:
            waiting.put(fault)
    told = []
    # An hour later is too late to learn it.
    if subprocess.run([HERE / "check.sh", *(fault.name for fault in faults)], check=False,
                      stdout=subprocess.DEVNULL).returncode:
        sys.exit("run.py: some faults are not whole, or do not apply: tools/testing/faults/check.sh")
    if not waiting.empty():
        # A suite that fails without a fault finds nothing with one.
        if subprocess.run([TOP / "tools/testing/run.py", *sets], check=False).returncode:
            sys.exit("run.py: the tree does not pass its own tests")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        copies = [Copy(n, tree) for n in range(options.jobs)]
        workers = [threading.Thread(target=work, args=(copy, waiting, sets, told)) for copy in copies]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            told.append("interrupted")
            for copy in copies:
                copy.stop()
    print()
    for fault in faults:
        print(fault.row())
    print(f"{sum(bool(fault.undoes) for fault in faults)} of {len(faults)} undo a fix of the log")
    if told:
        sys.exit("\n".join(told))
    found = [fault for fault in faults if fault.result.get("suite")]
    quick = sum(fault.result["set"] == "quick" for fault in found)
    enough = share("make test", faults, quick, QUICK_WANTED)
    if not options.quick:
        enough = share("make test-all", faults, len(found), WHOLE_WANTED) and enough
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
