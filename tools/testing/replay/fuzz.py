# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""fuzz.py MEMSTATE SEED ROUNDS LOG...: damaged logs.

Whatever comes in, the replay (built with sanitizers) ends by itself, with status 0 or 1,
and where it fails it says why.
"""
import gzip
import random
import subprocess
import sys

TOKENS = (b' <unfinished ...>', b'<... mmap resumed>', b') = ', b'0xffffffffffffffff', b'"',
          b'[pid ', b'+++ exited with 0 +++', b'\0', b'{', b'(', b'\\', b',', b'= ?', b'-1',
          b'+++ superseded by execve in pid 7 +++', b'99999999999999999999', b'strace: Process ',
          b' attached\n', b'|', b'<<', b'flags=', b'\n')


def damage(r, text):
    text = bytearray(text)
    for _ in range(r.randrange(1, 40)):
        at = r.randrange(len(text) + 1)
        match r.randrange(6):
            case 0:
                text[at:at + 1] = bytes([r.randrange(256)])
            case 1:
                del text[at:at + r.randrange(1, 60)]
            case 2:
                text[at:at] = r.choice(TOKENS)
            case 3:
                text[at:at] = text[at:at + r.randrange(400)]
            case 4:
                other = r.randrange(len(text) + 1)
                text[at:at + 50] = text[other:other + 50]
            case _:
                if r.random() < .1:
                    del text[at:]
    return bytes(text)


def main():
    memstate, seed, rounds, *logs = sys.argv[1:]
    r = random.Random(int(seed))
    texts = [open(log, 'rb').read()[:60000] for log in logs]
    ends = {0: 0, 1: 0}
    for i in range(int(rounds)):
        if i % 10 == 9:
            # No log at all, or one whose compression is damaged.
            text = r.choice((r.randbytes(3000), gzip.compress(r.choice(texts))[:-r.randrange(1, 900)],
                             damage(r, gzip.compress(r.choice(texts)))))
        else:
            text = damage(r, r.choice(texts))
        run = subprocess.run([memstate, 'replay', '--json', '--mark', '3', '-'], input=text,
                             capture_output=True, timeout=300, check=False)
        if run.returncode not in ends or (run.returncode and not run.stderr):
            with open(memstate + '.bad', 'wb') as f:
                f.write(text)
            print(f'round {i} of seed {seed}: status {run.returncode}, input in {memstate}.bad')
            print(run.stderr.decode(errors='replace')[-3000:])
            return 1
        ends[run.returncode] += 1
    print(f'{ends[0]} read, {ends[1]} refused')
    return 0 if ends[0] and ends[1] else 1


sys.exit(main())
