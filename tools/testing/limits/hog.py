# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Take memory until there is none, then say so and end in order."""
import sys

most = int(sys.argv[1])
held = []
try:
    while len(held) < most:
        held.append(bytearray(1 << 20))
except MemoryError:
    held = held[: len(held) // 2]
    print("MemoryError")
    sys.exit(0)
print("no limit met")
sys.exit(1)
