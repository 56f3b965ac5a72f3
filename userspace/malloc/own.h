/* SPDX-License-Identifier: MIT */
/* Memory for the allocator itself: zero, never given back, between guard pages. */
#ifndef MS_MALLOC_OWN_H
#define MS_MALLOC_OWN_H

#include <stddef.h>

#include "slab.h"

MS_HIDDEN void *ms_own_alloc(size_t bytes);
MS_HIDDEN size_t ms_own_mapped(void);
MS_HIDDEN void ms_own_fork_prepare(void);
MS_HIDDEN void ms_own_fork_done(void);

#endif /* MS_MALLOC_OWN_H */
