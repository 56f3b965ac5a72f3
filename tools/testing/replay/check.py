# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""check.py MEMSTATE LOG...: does the replay give what the log itself says it must? TAP.

A line "#= LINE PID|all KEY=PAGES..." of a log states the figures after that line:
reserved, prepared, ready, peak, lazy, noreserve, peakrest and peaknoreserve (without
what is noreserve, and of it), or what a class holds in all states; and
ended. "#= LINE processes N" states how many there are by then. "#! TEXT" states what is said
on standard error, line by line; nothing else may be. "#- OPTION" is an option to give.
"#: TEXT" states that the log is refused, and with what words.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import end, ok  # noqa: E402

PAGE = 4096


def figure(process, key):
    if key == 'lazy':
        return process['reserved_lazy'] + process['prepared_lazy']
    if key == 'peak':
        return process['peak_ready']
    if key == 'noreserve':
        return process['ready_noreserve']
    if key in ('peakrest', 'peaknoreserve'):
        return process['peak_ready_' + key.removeprefix('peak')]
    if key == 'ended':
        return PAGE * process['ended']
    if key in process['classes']:
        return sum(process['classes'][key].values())
    return process[key]


def wrong(memstate, log):
    """What differs from what the log states."""
    wanted, words, refusal, extra = [], [], [], []
    for line in open(log, errors='replace'):
        if line.startswith('#= '):
            at, who, *figures = line[3:].split()
            wanted.append((int(at), who, [f.split('=') for f in figures]))
        elif line.startswith('#! '):
            words.append(line[3:].strip())
        elif line.startswith('#: '):
            refusal.append(line[3:].strip())
        elif line.startswith('#- '):
            extra += line[3:].split()
    if not wanted and not refusal:
        return [f'{log}: states nothing']
    command = [memstate, 'replay', '--json', log] + extra
    for at in sorted({at for at, _, _ in wanted}):
        command += ['--mark', str(at)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if refusal:
        return [f'exit status {run.returncode}, without "{text}": {run.stderr}'
                for text in refusal if run.returncode != 1 or text not in run.stderr]
    if run.returncode:
        return [f'exit status {run.returncode}: {run.stderr}']
    marks = {m['line']: m for m in json.loads(run.stdout)['marks']}
    said = []
    told = run.stderr.splitlines()
    if len(told) != len(words) or any(w not in t for w, t in zip(words, told)):
        said.append(f'said is {told}, not {words}')
    for at, who, figures in wanted:
        if who == 'processes':
            if len(marks[at]['processes']) != int(figures[0][0]):
                said.append(f'after line {at}: {len(marks[at]["processes"])} processes')
            continue
        if who == 'all':
            found = marks[at]['all']
        else:
            found = [p for p in marks[at]['processes'] if p['pid'] == int(who)]
            if len(found) != 1:
                said.append(f'after line {at}: process {who} is listed {len(found)} times')
                continue
            found = found[0]
        for key, pages in figures:
            if figure(found, key) != int(pages) * PAGE:
                said.append(f'after line {at}: {who}: {key} is {figure(found, key) / PAGE:g} pages,'
                            f' not {pages}')
    return said


for LOG in sys.argv[2:]:
    SAID = wrong(sys.argv[1], LOG)
    ok(not SAID, os.path.basename(LOG).removesuffix('.log'), '\n'.join(SAID))
end()
