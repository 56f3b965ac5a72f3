#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""scan.py MEMSTATE DIR: memstate scan of files as people save and post them."""
import gzip
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

memstate, where = (os.path.abspath(a) for a in sys.argv[1:3])
os.makedirs(where, exist_ok=True)
os.chdir(where)

# start, KiB, access, inode, name; then KiB: Rss, Anonymous, LazyFree, Swap
MAPPINGS = [
    (0x55d000000000, 400, "r-xp", 77, "/usr/bin/cat", (300, 0, 0, 0)),
    (0x55d000100000, 40, "rw-p", 77, "/usr/bin/cat", (40, 20, 0, 0)),
    (0x55d001000000, 132, "rw-p", 0, "[heap]", (100, 100, 0, 12)),
    (0x7f0000000000, 1024, "rw-p", 0, "", (512, 512, 128, 0)),
    (0x7f0000100000, 64512, "---p", 0, "", (0, 0, 0, 0)),
    (0x7f1000000000, 2048, "rw-p", 0, "[anon:arena one]", (64, 64, 0, 0)),
    (0x7f2000000000, 4096, "rw-s", 5, "/dev/zero (deleted)", (4096, 0, 0, 0)),
    (0x7f3000000000, 8, "rw-p", 0, "[stack:123]", (8, 8, 0, 0)),
    (0x7ffc00000000, 132, "rw-p", 0, "[stack]", (16, 16, 0, 0)),
    (0x7ffc10000000, 16, "r--p", 0, "[vvar]", (16, 0, 0, 0)),
    (0x7ffc20000000, 8, "r-xp", 0, "[vdso]", (8, 0, 0, 0)),
    (0xffffffffff600000, 4, "--xp", 0, "[vsyscall]", (0, 0, 0, 0)),
]


def counts(m):
    return m[2][3] == "p" and not m[3] and (not m[4] or m[4].startswith(("[heap", "[anon", "[stack")))


MINE = [m for m in MAPPINGS if counts(m)]
READY = sum(m[5][0] + m[5][3] - m[5][2] for m in MINE if m[2] != "---p")
RESERVED = sum(m[1] for m in MINE if m[2] == "---p")
ACCESSIBLE = sum(m[1] for m in MINE if m[2] != "---p")


def head(m):
    end = m[0] + m[1] * 1024
    return f"{m[0]:x}-{end:x} {m[2]} 00000000 00:00 {m[3]}".ljust(73 if m[4] else 0) + m[4]


def entry(m):
    rss, anonymous, lazy, swap = m[5]
    return [head(m), f"Size:           {m[1]:8} kB", "KernelPageSize:        4 kB",
            f"Rss:            {rss:8} kB", f"Pss:            {rss:8} kB",
            "Shared_Clean:          0 kB", f"Anonymous:      {anonymous:8} kB",
            f"LazyFree:       {lazy:8} kB", f"Swap:           {swap:8} kB",
            "SwapPss:               0 kB", "Locked:                0 kB",
            "VmFlags: rd wr mr mw me ac sd "]


SMAPS = [line for m in MAPPINGS for line in entry(m)]
MAPS = [head(m) for m in MAPPINGS]
ROLLUP = ["55d000000000-7fff00000000 ---p 00000000 00:00 0                          [rollup]",
          "Rss:               4936 kB", "Pss:               4000 kB", "Anonymous:          720 kB",
          "LazyFree:           128 kB", "Swap:                12 kB", "SwapPss:             12 kB"]


