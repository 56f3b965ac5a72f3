# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Allocate and free for as long as one is let."""
import time

while True:
    kept = []
    for round_ in range(20):
        kept.append([bytes(300) for _ in range(8000)])
        time.sleep(0.15)
        if round_ % 3 == 2:
            kept.pop(0)
