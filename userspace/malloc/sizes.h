/* SPDX-License-Identifier: MIT */
/*
 * Size classes: what a request is rounded up to.
 *
 * Model
 *
 *   Multiples of 16 up to 128, then eight classes per doubling up to 32 KiB: a block is
 *   less than 12.5 % larger than what was asked for, above 128 bytes. A block's alignment
 *   is the lowest set bit of its size; powers of two are aligned naturally. What is larger
 *   is a run of slices of its own (large.c).
 *
 *   A slab's length follows from its class, and from how many of that class a heap has
 *   already: the first ones are short, so that a small program stays small.
 */
#ifndef MS_MALLOC_SIZES_H
#define MS_MALLOC_SIZES_H

#include <stddef.h>
#include <stdint.h>

#define MS_SLICE_SHIFT		14
#define MS_SLICE		((size_t)1 << MS_SLICE_SHIFT)

#define MS_GRAIN_SHIFT		4
#define MS_GRAIN		((size_t)1 << MS_GRAIN_SHIFT)
#define MS_NR_CLASSES		72
#define MS_SMALL_MAX		((size_t)32 << 10)

/* Up to here a heap finds the slab by the size itself. */
#define MS_DIRECT_MAX		((size_t)1024)
#define MS_NR_DIRECT		(MS_DIRECT_MAX / MS_GRAIN + 1)

/* From so many slabs of a class on, a heap takes long ones. */
#define MS_LONG_FROM		3
#define MS_SLAB_LONG		((size_t)64 << 10)
#define MS_SLAB_BLOCKS_MIN	8
#define MS_SLAB_SLICES_MAX	32

/* The class of a size, 1 to MS_SMALL_MAX. */
static inline unsigned int ms_class_of(size_t size)
{
	size_t s = size - 1;
	unsigned int e;

	if (s < 128)
		return (unsigned int)(s >> MS_GRAIN_SHIFT);
	e = 63 - (unsigned int)__builtin_clzl(s);
	return (e - 6) * 8 + (unsigned int)((s >> (e - 3)) & 7);
}

/* The size of a class's blocks. */
static inline size_t ms_class_size(unsigned int class_)
{
	unsigned int e = 6 + class_ / 8;

	if (class_ < 8)
		return (size_t)(class_ + 1) << MS_GRAIN_SHIFT;
	return ((size_t)1 << e) + ((size_t)(class_ % 8 + 1) << (e - 3));
}

/* How many slices a slab of a class has; @nr: how many of that class there are. */
static inline unsigned int ms_class_slices(unsigned int class_, unsigned int nr)
{
	size_t block = ms_class_size(class_);
	size_t bytes = block * MS_SLAB_BLOCKS_MIN;
	size_t n;

	if (nr >= MS_LONG_FROM)
		bytes = bytes * 2 > MS_SLAB_LONG ? bytes * 2 : MS_SLAB_LONG;
	n = (bytes + MS_SLICE - 1) >> MS_SLICE_SHIFT;
	/* What does not divide well takes more, so that less than 1/16 is lost. */
	while (((n << MS_SLICE_SHIFT) % block) * 16 > n << MS_SLICE_SHIFT)
		n++;
	return (unsigned int)n;
}

#endif /* MS_MALLOC_SIZES_H */
