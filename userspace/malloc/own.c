// SPDX-License-Identifier: MIT
#include <errno.h>

#include "lock.h"
#include "own.h"
#include "region.h"

/* Regions of this length, each twice the one before up to the greater. */
#define FIRST	((size_t)256 << 10)
#define MOST	((size_t)16 << 20)

static struct ms_lock own_lock;

/* The one that is taken from; what is accessible of those before it. */
static struct ms_region region;
static size_t used, mapped_before;

/* Where it ends is another guard. */
static bool begin(size_t least)
{
	struct ms_region next;
	size_t bytes = region.reserved * 2;

	if (bytes < FIRST)
		bytes = FIRST;
	if (bytes > MOST)
		bytes = MOST;
	if (bytes < least * 2)
		return false;
	next.span = bytes;
	if (ms_region_begin(&next, 1, &bytes, 1, MEMSTATE_METADATA))
		return false;
	mapped_before += region.mapped;
	region = next;
	used = 0;
	return true;
}

/**
 * ms_own_alloc() - memory for the allocator itself
 * @bytes: how much, not more than some pages
 *
 * Context: any. Return: a cache line's first byte; NULL: no memory, or over a limit.
 */
void *ms_own_alloc(size_t bytes)
{
	void *p = NULL;
	int ret;

	bytes = (bytes + 63) & ~(size_t)63;
	ms_lock(&own_lock);
	ret = region.base ? ms_region_use(&region, used + bytes) : -ENOSPC;
	if (ret == -ENOSPC && begin(bytes))
		ret = ms_region_use(&region, bytes);
	if (!ret) {
		p = (void *)(region.base + used);
		used += bytes;
	}
	ms_unlock(&own_lock);
	return p;
}

/**
 * ms_own_mapped() - how much it is by now
 *
 * Context: any. Return: bytes, Ready.
 */
size_t ms_own_mapped(void)
{
	size_t bytes;

	ms_lock(&own_lock);
	bytes = mapped_before + region.mapped;
	ms_unlock(&own_lock);
	return bytes;
}

void ms_own_fork_prepare(void)
{
	ms_lock(&own_lock);
}

void ms_own_fork_done(void)
{
	ms_unlock(&own_lock);
}
