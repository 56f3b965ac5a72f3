#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""make bench-malloc: time and memory of the allocator beside its peers.

Every round runs every workload under every allocator, in an order that is another one each
time; printed are medians, as ratios to the best peer, and geometric means.

Environment: ROUNDS (5), ONLY="small big ..." (workloads), ALLOCATORS="glibc ...",
BENCH_DIR=directory (programs of another suite, as its user has built them),
PEERS="name=library ..." (more allocators), BASE=name (whose geometric mean is 1: mimalloc).
"""
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.realpath(HERE + "/../../../..")
OUT = TOP + "/build/bench/malloc"
USER = TOP + "/build/userspace"
LIBS = "/usr/lib/" + os.uname().machine + "-linux-gnu"
OURS = USER + "/libmemstate-malloc.so"

# name: library, more environment
ALLOCATORS = {
    "glibc": ("", {}),
    "jemalloc": (LIBS + "/libjemalloc.so.2", {}),
    "mimalloc": (LIBS + "/libmimalloc.so.2.0", {}),
    # It asks for huge pages, which costs it memory: quoted with and without.
    "mimalloc-4k": (LIBS + "/libmimalloc.so.2.0", {"NO_HUGE": "1"}),
    "tcmalloc": (LIBS + "/libtcmalloc_minimal.so.4", {}),
    "memstate": (OURS, {}),
    "memstate-off": (OURS, {"MEMSTATE_MALLOC_ACCOUNTING": "0"}),
}
PEERS = ["glibc", "jemalloc", "mimalloc", "mimalloc-4k", "tcmalloc"]

def inverse(pattern, work):
    """The output has a speed: the time for so much work."""
    return lambda text: work / float(re.search(pattern, text).group(1))


def seconds(pattern):
    return lambda text: float(re.search(pattern, text).group(1))


# Another suite's programs, where BENCH_DIR has them: command, standard input, and what makes a
# time of the output, if it is not the time that the whole takes.
SUITE = {
    "cfrac": ("cfrac 17545186520507317056371138836327483792789528", None, None),
    "espresso": ("espresso {src}/espresso/largest.espresso", None, None),
    "barnes": ("barnes", "{src}/barnes/input", None),
    "larson": ("larson 2 8 1000 5000 100 4141 2", None, seconds(r"relative time: ([0-9.]+)s")),
    "larson-sized": ("larson-sized 2 8 1000 5000 100 4141 2", None,
                     seconds(r"relative time: ([0-9.]+)s")),
    "alloc-test1": ("alloc-test 1", None, None),
    "alloc-testN": ("alloc-test 2", None, None),
    "mstress": ("mstress 2 50 25", None, None),
    "rptest": ("rptest 2 0 1 2 500 1000 100 8 16000", None,
               inverse(r"([0-9]+) memory ops", 1e7)),
    "sh6bench": ("sh6bench 4", None, None),
    "sh8bench": ("sh8bench 4", None, None),
    "xmalloc-test": ("xmalloc-test -w 2 -t 2 -s 64", None, seconds(r"rtime: ([0-9.]+)")),
    "cache-scratch1": ("cache-scratch 1 1000 1 2000000 2", None, None),
    "cache-scratchN": ("cache-scratch 2 1000 1 2000000 2", None, None),
    "cache-thrash1": ("cache-thrash 1 1000 1 2000000 2", None, None),
    "cache-thrashN": ("cache-thrash 2 1000 1 2000000 2", None, None),
    "glibc-simple": ("glibc-simple", None, None),
    "glibc-thread": ("glibc-thread 2", None, inverse(r"([0-9]+) iterations", 5e8)),
    "malloc-large": ("malloc-large", None, None),
    "mleak10": ("mleak 5", None, None),
    "mleak100": ("mleak 50", None, None),
}

PYTHON = """
import json
data = [{'id': i, 'name': f'n{i}', 'tags': [f't{i % 7}'] * (i % 9)} for i in range(40000)]
for _ in range(3):
    text = json.dumps(data)
    assert json.loads(text) == data
