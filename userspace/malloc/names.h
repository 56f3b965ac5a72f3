/* SPDX-License-Identifier: MIT */
/*
 * What the allocator's functions are called: malloc and so on, or msm_malloc and so on in a
 * build beside another allocator (MS_MALLOC_PREFIX).
 */
#ifndef MS_MALLOC_NAMES_H
#define MS_MALLOC_NAMES_H

#ifdef MS_MALLOC_PREFIX
#define NAME(name)	msm_##name
#else
#define NAME(name)	name
#endif

#define EXPORT		__attribute__((visibility("default")))

#endif /* MS_MALLOC_NAMES_H */
