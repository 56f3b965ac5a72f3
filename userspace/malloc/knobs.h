/* SPDX-License-Identifier: MIT */
/* What can be set, from the environment and by memstate_malloc_set(). */
#ifndef MS_MALLOC_KNOBS_H
#define MS_MALLOC_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab.h"

/**
 * struct ms_knobs - settings
 * @accounting:	report to libmemstate
 * @decay_ms:	how long free memory stays Ready; 0: not at all, -1: for ever
 * @reserve:	bytes of address space to reserve, 0: by the machine's memory
 * @stats:	print statistics at exit: 0, 1 (text), 2 (JSON)
 */
struct ms_knobs {
	bool accounting;
	int64_t decay_ms;
	size_t reserve;
	int stats;
};

extern MS_HIDDEN struct ms_knobs ms_knobs;

MS_HIDDEN void ms_knobs_read(void);

#endif /* MS_MALLOC_KNOBS_H */
