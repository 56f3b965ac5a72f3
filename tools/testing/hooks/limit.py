#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""limit.py CGROUP MAX: set a limit for any program; says whether programs that report nothing can
be observed, and whether such limits hold: "FEATURE ENFORCED", 0 or 1 each."""
import fcntl
import os
import struct
import sys

QUERY, LIMIT_SET, OBSERVE = 0xBD10, 0xBD18, 0xBD1F
SCOPE_GROUP, LIMIT_MAX, FEATURE_OBSERVE = 2, 2, 16

device = os.open("/dev/memstate", os.O_RDWR)
directory = os.open(sys.argv[1], os.O_RDONLY)


def call(number, layout, *values):
    size = struct.calcsize(layout)
    buffer = bytearray(struct.pack(layout, size, 0, *values))
    fcntl.ioctl(device, number, buffer)
    return struct.unpack(layout, buffer)


call(LIMIT_SET, "=IIIiIIQQ128x", SCOPE_GROUP, directory, LIMIT_MAX, 0, 0, int(sys.argv[2]))
query = call(QUERY, "=IIIIQ40x", 0, 0, 0)
observe = call(OBSERVE, "=IIIi84xI8x", SCOPE_GROUP, directory, 0)
print(int(bool(query[4] & FEATURE_OBSERVE)), observe[4])
