/* SPDX-License-Identifier: MIT */
/* Memory that a command cannot go on without; arrays of it that grow by one. */
#ifndef MS_GROWN_H
#define MS_GROWN_H

#include <stddef.h>
#include <stdlib.h>

/**
 * ms_must() - memory that there has to be
 * @p: what an allocator has returned
 *
 * Context: any. Return: @p; does not return for want of memory.
 */
static inline void *ms_must(void *p)
{
	if (!p)
		abort();
	return p;
}

/**
 * ms_grown() - room for one more in an array, which is doubled at each power of two
 * @array:	of @nr elements, by this function; NULL: there is none yet
 * @nr:		how many there are
 * @size:	of one, in bytes
 *
 * Context: any. Return: the array; does not return for want of memory.
 */
static inline void *ms_grown(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1) && nr)
		return array;
	return ms_must(reallocarray(array, nr ? 2 * nr : 1, size));
}

#endif /* MS_GROWN_H */
