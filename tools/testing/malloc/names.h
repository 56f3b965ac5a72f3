/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The same tests against malloc as the program has it (preloaded, linked), or, with
 * MS_MALLOC_PREFIX, against the allocator's own code in the program, which sanitizers can
 * look into.
 */
#ifndef TEST_NAMES_H
#define TEST_NAMES_H

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <memstate-malloc.h>

#ifdef MS_MALLOC_PREFIX
#define malloc			msm_malloc
#define calloc			msm_calloc
#define realloc			msm_realloc
#define reallocarray		msm_reallocarray
#define free			msm_free
#define free_sized		msm_free_sized
#define free_aligned_sized	msm_free_aligned_sized
#define cfree			msm_cfree
#define memalign		msm_memalign
#define aligned_alloc		msm_aligned_alloc
#define posix_memalign		msm_posix_memalign
#define valloc			msm_valloc
#define pvalloc			msm_pvalloc
#define malloc_usable_size	msm_malloc_usable_size
#define malloc_trim		msm_malloc_trim
#else
/* Not in this C library's headers. */
extern void free_sized(void *block, size_t size) __attribute__((weak));
extern void free_aligned_sized(void *block, size_t align, size_t size)
	__attribute__((weak));
extern void cfree(void *block) __attribute__((weak));
#endif

#endif /* TEST_NAMES_H */