words = {}
for i in range(600000):
    words.setdefault(f'w{i * 7919 % 50021}', []).append(i)
"""
PERL = """my %h; for my $r (1 .. 4) { for my $i (1 .. 120000) {
$h{"k" . ($i * 7919 % 99991)} .= "v$i"; } my @k = sort keys %h; delete @h{@k[0 .. 20000]}; }"""
SQL = """create table t(a integer primary key, b text, c real); create index i on t(b);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 150000)
insert into t select x, printf('%08d', x * 7919 % 100003), x / 3.0 from n;
select count(*) from t a join t b on a.b = b.b; select b, sum(c) from t group by b limit 1;"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    say("bench-malloc: " + text)
    sys.exit(1)


def build():
    os.makedirs(OUT, exist_ok=True)
    common = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
    src = [f"{HERE}/{n}.c" for n in ("main", "single", "threads")]
    # Blocks are asked for because they are to be asked for.
    subprocess.run(common + ["-fno-builtin-malloc", "-fno-builtin-free", "-pthread",
                             f"-I{TOP}/include/uapi", f"-I{TOP}/userspace/include",
                             "-o", OUT + "/workloads"] + src + ["-ldl"], check=True)
    subprocess.run(common + ["-static", "-o", OUT + "/launch", HERE + "/launch.c"], check=True)


def environment(allocator):
    library, more = ALLOCATORS[allocator]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MEMSTATE_", "LD_"))}
    env.update(more)
    env["PRELOAD"] = library
    return env


def launch(allocator, command, stdin=None, cwd=None):
    """Run it; a dictionary of figures, and its output."""
    with open(stdin or os.devnull) as given:
        p = subprocess.run([OUT + "/launch"] + command, env=environment(allocator), cwd=cwd,
                           stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, errors="replace")
    found = re.search(r"^launch: (\d+) ([0-9.]+) ([0-9.]+) ([0-9.]+) (\d+) (\d+)$", p.stderr,
                      re.M)
    if not found or found.group(1) != "0":
        fail(f"{command[0]} under {allocator}: {p.stderr[-500:]}")
    return {"seconds": float(found.group(2)), "peak": int(found.group(5)),
            "faults": int(found.group(6))}, p.stdout + p.stderr


class Workload:
    """One of our own: it measures its own time, and says more of memory."""

    def __init__(self, name):
        self.name = name

    def run(self, allocator):
        figures, output = launch(allocator, [OUT + "/workloads", self.name])
        took, ready, with_load, rest = output.split("\n")[0].split()
        figures.update(seconds=float(took), rest=int(rest))
        if int(ready):
            figures.update(ready=int(ready), resident=int(with_load))
        return figures


class Program:
    def __init__(self, name, command, stdin=None, score=None, cwd=None):
        self.name, self.command, self.stdin = name, command, stdin
        self.score, self.cwd = score, cwd

    def run(self, allocator):
        figures, output = launch(allocator, self.command, self.stdin, self.cwd)
        if self.score:
            figures["seconds"] = self.score(output)
        return figures


class Redis:
    """The server has the allocator; the time is the client's."""
    name = "redis"

    def run(self, allocator):
        with tempfile.TemporaryDirectory() as where:
            port = str(20000 + os.getpid() % 20000)
            server = subprocess.Popen(
                [OUT + "/launch", "redis-server", "--port", port, "--bind", "127.0.0.1",
                 "--dir", where, "--save", "", "--appendonly", "no"],
                env=environment(allocator), stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True)
            client = ["redis-cli", "-p", port]
            for _ in range(100):
                if subprocess.run(client + ["ping"], capture_output=True).returncode == 0:
                    break
                time.sleep(0.05)
            began = time.monotonic()
            done = subprocess.run(
                ["redis-benchmark", "-p", port, "-q", "-n", "150000", "-r", "100000", "-P",
                 "16", "-d", "100", "-t", "set,get,lpush,sadd,hset"],
                stdout=subprocess.DEVNULL)
            took = time.monotonic() - began
            subprocess.run(client + ["shutdown", "nosave"], capture_output=True)
            said = server.communicate()[1]
            if done.returncode:
                fail("redis-benchmark failed under " + allocator)
        found = re.search(r"^launch: \d+ [0-9.]+ [0-9.]+ [0-9.]+ (\d+) (\d+)$", said, re.M)
        return {"seconds": took, "peak": int(found.group(1)), "faults": int(found.group(2))}


