/* SPDX-License-Identifier: MIT */
/* The statistics that others read without this process's help. */
#ifndef MS_MALLOC_PUBLISH_H
#define MS_MALLOC_PUBLISH_H

#include "heap.h"

/* Tell whoever reads the shared statistics. The heap's lock. */
MS_HIDDEN void ms_heap_publish(struct ms_heap *heap);

MS_HIDDEN void ms_publish_fork_prepare(void);
MS_HIDDEN void ms_publish_fork_done(void);

#endif /* MS_MALLOC_PUBLISH_H */
