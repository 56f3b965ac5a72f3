#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""test.py: the runner itself, on a small tree with suites of its own, as TAP; and the table of
suites: budgets, packages, inputs. What is tested here cannot be vouched for by itself: what
run.py exits with and prints last is compared as text."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TESTING = HERE.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import cache                    # noqa: E402
import suites as table          # noqa: E402
from counting import count      # noqa: E402
from tree import Tree           # noqa: E402

# `make test` with caches: 7 minutes of two processors. All of it on a machine that has nothing:
# an hour, of which fetching and installing take some.
QUICK_S = 7 * 60 * 2
WHOLE_S = 55 * 60 * 2

tests = []


def test(function):
    """One more test."""
    tests.append(function)
    return function


class Small:
    """A tree with suites a, b (quick) and c (all), each of which prints what lies in its folder."""

    TABLE = """
[inputs]
common = ["common"]
[a]
what = "a"
run = "suite.sh a"
set = "quick"
inputs = ["@common", "a"]
budget = 1
[b]
what = "b"
run = "suite.sh b"
set = "quick"
inputs = ["b", "!b/notes"]
skips = ["usual"]
budget = 2
[c]
what = "c"
run = "suite.sh c"
set = "all"
inputs = ["c/*.tap"]
budget = 1
"""
    SUITE = """#!/bin/sh
echo "$1" >>"$RAN"
[ ! -e "$1/hang" ] || timeout 100 "$0" hang # a process group of its own
[ "$1" != hang ] || sleep 100
[ ! -e "$1/changes" ] || echo '# more' >>"$1/out.tap"
cat "$1"/out.tap
[ ! -e "$1/status" ] || exit "$(cat "$1/status")"
"""

    def __init__(self, path):
        self.top = pathlib.Path(path) / "tree"
        self.ran_file = pathlib.Path(path) / "ran"
        self.cache = pathlib.Path(path) / "cache"
        testing = self.top / "tools/testing"
        shutil.copytree(HERE, testing / "runner", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(TESTING / "run.py", testing)
        self.put("tools/testing/suites.toml", self.TABLE)
        self.put("tools/testing/suite.sh", self.SUITE, 0o755)
        self.put("tools/testing/vm/packages", "base python3\n")
        self.put("tools/testing/vm/deps.sh", "#!/bin/sh\n", 0o755)
        self.put("common", "x\n")
        for name in "abc":
            self.says(name, "ok 1 - one\n1..1\n")
        self.put("b/notes", "x\n")

    def put(self, name, text, mode=0o644):
        """Writes a file of the tree."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def says(self, suite, text):
        """What that suite prints from now on."""
        self.put(f"{suite}/out.tap", text)

    def command(self, *arguments, **environment):
        """The command line, and its environment."""
        kept = {key: value for key, value in os.environ.items() if not table.KNOBS.match(key)}
        kept.pop("FRESH", None)
        return ([str(self.top / "tools/testing/run.py"), *arguments],
                dict(kept, RAN=str(self.ran_file), MEMSTATE_CACHE=str(self.cache), **environment))

    def run(self, *arguments, **environment):
        """Runs it: what ran, the exit status, what was said."""
        self.ran_file.write_text("", encoding="utf-8")
        command, env = self.command(*arguments, **environment)
        done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=300)
        return ("".join(sorted(self.ran_file.read_text(encoding="utf-8").split())), done.returncode,
                done.stdout + done.stderr)


ANY = object()


def left_of(small):
    """Processes of suites that are still there."""
    return subprocess.run(["pgrep", "-f", f"{small.top}/tools/testing/suite.sh"], check=False,
                          capture_output=True, text=True).stdout


def ran(small, want, *arguments, status=0, last=None, **environment):
    """A run of these suites, that ends so."""
    got, code, said = small.run(*arguments, **environment)
    assert want in (ANY, got), f"ran '{got}', not '{want}':\n{said}"
    assert code == status, f"exit status {code}, not {status}:\n{said}"
    if last is not None:
        assert said.splitlines()[-1] == last, said
    return said


@test
def what_has_passed_is_not_run_again(small):
    ran(small, "ab", "quick", last="2 passed, 0 failed, 0 skipped")
    said = ran(small, "", "quick", last="2 passed, 0 failed, 0 skipped")
    assert re.search(r"^a: 1 passed, 0 failed, 0 skipped \(remembered since ", said, re.MULTILINE), said
    ran(small, "c", "quick", "all", last="3 passed, 0 failed, 0 skipped")


@test
def what_a_suite_reads_runs_it_again_and_nothing_else(small):
    ran(small, "ab", "quick")
    small.put("a/more", "x\n")
    ran(small, "a", "quick")
    small.put("common", "y\n")
    ran(small, "a", "quick")
    small.put("b/notes", "y\n")
    ran(small, "", "quick")
    (small.top / "b/out.tap").chmod(0o755)
    ran(small, "b", "quick")
    (small.top / "a/more").unlink()
    small.put("common", "x\n")
    ran(small, "", "quick")


@test
def the_table_and_the_tools_run_it_again(small):
    ran(small, "ab", "quick")
    small.put("tools/testing/suites.toml", small.TABLE.replace("suite.sh a", "suite.sh a more"))
    ran(small, "a", "quick")
    ran(small, "ab", "quick", SEED="7")
    small.put("tools/testing/suites.toml", small.TABLE.replace("[b]", "[b]\nkernels = ['6.1']"))
    small.put("tools/testing/vm/kernel.sh", "#!/bin/sh\n", 0o755)
    ran(small, "b", "quick")
    (small.cache / "stock-6.1-6.1.99").mkdir()
    ran(small, "b", "quick")
    ran(small, "", "quick")


@test
def fresh_and_a_name_run_it_all_the_same(small):
    ran(small, "ab", "quick")
    ran(small, "ab", "quick", FRESH="1")
    ran(small, "a", "a", last="1 passed, 0 failed, 0 skipped")


@test
def notes_can_be_left_out(small):
    ran(small, "ab", "--no-notes", "quick")
    ran(small, "ab", "quick")


@test
def what_failed_is_run_again_and_told(small):
    small.says("a", "ok 1 - one\n# why\nnot ok 2 - two\n1..2\n")
    small.put("a/status", "1")
    said = ran(small, "ab", "quick", status=1, last="2 passed, 1 failed, 0 skipped")
    assert "a: not ok 2 - two" in said and "# why" in said, said
    assert "a: to run it alone: tools/testing/run.py a" in said, said
    ran(small, "a", "quick", status=1)


@test
def the_rest_is_not_begun_where_something_failed(small):
    small.says("b", "not ok 1 - one\n1..1\n")
    ran(small, "ab", "quick", "all", status=1)


@test
def a_skip_is_told_and_remembered_only_if_usual(small):
    small.says("b", "ok 1 - one # SKIP as usual\n1..1\n")
    said = ran(small, "ab", "quick", last="1 passed, 0 failed, 1 skipped")
    assert "b: one # SKIP as usual" in said, said
    said = ran(small, "", "quick", last="1 passed, 0 failed, 1 skipped")
    assert "b: one # SKIP as usual" in said, said
    small.says("b", "ok 1 - one # SKIP no tool\n1..1\n")
    ran(small, "b", "quick")
    ran(small, "b", "quick")


@test
def inputs_that_change_meanwhile_are_not_remembered(small):
    small.put("a/changes", "")
    said = ran(small, "ab", "quick")
    assert "a: its inputs have changed meanwhile" in said, said
    ran(small, "a", "quick")


@test
def interrupted_it_goes_on_where_it_was(small):
    small.put("b/hang", "")
    command, env = small.command("quick")
    small.ran_file.write_text("", encoding="utf-8")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        for line in process.stdout:
            if "a: 1 passed" in line:
                break
        # that it is remembered comes after that it is told
        until = time.monotonic() + 300
        while not list(small.cache.glob("passed/*")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait() != 0
    assert not left_of(small), left_of(small)
    (small.top / "b/hang").unlink()
    ran(small, "b", "quick")


@test
def two_at_once_in_a_tree_are_refused(small):
    small.put("a/hang", "")
    command, env = small.command("a")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        said = ran(small, ANY, "b", status=1)
        assert "there is another run in this tree" in said, said
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait() == 143
    assert not left_of(small), left_of(small)


@test
def suites_can_be_interrupted_though_the_run_ignores_it(small):
    small.put("tools/testing/suite.sh", "#!/bin/sh\nkill -INT $$\necho 'not ok 1 - it goes on'\necho 1..1\n", 0o755)
    command, env = small.command("a")
    done = subprocess.run(["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command], env=env, check=False,
                          capture_output=True, text=True, timeout=300)
    assert "a: no plan" in done.stdout, done.stdout


@test
def first_failure_is_the_cheapest_and_the_last(small):
    small.put("tools/testing/suites.toml", small.TABLE.replace("budget = 1\n[b]", "budget = 1\ncpus = 9\n[b]"))
    small.says("a", "not ok 1 - one\n1..1\n")
    ran(small, "a", "--first-failure", "quick", status=1)


@test
def more_than_the_budget_is_told(small):
    small.put("tools/testing/suites.toml", small.TABLE.replace("budget = 2", "budget = 0"))
    said = ran(small, "ab", "quick", last="2 passed, 0 failed, 0 skipped")
    assert "b: took more than its budget of 0 s" in said and "a: took" not in said, said


@test
def a_wrong_name_is_told(small):
    said = ran(small, "", "a", "nonsense", status=1)
    assert "no such suite: nonsense; there are: a b c" in said, said


@test
def a_table_that_is_wrong_is_told(small):
    for change, told in ((("[a]", "[a]\nnonsense = 1"), "[a]: unknown: nonsense"),
                         (('what = "b"\n', ""), "[b]: missing: what"),
                         (('set = "all"', 'set = "some"'), "[c]: set is none of"),
                         (('"c/*.tap"', '"nowhere"'), "there is no nowhere in the tree")):
        small.put("tools/testing/suites.toml", small.TABLE.replace(*change))
        said = ran(small, "", "c", status=1)
        assert told in said, said


def counted(text, status=0):
    """What is made of that TAP: passed, failed, skipped, and why beside tests."""
    result = count(text.splitlines(), status)
    return result.passed, result.failed, result.skipped, result.why


@test
def tap_is_counted(_):
    assert counted("ok 1 - a\nok 2 # SKIP why\nnot ok 3 - c # TODO\n1..3") == (1, 0, 2, "")
    assert counted("ok - a\nnot ok 2 b\n1..2", 1) == (1, 1, 0, "")
    assert counted("1..0 # SKIP all") == (0, 0, 1, "")
    assert counted("# ok 1\nokay\nnot okay\n1..0") == (0, 0, 0, "")


@test
def what_dies_or_falls_short_has_failed(_):
    assert counted("ok 1 - a\n1..1", 3) == (1, 1, 0, "exit status 3")
    assert counted("ok 1 - a\n1..1", -9) == (1, 1, 0, "ended by signal 9")
    assert counted("ok 1 - a\n1..2") == (1, 1, 0, "planned 2, saw 1")
    assert counted("ok 1 - a") == (1, 1, 0, "no plan")
    assert counted("") == (0, 1, 0, "no plan")
    assert counted("ok 1 - a\nBail out! b\n1..5", 1) == (1, 1, 0, "")


@test
def the_cache_is_bounded(small):
    old = time.time() - 100 * 86400
    for name, age in (("passed/new", 0), ("passed/old", old), ("model/old", old), ("tmp.1.x/file", old),
                      ("stock-6.1-6.1.9/vmlinuz", old), ("stock-6.1-6.1.8/vmlinuz", old),
                      ("kasan-6.1.9-abc/bzImage", 0), ("kasan-6.1.9-def/bzImage", old),
                      ("kasan-6.1.9-fed/bzImage", 0), ("ccache/1/file", old)):
        path = small.cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if age:
            os.utime(path, (age, age))
            if path.parent.parent == small.cache:
                os.utime(path.parent, (age, age))
    os.utime(small.cache / "stock-6.1-6.1.9", (old + 1, old + 1))
    cache.bound(small.cache)
    left = sorted(str(path.relative_to(small.cache)) for path in small.cache.rglob("*") if path.is_file())
    assert left == ["ccache/1/file", "kasan-6.1.9-abc/bzImage", "kasan-6.1.9-fed/bzImage", "passed/new",
                    "stock-6.1-6.1.9/vmlinuz"], left


# --- the table --------------------------------------------------------------------------

@test
def each_row_of_the_table_holds(_):
    tree = Tree(TESTING.parent.parent)
    groups = table.groups_of(TESTING / "vm/packages")
    for suite in table.load(TESTING / "suites.toml").values():
        assert tree.matching(suite.inputs), suite.name
        assert os.access(suite.command(tree.top)[0], os.X_OK), suite.command(tree.top)
        assert set(suite.packages) <= set(groups), f"{suite.name}: {suite.packages}"
        script = pathlib.Path(suite.command(tree.top)[0]).read_text(encoding="utf-8")
        parts = re.search(r'^parts "([^"]*)"', script, re.MULTILINE)
        assert not parts or set(suite.run[1:]) <= set(parts[1].split()), f"{suite.name}: {suite.run}"


@test
def nothing_is_left_out_of_the_table(_):
    commands = [suite.run for suite in table.load(TESTING / "suites.toml").values()]
    for script in TESTING.glob("*/run.sh"):
        name, text = str(script.relative_to(TESTING)), script.read_text(encoding="utf-8")
        rows = [run[1:] for run in commands if run[0] == name]
        assert rows or "tap_begin" not in text, f"no row runs {name}"
        named = re.search(r'^parts "([^"]*)"', text, re.MULTILINE) or \
            re.search(r"^lanes=\(([^)]*)\)", text, re.MULTILINE)
        for part in named[1].split() if named and all(rows) else []:
            assert any(part in row for row in rows), f"no row runs {name} {part}"


@test
def the_budgets_add_up(_):
    rows = table.load(TESTING / "suites.toml").values()
    quick = sum(suite.budget for suite in rows if suite.set == "quick")
    whole = quick + sum(suite.budget for suite in rows if suite.set == "all")
    assert quick <= QUICK_S, f"quick takes {quick} s of processors, and may take {QUICK_S}"
    assert whole <= WHOLE_S, f"everything takes {whole} s of processors, and may take {WHOLE_S}"


def main():
    """Runs them all."""
    print("TAP version 13")
    failed = 0
    for n, function in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as path:
            try:
                function(Small(path))
                print(f"ok {n} - {function.__name__}", flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"not ok {n} - {function.__name__}")
                print("\n".join(f"# {line}" for line in str(error).splitlines()), flush=True)
    print(f"1..{len(tests)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
