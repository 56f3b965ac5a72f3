# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""An array, and one that is too large beside it."""
import numpy

held = numpy.ones(5 << 20)
try:
    numpy.ones(10 << 20)
except MemoryError:
    print("=> MemoryError, and goes on with", len(held))
