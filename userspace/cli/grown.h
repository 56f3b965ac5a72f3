/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one. */
#ifndef MS_GROWN_H
#define MS_GROWN_H

#include <stddef.h>
#include <stdlib.h>

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
	array = reallocarray(array, nr ? 2 * nr : 1, size);
	if (!array)
		abort();
	return array;
}

#endif /* MS_GROWN_H */
