# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A program that knows nothing of memstate: holds 20 MiB, and at a line on its standard input
takes memory until it is refused, says so, and goes on."""
import sys

MIB = 1 << 20
held = [bytearray(b"x") * MIB for _ in range(20)]
print("holding 20 MiB", flush=True)
for line in sys.stdin:
    more = []
    try:
        while len(more) < 256:
            more.append(bytearray(b"x") * MIB)
        print("no limit was met", flush=True)
    except MemoryError:
        taken = len(more)
        del more
        print(f"MemoryError after {len(held) + taken} MiB, and alive", flush=True)
