# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""forms.py MEMSTATE SEED: one log as people hand it on, of which all give the same. TAP.

Wrapped between words as mail programs do it, and anywhere as terminals do, quoted, numbered,
in a pid namespace. A log of generate.py has calls in two parts everywhere, so whatever is
joined in a wrong way is found.
"""
import json
import os
import re
import subprocess
import sys
import textwrap

import generate

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import end, ok  # noqa: E402

INNER = 97      # ids within the namespace are so much smaller
MADE = re.compile(r'^(.*\b(?:v?fork|clone3?)(?:\(| resumed>).*= )(\d+)$')


WHOLE = re.compile(r'\) += [-0-9?][^=]*$')


def words(line, width):
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)


def pieces(line, width):
    return [line[i:i + width] for i in range(0, len(line), width)]


def inner(line):
    return MADE.sub(lambda m: f'{m[1]}{int(m[2]) - INNER}', line)


def outer(line):
    return MADE.sub(lambda m: f"{m[1]}{int(m[2]) - INNER} /* {m[2]} in strace's PID NS */", line)


def timed(lines):
    """As of strace -T -k -Y."""
    for line in lines:
        line = re.sub(r'^(\d+) ', r'\1<ab> ', line)
        if line.endswith('...>') or not re.search(r'\) += [-0-9?]', line):
            yield line
            continue
        yield MADE.sub(r'\1\2<ab>', line) + ' <0.000012>'
        yield ' > /usr/lib/libc.so.6(call+0x7) [0x1000]'


def terminal(lines):
    """As strace prints it where it has no file: its own message breaks the call that makes a child,
    or, where that is in two parts, the one behind it."""
    # Of one that never says anything it would tell that it is there.
    begun, children, speak = {}, {}, {line.split()[0] for line in lines}
    for i, line in enumerate(lines):
        tid, made = line.split()[0], MADE.match(line)
        if 'resumed>' not in line:
            begun[tid] = i
        if made and made[2] in speak:
            at = begun[tid]
            behind = lines[at + 1].split()[0] if at + 1 < len(lines) else ''
            if at != i and behind != made[2] and WHOLE.search(lines[at + 1]):
                at += 1
            children[at] = made[2]
    for i, line in enumerate(lines):
        line = re.sub(r'^(\d+) +(\d+\.\d+ )?', r'[pid \1] ', line)
        if i not in children:
            yield line
            continue
        end = re.search(r' <unfinished ...>$', line) or WHOLE.search(line)
        yield f'{line[:end.start()]}strace: Process {children[i]} attached'
        yield end[0]


def each(nr, change, lines):
    """Every so many lines are changed."""
    return [change(x) if i % nr == nr - 1 else x for i, x in enumerate(lines)]


# What stands in front of lines of a terminal.
FRONT = {
    'docker logs -t': '2026-11-30T14:03:41.123456789Z ',
    'a time with seconds': '2026-11-30T14:03:41Z ',
    'ts': 'Nov 30 14:03:41 ',
    'ts, with fractions': 'Nov 30 14:03:41.123456 ',
    'ts, with the writer': 'Nov 30 14:03:41 host strace[77]: ',
    'a page of a build': '2026-11-30T14:03:41.1234567Z \033[36m',
    'an hour and a minute': '9:11 ',
    'hour and minute in brackets': '[10:11] ',
    'a time in brackets': '[2026-11-30 14:03:41,123] ',
    'seconds of the kernel': '[  123.456789] ',
    'hour, minute and second': '10:11:12 ',
    'a program with its own time': 'time="2026-11-30T14:03:41Z" level=info msg: ',
}

FORMS = {
    'wrapped between words, in a quoted mail':
        lambda lines: ['> ' + w for x in lines for w in words(x, 60)],
    'wrapped between words, the blank kept':
        lambda lines: ['> ' + w for x in lines for w in ' \n'.join(words(x, 50)).split('\n')],
    'wrapped at 80 characters': lambda lines: [p for x in lines for p in pieces(x, 80)],
    'wrapped at 61 characters': lambda lines: [p for x in lines for p in pieces(x, 61)],
    'wrapped at 58 characters and quoted':
        lambda lines: ['> ' + p for x in lines for p in pieces(x, 58)],
    'numbered by cat': lambda lines: [f'{i + 1:6}\t{x}' for i, x in enumerate(lines)],
    'numbered by grep': lambda lines: [f'{i + 1}:{x}' for i, x in enumerate(lines)],
    'times of calls and frames, wrapped between words':
        lambda lines: [w for x in timed(lines) for w in words(x, 66)],
    'the same, quoted': lambda lines: ['> ' + x for x in timed(lines)],
    'the same, wrapped at 80 characters':
        lambda lines: [p for x in timed(lines) for p in pieces(x, 80)],
    'the same, wrapped at 77 characters':
        lambda lines: [p for x in timed(lines) for p in pieces(x, 77)],
    'found by grep': lambda lines: ['x/strace.log:' + x for x in lines],
    'of journald, with the time since the boot':
        lambda lines: ['[  123.456789] host strace[77]: ' + x for x in lines],
    'of a pod and its container, some lines wrapped':
        lambda lines: [p for i, x in enumerate(lines) for p in
                       (words('web-7d9f5 app ' + x, 50 if i % 9 == 7 else 10000))],
    'of syslog by RFC 5424':
        lambda lines: [f'<30>1 2026-11-30T14:03:{i % 60:02}Z host strace {i} ID{i} - {x}'
                       for i, x in enumerate(lines)],
    'of logcat': lambda lines: [f'11-30 14:03:41.{i:03}  {i + 9}  1250 {"IW"[i % 2]} strace  : {x}'
                                for i, x in enumerate(lines)],
    'of a page of the web':
        lambda lines: [x.replace('<', '&lt;').replace('>', '&gt;') for x in lines],
    'indented': lambda lines: ['    ' + x for x in lines],
    'in a pid namespace that the log tells of': lambda lines: [outer(x) for x in lines],
    'on a terminal': terminal,
    'on a terminal, numbered by cat':
        lambda lines: [f'{i + 1:6}\t{x}' for i, x in enumerate(terminal(lines))],
    'on a terminal, numbered by grep':
        lambda lines: [f'{i + 1}:{x}' for i, x in enumerate(terminal(lines))],
    'on a terminal, with times of a build':
        lambda lines: [f'#9 {i / 100:.3f} {x}' for i, x in enumerate(terminal(lines))],
    'wrapped at 80 characters, indented': lambda lines: ['    ' + p for x in lines for p in pieces(x, 80)],
    'wrapped at 80 characters, and filled up to these':
        lambda lines: [f'{p:80}' for x in lines for p in pieces(x, 80)],
    'wrapped between words, with blanks behind':
        lambda lines: [w + '   ' for x in lines for w in words(x, 66)],
    'on a terminal, wrapped at 80 characters':
        lambda lines: [p for x in terminal(lines) for p in pieces(x, 80)],
    'on a terminal, wrapped between words, quoted':
        lambda lines: ['> ' + w for x in terminal(lines) for w in words(x, 72)],
    'lines that end with carriage returns alone': lambda lines: ['\r'.join(lines)],
    'lines that end with carriage returns, the last with both':
        lambda lines: ['\r'.join(lines) + '\r'],
    'tabs in place of blanks': lambda lines: [re.sub(r'\) = ', ')\t= ', x) for x in lines],
    'remarks behind lines': lambda lines: each(3, lambda x: x + '   <--- "here', lines),
    'strings of a list':
        lambda lines: ['"stderr_lines": ['] + [f'    {json.dumps(x)},' for x in lines] + [']'],
    'strings of a list, on a terminal':
        lambda lines: [f'  - {json.dumps(x)}' for x in terminal(lines)],
    'the front of strings only': lambda lines: [f'    "{x}' for x in lines],
    'objects of JSON': lambda lines: [json.dumps({'ts': i, 'message': x, 'stream': 'stderr'})
                                      for i, x in enumerate(terminal(lines))],
    'a program writes in front':
        lambda lines: each(7, lambda x: ('allocating... ' if x[0] == '[' else '') + x,
                           terminal(lines)),
    'a program writes in front of ids':
        lambda lines: each(7, lambda x: 'allocated 50% of it:' + re.sub(r'^\d+ +\d+\.\d+ ', r'100 ', x)
                           if x.startswith('100 ') else x, lines),
}


def ends(memstate, lines):
    """The processes at the end, and what was said."""
    run = subprocess.run([memstate, 'replay', '--json', '-'], input='\n'.join(lines) + '\n',
                         capture_output=True, text=True, timeout=300, check=False)
    if run.returncode:
        return [], run.stderr
    processes = json.loads(run.stdout)['marks'][-1]['processes']
    for p in processes:
        del p['line']
    return processes, run.stderr


# What is said beside the figures.
SAYS = {
    'strings of a list': '2 lines are not strace',
    'a program writes in front': "lines have something in front of strace's, the first is line",
    'a program writes in front of ids': "lines have something in front of strace's",
}

FORMS.update({f'on a terminal, behind {name}': lambda lines, front=front:
              [front + x for x in terminal(lines)] for name, front in FRONT.items()})
LINES = generate.lines(int(sys.argv[2]), 800)
WANTED, SAID = ends(sys.argv[1], LINES)
ok(WANTED and not SAID, 'as it is', SAID)
for NAME, FORM in FORMS.items():
    HAVE, SAID = ends(sys.argv[1], FORM(LINES))
    ok(HAVE == WANTED and (SAYS[NAME] in SAID if NAME in SAYS else not SAID), NAME, SAID)

# Ids of children that never speak are known inside only.
FOUND, SAID = ends(sys.argv[1], [inner(x) for x in LINES])
OUTSIDE = {p['pid']: p for p in WANTED}
if 'met several' not in SAID:
    ok(all(OUTSIDE.get(p['pid'], OUTSIDE.get(p['pid'] + INNER, {})).get('peak_ready') ==
           p['peak_ready'] for p in FOUND) and FOUND, 'in a pid namespace', SAID)
else:
    ok(True, 'in a pid namespace: refused, as it is not clear')
end()
