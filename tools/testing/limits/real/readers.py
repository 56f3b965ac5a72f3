# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""readers.py MIB CHILDREN [GROW]: objects, and children that only read them, and then grow.

To read an object is to write its count of references, so that each child gets a copy."""
import os
import sys

mib, children, grow = [int(word) for word in sys.argv[1:] + ["0"]][:3]
# A float takes 24 bytes, its place in the list 8.
objects = [float(i) for i in range((mib << 20) // 32)]
until, end = os.pipe()


def child(told):
    """Reads all, grows, says so and stays until the end."""
    held = []
    total = sum(objects)
    try:
        while len(held) < grow:
            held.append(bytearray(1 << 20))
        answer = b"+"
    except MemoryError:
        answer = b"-"
    os.write(told, answer if total else b"?")
    os.read(until, 1)
    os._exit(0)


answers = []
for _ in range(children):
    answer, told = os.pipe()
    if not os.fork():
        os.close(end)
        child(told)
    os.close(told)
    answers.append(os.read(answer, 1))
try:
    bytearray(8 << 20)
    parent = "granted"
except MemoryError:
    parent = "refused"
print(f"=> {len(answers) - answers.count(b'')} have read, {answers.count(b'-')} refused, "
      f"8 MiB for the parent {parent}", flush=True)
