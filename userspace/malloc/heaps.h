/* SPDX-License-Identifier: MIT */
/*
 * All heaps by number, orphans, and who may go into another thread's heap.
 *
 * Model
 *
 *   There are only ever more heaps: one whose thread ends is an *orphan*, in a list. Whose thread
 *   is not there in this child is *lost*: left alone.
 */
#ifndef MS_MALLOC_HEAPS_H
#define MS_MALLOC_HEAPS_H

#include "heap.h"

/* The calling thread's; ms_heap_none: it has none. */
extern MS_HIDDEN __thread struct ms_heap *ms_heap_mine
	__attribute__((tls_model("initial-exec")));
extern MS_HIDDEN struct ms_heap ms_heap_none;

MS_HIDDEN struct ms_heap *ms_heap_by_id(uint32_t id);
MS_HIDDEN uint32_t ms_heaps_nr(void);

/* One that nobody has, or a new one. NULL: no memory. */
MS_HIDDEN struct ms_heap *ms_heap_get(void);
/* Its thread has ended. */
MS_HIDDEN void ms_heap_put(struct ms_heap *heap);

/* Its thread is not there in this child: what it has is lost. */
MS_HIDDEN bool ms_heap_is_lost(const struct ms_heap *heap);

MS_HIDDEN struct ms_heap *ms_orphan_take(void);
MS_HIDDEN void ms_orphan_put(struct ms_heap *heap);
MS_HIDDEN uint32_t ms_orphans_nr(void);

/* The list of orphans, which stay what they are until they are released; not unlocked. */
MS_HIDDEN struct ms_heap *ms_orphans_hold(void);
MS_HIDDEN void ms_orphans_release(void);

/* Nobody else goes into another thread's heap. */
MS_HIDDEN void ms_heaps_hold(void);
MS_HIDDEN bool ms_heaps_try(void);
MS_HIDDEN void ms_heaps_release(void);

/* Counts what threads free for which there is no memory for a heap; has no slab. */
extern MS_HIDDEN struct ms_heap ms_heap_common;
MS_HIDDEN void ms_heap_common_hold(void);
MS_HIDDEN void ms_heap_common_release(void);

MS_HIDDEN void ms_heaps_fork_prepare(void);
MS_HIDDEN void ms_heaps_fork_done(void);
MS_HIDDEN void ms_heaps_fork_child(void);

#endif /* MS_MALLOC_HEAPS_H */
