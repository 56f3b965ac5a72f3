/* SPDX-License-Identifier: MIT */
/*
 * Address space that grows where it is.
 *
 * Model
 *
 *   A region begins small, with much room behind it that is nobody's: *span* is what it may
 *   become, *reserved* what is ours of it, *mapped* what of that is accessible, each from its base
 *   on. So the process is as large as what it uses, by a small factor, for who counts address
 *   space: mlockall(), and a RLIMIT_AS that is set later.
 *
 *   The room is found by reserving all of it for a moment. Others may map something there: the
 *   kernel begins with the highest place that is free, so they come from the far end. Who meets
 *   them has a region that cannot grow any longer (-EEXIST), and looks for another place.
 *
 * Locking
 *
 *   The caller's.
 */
#ifndef MS_MALLOC_REGION_H
#define MS_MALLOC_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <memstate.h>

#include "slab.h"

struct ms_region {
	uintptr_t base;
	size_t span;
	size_t reserved;
	size_t mapped;
};

MS_HIDDEN int ms_region_begin(struct ms_region *regions, unsigned int nr, const size_t *first,
			      size_t align, enum memstate_class class_);
MS_HIDDEN void ms_region_end(struct ms_region *regions, unsigned int nr);
MS_HIDDEN int ms_region_reserve(struct ms_region *r, size_t bytes, enum memstate_class class_);
MS_HIDDEN int ms_region_map(struct ms_region *r, size_t bytes, enum memstate_class class_);
MS_HIDDEN int ms_region_use(struct ms_region *r, size_t bytes);
MS_HIDDEN void ms_region_restore(struct ms_region *r, const struct ms_region *was,
				 enum memstate_class class_);

#endif /* MS_MALLOC_REGION_H */
