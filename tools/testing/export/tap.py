# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""TAP."""
import sys

COUNTS = {"seen": 0, "failed": 0}


def ok(good, name, said=""):
    """A test; what was said is shown if it fails."""
    COUNTS["seen"] += 1
    if not good:
        COUNTS["failed"] += 1
        print("".join(f"# {line}\n" for line in str(said)[:4000].splitlines()), end="")
    print(f"{'ok' if good else 'not ok'} {COUNTS['seen']} - {name}", flush=True)
    return good


def end():
    """The plan, and the exit status."""
    print(f"1..{COUNTS['seen']}")
    sys.exit(1 if COUNTS["failed"] else 0)