def own():
    listed = subprocess.run([OUT + "/workloads", "list"], capture_output=True, text=True)
    return [Workload(line.split()[0]) for line in listed.stdout.splitlines()]


def real(where):
    """Real programs, each with something to do."""
    with open(where + "/load.py", "w") as f:
        f.write(PYTHON)
    with open(where + "/load.pl", "w") as f:
        f.write(PERL)
    with open(where + "/load.sql", "w") as f:
        f.write(SQL)
    with open(where + "/load.c", "w") as f:
        f.write("#include <stdio.h>\n#include <stdlib.h>\n")
        for i in range(1500):
            f.write(f"int f{i}(int a, int *b) {{ int s = 0; for (int i = 0; i < a; i++) "
                    f"{{ s += b[i] * {i} + (s >> {i % 7}); if (s & {i}) b[i] ^= s; }} "
                    f"printf(\"%d {i}\\n\", s); return s; }}\n")
    for needed in ("redis-server", "redis-benchmark", "perl", "sqlite3", "gcc"):
        if not shutil.which(needed):
            fail(needed + " is missing: make deps installs it")
    return [
        Redis(),
        Program("python", ["env", "PYTHONMALLOC=malloc", "/usr/bin/python3",
                           where + "/load.py"]),
        Program("gcc", ["gcc", "-O1", "-c", "-o", where + "/load.o", where + "/load.c"]),
        Program("sqlite", ["sqlite3", ":memory:"], stdin=where + "/load.sql"),
        Program("perl", ["perl", where + "/load.pl"]),
    ]


def suite(directory):
    directory = os.path.realpath(directory)
    source = os.path.realpath(directory + "/../../bench")
    found = []
    for name, (command, stdin, score) in SUITE.items():
        command = command.format(src=source).split()
        if not os.access(f"{directory}/{command[0]}", os.X_OK):
            say(f"bench-malloc: {command[0]} is not in {directory}: {name} is left out")
            continue
        command[0] = f"{directory}/{command[0]}"
        found.append(Program("suite:" + name, command, stdin and stdin.format(src=source), score,
                             directory))
    return found


def warm(peak):
    """Memory that the host has taken back is slow to touch: whoever comes first would pay."""
    subprocess.run([OUT + "/workloads", "warm", str(int(peak * 1.2) + (64 << 20))], check=True)


def measure(loads, allocators, rounds):
    figures = {}
    modes = []
    peaks = {}
    for r in range(rounds):
        ns = subprocess.run([OUT + "/workloads", "latency"], capture_output=True, text=True)
        modes.append(int(ns.stdout))
        for i, load in enumerate(loads):
            say(f"bench-malloc: round {r + 1} of {rounds}, {load.name} ({i + 1} of {len(loads)})")
            for k in range(len(allocators)):
                allocator = allocators[(k + r) % len(allocators)]
                warm(peaks.get(load.name, 0))
                got = load.run(allocator)
                peaks[load.name] = max(peaks.get(load.name, 0), got["peak"])
                for name, value in got.items():
                    figures.setdefault((load.name, allocator, name), []).append(value)
    return {key: statistics.median(values) for key, values in figures.items()}, modes


