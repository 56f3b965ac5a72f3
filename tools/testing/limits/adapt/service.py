# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""service.py: answers forty requests, the twentieth of which wants more than there is."""
MIB = 1 << 20
kept = [bytearray(MIB) for _ in range(20)]
answered, refused = 0, "nothing"


def answer(nr):
    own = [bytearray(MIB // 4) for _ in range(8)]
    while nr == 20 and len(own) < 400:
        own.append(bytearray(MIB))
    kept[nr % len(kept)] = bytearray(MIB)


for nr in range(1, 41):
    try:
        answer(nr)
        answered += 1
    except MemoryError as e:
        refused = type(e).__name__
print(f"=> {answered} of 40, {refused}")
