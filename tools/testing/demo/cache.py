# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A server's cache: documents are read and kept, and when there is no memory for one
more, the older half is dropped and it goes on, until that has happened so often."""
import collections
import json
import random
import sys

random.seed(1)
words = ["%06x" % random.randrange(1 << 24) for _ in range(5000)]
times = int(sys.argv[1])
cache = collections.deque()
spare = bytearray(1 << 20)
dropped = 0

while dropped < times:
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
print("no memory left %d times, and went on each time" % dropped)
