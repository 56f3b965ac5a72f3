# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a suite has said: its TAP, counted.

A suite counts as failed, too, when it prints no plan, another number of tests than planned, or
exits with an error although no test failed: then something died that should have spoken.
"""

import dataclasses
import re

PLAN = re.compile(r"1\.\.(\d+)")
TEST = re.compile(r"(not )?ok\b(?:\s+\d+)?(?:\s*-)?\s*(.*)")
DIRECTIVE = re.compile(r"#\s*(skip|todo)\b\s*:?\s*(.*)", re.IGNORECASE)


@dataclasses.dataclass
class Count:
    """What became of a suite."""

    passed: int = 0
    failed: int = 0
    skips: list = dataclasses.field(default_factory=list)      # [name, why]
    failures: list = dataclasses.field(default_factory=list)   # lines
    names: list = dataclasses.field(default_factory=list)
    why: str = ""              # what was wrong beside tests

    @property
    def skipped(self):
        return len(self.skips)


def count(lines, status):
    """Counts a TAP stream, of a program that ended with STATUS."""
    result = Count()
    plan = None
    seen = 0
    bailed = False
    why = []
    for line in lines:
        line = line.rstrip("\n")
        planned = PLAN.match(line)
        if planned:
            plan = int(planned[1])
            directive = DIRECTIVE.search(line)
            if plan == 0 and directive:
                result.skips.append(["everything", directive[2]])
            continue
        if line.startswith("Bail out!"):
            result.failed += 1
            result.failures.append(line)
            bailed = True
            continue
        test = TEST.match(line)
        if not test:
            continue
        seen += 1
        name = test[2]
        directive = DIRECTIVE.search(name)
        if directive:
            name = name[:directive.start()].rstrip()
        result.names.append(name)
        if directive and (not test[1] or directive[1].lower() == "todo"):
            result.skips.append([name, directive[2]])
        elif test[1]:
            result.failed += 1
            result.failures.append(line)
        else:
            result.passed += 1
    if plan is None:
        why.append("no plan")
    elif seen != plan and not bailed:
        why.append(f"planned {plan}, saw {seen}")
    if why:
        result.failed += 1
    if status != 0 and not result.failed:
        result.failed += 1
        why.append(f"ended by signal {-status}" if status < 0 else f"exit status {status}")
    result.why = "; ".join(why)
    return result
