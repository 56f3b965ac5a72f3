# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""same.py MEMSTATE SEED MARKS LOG: replay and the second implementation agree, at so many
lines of it that SEED chooses, and at the end.

same.py MEMSTATE SEED MARKS NR LINES: the same of NR logs of so many lines, made by generate.py
from SEED and the numbers behind it, and of each also its beginning, so many times. They lie in
the directory one is in.
"""
import json
import random
import subprocess
import sys

import generate
import oracle


def flat(text):
    """memstate replay --json, in the oracle's form."""
    rows = []
    for mark in json.loads(text)['marks']:
        total = 0
        for p in mark['processes']:
            total += p['ready']
            assert p['line'] == mark['line']
            rows.append((p['line'], p['pid'], p['reserved'], p['prepared'], p['ready'],
                         p['peak_ready'], p['reserved_lazy'] + p['prepared_lazy'],
                         sum(p['classes']['stack'].values()), sum(p['classes']['code'].values())))
        assert total == mark['all']['ready'], 'the sum is not the sum'
    return rows


def differs(memstate, log, lines, seed, nr):
    """What does; at the most ten lines."""
    if not lines:
        return [f'{log} is empty']
    marks = sorted(random.Random(seed).sample(range(1, len(lines) + 1), min(nr, len(lines))))
    wanted = oracle.replay(lines, set(marks))
    if not any(row[5] for row in wanted):
        return [f'{log}: nothing was ever accounted']
    run = subprocess.run([memstate, 'replay', '--json', log] +
                         [word for mark in marks for word in ('--mark', str(mark))],
                         stdout=subprocess.PIPE, text=True, timeout=900, check=False)
    if run.returncode:
        return [f'exit status {run.returncode}']
    found = flat(run.stdout)
    if found == wanted:
        return []
    return [f'{have} is there, {want} is wanted' for have, want in zip(found, wanted)
            if have != want][:9] + [f'{len(found)} lines, {len(wanted)} are wanted']


def main():
    memstate, seed, marks, *logs = sys.argv[1:]
    seed, marks, bad = int(seed), int(marks), 0
    if len(logs) == 1:
        with open(logs[0], errors='replace') as f:
            lines = f.read().split('\n')
        if lines and not lines[-1]:
            lines.pop()
        said = differs(memstate, logs[0], lines, seed, marks)
        print('\n'.join(said))
        return bool(said)
    nr, length = (int(number) for number in logs)
    for number in range(seed, seed + nr):
        whole = generate.lines(number, length)
        # Also as it is where strace was stopped: with calls that have not ended.
        for nr_lines in [len(whole)] + random.Random(number).sample(range(1, len(whole)), 2):
            lines = whole[:nr_lines]
            with open('random.log', 'w') as f:
                f.write('\n'.join(lines) + '\n')
            said = differs(memstate, 'random.log', lines, seed, marks)
            if said and not said[0].endswith('nothing was ever accounted'):
                print('\n'.join([f'generate.py {number} {length}, {nr_lines} lines:'] + said))
                bad += 1
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