def table(title, loads, allocators, figures, key, text):
    """Ratios to the best peer; and the geometric means of what all have."""
    peers = [a for a in PEERS if a in allocators]
    sums = {a: [] for a in allocators}
    rows = []
    for load in loads:
        have = {a: figures.get((load.name, a, key)) for a in allocators}
        if not all(have.values()):
            continue
        best = min(have[p] for p in peers)
        for a in allocators:
            sums[a].append(math.log(have[a] / best))
        rows.append(f"{load.name:18}{text(best):>10}" +
                    "".join(f"{have[a] / best:13.2f}" for a in allocators))
    if not rows:
        return {}
    print(f"\n{title}, as ratios to the best peer")
    print(f"{'':18}{'best':>10}" + "".join(f"{a:>13}" for a in allocators))
    print("\n".join(rows))
    means = {a: math.exp(sum(s) / len(s)) for a, s in sums.items()}
    print(f"{'geometric mean':28}" + "".join(f"{means[a]:13.3f}" for a in allocators))
    base = os.environ.get("BASE", "mimalloc")
    if base in means:
        print(f"{'  with ' + base + ' = 1':28}" +
              "".join(f"{means[a] / means[base]:13.3f}" for a in allocators))
    return means


def main():
    build()
    for peer in os.environ.get("PEERS", "").split():
        name, _, library = peer.partition("=")
        if not library or name in ALLOCATORS:
            fail(f"PEERS: {peer} is not name=library with another name")
        ALLOCATORS[name] = (os.path.realpath(library), {})
        PEERS.append(name)
    base = os.environ.get("BASE")
    if base and base not in ALLOCATORS:
        fail(f"BASE: no allocator {base}; there are: {' '.join(ALLOCATORS)}")
    allocators = os.environ.get("ALLOCATORS", " ".join(ALLOCATORS)).split()
    for a in allocators:
        if a not in ALLOCATORS:
            fail(f"no allocator {a}; there are: {' '.join(ALLOCATORS)}")
        if ALLOCATORS[a][0] and not os.path.exists(ALLOCATORS[a][0]):
            fail(f"{a}: {ALLOCATORS[a][0]} is missing")
    if not set(allocators) & set(PEERS):
        fail("a peer is needed to compare with")
    with tempfile.TemporaryDirectory() as where:
        loads = own() + real(where)
        if os.environ.get("BENCH_DIR"):
            loads += suite(os.environ["BENCH_DIR"])
        only = os.environ.get("ONLY", "").split()
        for name in only:
            if name not in [load.name for load in loads]:
                fail(f"no workload {name}; there are: {' '.join(l.name for l in loads)}")
        loads = [load for load in loads if not only or load.name in only]
        say("bench-malloc: warming up")
        warm(1000 << 20)
        figures, modes = measure(loads, allocators, int(os.environ.get("ROUNDS", "5")))
    backend = "the device" if os.access("/dev/memstate", os.R_OK | os.W_OK) else \
        "the embedded back end (no device here)"
    print(f"{os.uname().release}, {os.cpu_count()} processors; memstate accounts by {backend}")
    print("a cache line from core to core, in ns, round by round:", *modes)
    means = {}
    for title, key, text in (("time", "seconds", lambda v: f"{v:.2f} s"),
                             ("peak RSS", "peak", lambda v: f"{v / 2**20:.1f} M"),
                             ("RSS a while after the load", "rest",
                              lambda v: f"{v / 2**20:.1f} M")):
        means[key] = table(title, loads, allocators, figures, key, text)
    ours = [(l.name, figures[l.name, "memstate", "ready"] / figures[l.name, "memstate", "resident"])
            for l in loads if (l.name, "memstate", "ready") in figures]
    if ours:
        print("\nReady against RSS at the end of the load (memstate)")
        print("  ".join(f"{name} {ratio:.2f}" for name, ratio in ours))
    if {"memstate", "memstate-off"} <= set(allocators):
        cost = means["seconds"]["memstate"] / means["seconds"]["memstate-off"]
        print(f"\nthe accounting's own cost: {100 * (cost - 1):+.1f} % of time")
    with open(TOP + "/build/bench-malloc.json", "w") as f:
        json.dump({"core_to_core_ns": modes, "geometric_means": means,
                   "medians": [{"workload": w, "allocator": a, "figure": n, "value": v}
                               for (w, a, n), v in figures.items()]}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
