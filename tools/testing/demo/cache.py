# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A server's cache: documents are read and kept, and when there is no memory for one
more, the older half is dropped and it goes on."""
import json
import random
import sys
import time

random.seed(1)
words = ["%06x" % random.randrange(1 << 24) for _ in range(5000)]
end = time.monotonic() + float(sys.argv[1])
cache = []
dropped = 0
while time.monotonic() < end:
    text = json.dumps({str(i): " ".join(random.choices(words, k=40)) for i in range(100)})
    for copy in range(24):
        try:
            cache.append(json.loads(text))
        except MemoryError:
            del cache[: len(cache) // 2]
            dropped += 1
    time.sleep(0.005)
print("no memory left %d times, and went on each time" % dropped)
