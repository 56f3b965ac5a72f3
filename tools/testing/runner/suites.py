# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The table of suites, suites.toml, and what each of them depends on."""

import dataclasses
import os
import pathlib
import platform
import re
import subprocess
import tomllib

SETS = ("quick", "all", "asked")
FIELDS = {"what", "run", "set", "cpus", "kernels", "packages", "inputs", "skips", "budget"}

# What changes a suite's work, as environment: a run with one of these is another one.
KNOBS = re.compile(r"(SEED|ROUNDS|CONFIGS|KERNELS|LIB|ONLY|CFLAGS|LDFLAGS|CC|CXX|KDIR|"
                   r"MEMSTATE_(TEST_SCALE|KERNEL|KVM|BACKEND|MODEL_TIMEOUT|BATCH))$")


class TableError(Exception):
    """suites.toml is wrong."""


@dataclasses.dataclass
class Suite:
    """One row of the table."""

    name: str
    what: str
    run: list
    set: str
    budget: int                # seconds of processors, on a machine that has nothing
    inputs: list               # patterns of Tree.matching
    cpus: int = 1              # how many it keeps busy
    kernels: list = dataclasses.field(default_factory=list)
    packages: list = dataclasses.field(default_factory=list)    # groups of vm/packages
    skips: list = dataclasses.field(default_factory=list)       # patterns of what it usually skips

    def command(self, top):
        """What runs it, as a list."""
        return [str(pathlib.Path(top) / "tools/testing" / self.run[0]), *self.run[1:]]

    def usual(self, skips):
        """Whether it usually skips all of SKIPS."""
        return all(any(re.search(pattern, f"{name} # {why}") for pattern in self.skips)
                   for name, why in skips)


def load(path):
    """The suites of a table, in its order, by name."""
    with open(path, "rb") as file:
        table = tomllib.load(file)
    sets = table.pop("inputs", {})
    suites = {}
    for name, row in table.items():
        try:
            suites[name] = _suite(name, row, sets)
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(f"{path}: [{name}]: {error}") from error
    return suites


def _suite(name, row, sets):
    unknown = set(row) - FIELDS
    if unknown:
        raise ValueError(f"unknown: {' '.join(sorted(unknown))}")
    missing = {"what", "run", "set", "inputs", "budget"} - set(row)
    if missing:
        raise ValueError(f"missing: {' '.join(sorted(missing))}")
    if row["set"] not in SETS:
        raise ValueError(f"set is none of {' '.join(SETS)}")
    row = dict(row, run=row["run"].split(), inputs=list(_expand(row["inputs"], sets)))
    return Suite(name=name, **row)


def _expand(patterns, sets):
    for pattern in patterns:
        if pattern.startswith("@"):
            yield from _expand(sets[pattern[1:]], sets)
        else:
            yield pattern


def groups_of(path):
    """The packages of each group of vm/packages."""
    groups = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words and not line.startswith("#"):
                groups.setdefault(words[0], []).append(words[1])
    return groups


class Machine:
    """What is installed on this one, as far as suites depend on it."""

    # Of everything: what compiles, what scripts run in
    COMMON = ("libc6", "libc6-dev", "gcc", "gcc-12", "make", "bash", "coreutils", "python3", "ccache")

    def __init__(self, packages, cache):
        self.groups = groups_of(packages)
        self.cache = pathlib.Path(cache)
        self.versions = {}
        self.look()

    def look(self):
        """Anew, after something was installed."""
        try:
            said = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n"],
                check=True, capture_output=True, text=True).stdout
        except (OSError, subprocess.CalledProcessError):
            said = ""
        self.versions = dict(line.split()[:2] for line in said.splitlines() if line.endswith(" installed"))

    def knows(self):
        """Whether it can be told what is installed; if not, nothing is known from before."""
        return bool(self.versions)

    def kernel(self, name):
        """The entry of the cache for kernels, their source and QEMU."""
        beginning = {"source": "linux-source", "qemu": "qemu", "kasan": "kasan", "kcsan": "kcsan"}.get(
            name, f"stock-{name}")
        found = sorted(path.name for path in self.cache.glob(f"{beginning}-[0-9]*"))
        return " ".join(found) or "none"

    def tools(self, suite):
        """What SUITE depends on beside the tree, as lines."""
        lines = [f"machine {platform.machine()}"]
        names = set(self.COMMON)
        for group in suite.packages:
            names.update(self.groups[group])
        lines += [f"{name} {self.versions.get(name, 'none')}" for name in sorted(names)]
        lines += [f"kernel {name} {self.kernel(name)}" for name in suite.kernels]
        lines += [f"{key}={value}" for key, value in sorted(os.environ.items()) if KNOBS.match(key)]
        return lines
