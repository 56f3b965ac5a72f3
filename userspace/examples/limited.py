# SPDX-License-Identifier: MIT
"""A pytest fixture: a command that runs under a limit of memory, and what it took.

Copied beside the tests, and named in their conftest.py:

    from limited import limited  # noqa: F401

a test asks for it by its name:

    def test_sorts_in_little(limited):
        done = limited("64M", ["sort", "big.txt"])
        assert done.returncode == 0
        assert done.refused == 0, done.last_refusal

It needs memstate(1) and the module, and no right: who may not make a cgroup has the command
in a job. Without the module a limit would hold for a part only, so the test is skipped, and
says so.
"""

import json
import os
import subprocess
import types

import pytest

DEVICE = "/dev/memstate"


@pytest.fixture
def limited(tmp_path):
    """limited(MAX, COMMAND, **OPTIONS of subprocess.run): what became of it.

    Its members are returncode, stdout and stderr, as text; peak, the most that was charged at
    any time, in bytes; refused, how many requests for memory were refused; last_refusal, what
    is known of the last one, or None.
    """
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        pytest.skip(f"no {DEVICE}: modprobe memstate")

    def run(limit, command, **options):
        figures = tmp_path / "memstate.json"
        figures.unlink(missing_ok=True)
        done = subprocess.run(
            ["memstate", "run", "--max", limit, "--json", "--output", figures, "--", *command],
            **{"capture_output": True, "text": True, "check": False, **options})
        # Where it could not be run with a limit there are none; why is in stderr.
        assert figures.exists() and figures.stat().st_size, done.stderr
        told = json.loads(figures.read_text(encoding="utf-8"))
        assert told["observed"], done.stderr
        return types.SimpleNamespace(
            returncode=done.returncode, stdout=done.stdout, stderr=done.stderr,
            peak=told["observed"]["held_peak"], refused=told["refused"],
            last_refusal=told["last_refusal"])

    return run
