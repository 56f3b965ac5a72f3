# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A server's cache: documents are read and kept, and when there is no memory for one
more, the older half is dropped and it goes on. Runs so many seconds; and longer, where the
machine is slow, until that has happened twice."""
import collections
import json
import random
import sys
import time

random.seed(1)
words = ["%06x" % random.randrange(1 << 24) for _ in range(5000)]
seconds = float(sys.argv[1])
began = time.monotonic()
cache = collections.deque()
spare = bytearray(1 << 20)
dropped = 0


def going_on():
    took = time.monotonic() - began
    return took < seconds or dropped < 2 and took < 20 * seconds


while going_on():
    try:
        text = json.dumps({str(i): " ".join(random.choices(words, k=40)) for i in range(100)})
        for copy in range(24):
            cache.append(json.loads(text))
    except MemoryError:
        # To drop something takes a little memory, too.
        spare = text = None
        for _ in range(len(cache) // 2):
            cache.popleft()
        spare = bytearray(1 << 20)
        dropped += 1
    time.sleep(0.005)
print("no memory left %d times, and went on each time" % dropped)
