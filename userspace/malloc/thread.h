/* SPDX-License-Identifier: MIT */
/* Which heap a thread has: new ones, and those whose thread has ended. */
#ifndef MS_MALLOC_THREAD_H
#define MS_MALLOC_THREAD_H

#include "heap.h"

/* This thread's heap, made if there is none; to be given back after the operation. */
MS_HIDDEN struct ms_heap *ms_heap_enter(void);
/* For what is only counted: never NULL. */
MS_HIDDEN struct ms_heap *ms_heap_enter_free(void);
MS_HIDDEN void ms_heap_leave(struct ms_heap *heap);

#endif /* MS_MALLOC_THREAD_H */
