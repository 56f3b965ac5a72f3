# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What tests in Python print TAP with."""
import sys
import time

COUNTS = {"seen": 0, "failed": 0}
PATIENCE = 300  # seconds that something may come late on a busy machine


def ok(good, name, said=""):
    """A test; what was said, a text or what has one, is shown if it fails."""
    COUNTS["seen"] += 1
    if not good:
        COUNTS["failed"] += 1
        print("".join(f"# {line}\n" for line in str(said)[:4000].splitlines()), end="")
    print(f"{'ok' if good else 'not ok'} {COUNTS['seen']} - {name}", flush=True)
    return good


def soon(function, pause=0.5, patience=PATIENCE):
    """Its value, as soon as it is true; what it was at last, if it never is."""
    until = time.monotonic() + patience
    while True:
        value = function()
        if value or time.monotonic() > until:
            return value
        time.sleep(pause)


def end():
    """The plan, and the exit status."""
    print(f"1..{COUNTS['seen']}")
    sys.exit(1 if COUNTS["failed"] else 0)
