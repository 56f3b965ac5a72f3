/* SPDX-License-Identifier: MIT */
/*
 * libmemstate-malloc: an allocator that is accounted, limited and observable.
 *
 * Who links with it, or preloads it, calls malloc() and so on. What is here is for who
 * wants to know more, or to set something.
 */
#ifndef MEMSTATE_MALLOC_H
#define MEMSTATE_MALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#ifdef MS_MALLOC_PREFIX
/* A build beside another allocator. */
void *msm_malloc(size_t size);
void *msm_calloc(size_t nr, size_t size);
void *msm_realloc(void *block, size_t size);
void *msm_reallocarray(void *block, size_t nr, size_t size);
void msm_free(void *block);
void msm_cfree(void *block);
void msm_free_sized(void *block, size_t size);
void msm_free_aligned_sized(void *block, size_t align, size_t size);
void *msm_memalign(size_t align, size_t size);
void *msm_aligned_alloc(size_t align, size_t size);
int msm_posix_memalign(void **out, size_t align, size_t size);
void *msm_valloc(size_t size);
void *msm_pvalloc(size_t size);
size_t msm_malloc_usable_size(void *block);
int msm_malloc_trim(size_t pad);
#endif

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* MEMSTATE_MALLOC_H */