def scan(text, program=memstate, name="posted"):
    with open(name, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run([program, "scan", "--json", name], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr.decode()


def smaps_is(title, text, **want):
    status, got, said = scan(text)
    want = {"kind": "smaps", "reserved": RESERVED, "ready": READY,
            "prepared": ACCESSIBLE - READY, "left_out": 0, **want}
    for key in ("reserved", "ready", "prepared"):
        want[key] = want[key] if want[key] == 2**64 - 1 else want[key] * 1024
    tap.ok(status == 0 and all(got.get(k) == v for k, v in want.items()), title,
           f"{status} {got} wanted {want}\n{said}")
    return said


def lines(text, before="", behind="\n"):
    return "".join(before + line + behind for line in text)


smaps_is("as it is in /proc", lines(SMAPS))
smaps_is("with CRLF", lines(SMAPS, behind="\r\n"))
smaps_is("with carriage returns alone", lines(SMAPS, behind="\r"))
smaps_is("compressed", gzip.compress(lines(SMAPS).encode()))
smaps_is("in UTF-16", lines(SMAPS).encode("utf-16"))
smaps_is("with colours", lines(SMAPS, "\033[36m", "\033[0m\n"))
smaps_is("with blanks of a word processor", lines(SMAPS).replace(" ", "\u00a0"))
smaps_is("as strings of a list", "[\n" + lines(SMAPS, '    "', '",\n') + "]\n")
smaps_is("as one string", json.dumps({"stdout": lines(SMAPS)}))
smaps_is("without a newline at its end", lines(SMAPS)[:-1])
smaps_is("quoted", lines(SMAPS, "> "))
smaps_is("quoted twice, with CRLF", lines(SMAPS, "> > ", "\r\n"))
smaps_is("indented, in a fence, with a prompt",
         "```\n$ cat /proc/123/smaps\n" + lines(SMAPS, "    ") + "```\nthat is all\n")
smaps_is("from a log", lines(SMAPS, "Nov 30 17:00:00 host-a1-b2 cat[1234]: "))
smaps_is("with the names of files in front", lines(SMAPS, "/proc/1234/smaps:"))
smaps_is("with numbers in front", "".join(f"{i:6}\t{line}\n" for i, line in enumerate(SMAPS)))
smaps_is("with trailing blanks and empty lines", lines(SMAPS, "", "  \n\n"))
smaps_is("with names wrapped by a mailer", lines(
    line.replace(" [", "\n[", 1) if line.rstrip().endswith("]") else line for line in SMAPS))
smaps_is("of an old kernel, without LazyFree", lines(
    line for line in SMAPS if not line.startswith(("LazyFree", "VmFlags", "SwapPss"))),
    ready=READY + 128, prepared=ACCESSIBLE - READY - 128)
smaps_is("with nothing but what counts", lines(
    line for line in SMAPS if "-" in line.split(" ")[0] or line.startswith(("Rss", "Swap:", "LazyFree"))))
# Cut off in the stack's Rss, "16 kB": what would be read as 1.
cut = lines(SMAPS)
stack = cut.index("[stack]\n")
at = cut.index("Rss:", stack) + len("Rss:            ") + 7
said = smaps_is("cut off in the middle of a number", cut[:at], left_out=1, ready=READY - 16,
                prepared=ACCESSIBLE - 132 - READY + 16)
tap.ok("left out" in said, "and it says so", said)
at = cut.index("Swap:", stack)
smaps_is("cut off behind Rss, where the others have Swap", cut[:at], left_out=1, ready=READY - 16,
         prepared=ACCESSIBLE - 132 - READY + 16)
heap = cut.index("Rss:", cut.index("[heap]"))
said = smaps_is("with a part left out", cut[:heap] + "[...]\n" + cut[cut.index("7f0000000000-"):],
                left_out=1, ready=READY - 112, prepared=ACCESSIBLE - 132 - READY + 112)
said = smaps_is("of two processes", lines(SMAPS) * 2, ready=2 * READY, reserved=2 * RESERVED,
                prepared=2 * (ACCESSIBLE - READY))
tap.ok("several processes" in said, "and it says so", said)
smaps_is("with absurd figures", lines(SMAPS + [
    "7fff10000000-7fff10001000 rw-p 00000000 00:00 0", "Rss: 9999999999999999999 kB",
    "Swap: 9999999999999999999 kB"]), ready=2**64 - 1, prepared=0)
for before in ("", "> ", "Nov 30 17:00:00 host cat[1]: "):
    status, got, said = scan(lines(MAPS, before, "\r\n" if before else "\n"))
    tap.ok(status == 0 and got["kind"] == "maps" and got["reserved"] == RESERVED * 1024 and
           got["accessible"] == ACCESSIBLE * 1024 and got["ready"] is None and
           got["prepared"] is None, f"maps, behind '{before}'", f"{got} {said}")
    status, got, said = scan(lines(ROLLUP, before))
    tap.ok(status == 0 and got["kind"] == "smaps_rollup" and got["ready"] == (720 + 12 - 128) * 1024
           and got["reserved"] is None and got["prepared"] is None,
           f"smaps_rollup, behind '{before}'", f"{got} {said}")
status, got, said = scan("08048000-0804c000 r-xp 00000000 08:01 5 /bin/cat\n"
                         "0804c000-0806d000 rw-p 00000000 00:00 0 [heap]\nRss: 4 kB\n")
tap.ok(status == 0 and got["ready"] == 4096 and got["prepared"] == (132 - 4) * 1024,
       "of a 32-bit process", f"{got} {said}")
for text, met in (("", "met nothing"), ("\n\r\n", "met nothing"), ("hello\n", "met 'hello'"),
                  ("Name:\tcat\nVmRSS:\t 12 kB\n", "met 'Name:?cat'"),
                  ("1-2 rw-p 0 0:0 0\n", "met '1-2 rw-p 0 0:0 0'"),
                  ("7f0000001000-7f0000000000 rw-p 00000000 00:00 0\n", "expected lines of a smaps")):
    status, got, said = scan(text)
    tap.ok(status == 1 and met in said and "expected lines of a smaps" in said,
           f"what it is not: {text!a}", f"{status} {got} {said}")
done = subprocess.run([memstate, "scan", "/proc"], check=False, stderr=subprocess.PIPE)
tap.ok(done.returncode == 1 and b"Is a directory" in done.stderr, "a directory", done)
done = subprocess.run([memstate, "scan", "-"], input=lines(SMAPS).encode(), check=False,
                      stdout=subprocess.PIPE)
tap.ok(done.returncode == 0 and b"MiB" in done.stdout, "standard input", done)
with open("/proc/self/smaps", "rb") as f:
    own = f.read()
status, got, said = scan(own)
tap.ok(status == 0 and got["ready"] and not got["left_out"] and not said, "of this process", said)

# Damaged, under sanitizers if there is such a program.
program = sys.argv[3] if len(sys.argv) > 3 else memstate
damage = random.Random(1)
bad = []
small = lines(SMAPS[24:60] + ROLLUP).encode()
for i in range(200):
    text = bytearray(small[:damage.randrange(len(small))])
    for _ in range(damage.randrange(8)):
        if text:
            text[damage.randrange(len(text))] = damage.choice(b"\0\n -:[]0fpk\xff>")
    status, got, said = scan(bytes(text), program)
    if status not in (0, 1) or "ERROR" in said or "runtime error" in said:
        bad.append((i, status, said[-300:]))
tap.ok(not bad, "two hundred damaged ones", bad[:3])
tap.end()
