// SPDX-License-Identifier: MIT
#include <errno.h>

#include "os.h"
#include "region.h"

/* The allocator's own memory becomes accessible in such steps. */
#define USE_STEP	((size_t)16 << 10)

/* Before each of them; behind it is room, or the next one's. */
static size_t guard(void)
{
	return ms_os_page();
}

/* What lies between what is kept of one and of the next. */
static void leave_room(uintptr_t from, uintptr_t to)
{
	if (from < to)
		ms_os_leave((void *)from, to - from);
}

/**
 * ms_region_begin() - a place for some regions, one behind the other
 * @regions:	each with its span
 * @nr:		how many
 * @first:	how much of each is reserved at once
 * @align:	of the last one's base
 * @class_:	what they are held for
 *
 * Before each there is a guard page.
 *
 * Context: the caller's lock. Return: 0; -ENOMEM: there is no such room, nor a region.
 */
int ms_region_begin(struct ms_region *regions, unsigned int nr, const size_t *first, size_t align,
		    enum memstate_class class_)
{
	size_t before = 0, all, page = guard();
	uintptr_t p, at, kept;
	unsigned int i;

	for (i = 0; i < nr; i++)
		before += page + (i < nr - 1 ? regions[i].span : 0);
	before = (before + align - 1) & ~(align - 1);
	all = before + regions[nr - 1].span;
	p = (uintptr_t)ms_os_room_find(all, align);
	if (!p)
		return -ENOMEM;
	for (i = nr, at = p + before; i--; at -= i ? page + regions[i - 1].span : 0) {
		regions[i].base = at;
		regions[i].reserved = first[i];
		regions[i].mapped = 0;
	}
	for (i = 0, kept = p; i < nr; i++) {
		leave_room(kept, regions[i].base - page);
		kept = regions[i].base + regions[i].reserved;
	}
	leave_room(kept, p + all);
	for (i = 0; i < nr; i++)
		if (ms_os_keep((void *)(regions[i].base - page), page + regions[i].reserved,
			       class_))
			break;
	if (i == nr)
		return 0;
	ms_region_end(regions, i);
	for (; i < nr; i++)
		ms_os_leave((void *)(regions[i].base - page), page + regions[i].reserved);
	return -ENOMEM;
}

/**
 * ms_region_end() - give regions back
 * @regions:	from ms_region_begin()
 * @nr:		how many
 *
 * Context: the caller's lock.
 */
void ms_region_end(struct ms_region *regions, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		ms_os_release((void *)(regions[i].base - guard()), guard() + regions[i].reserved);
}

/**
 * ms_region_reserve() - have more of a region
 * @r:		the region
 * @bytes:	how much of it is to be reserved, whole pages
 * @class_:	what it is held for
 *
 * Context: the caller's lock. Return: 0; -EEXIST: beyond its end, or somebody else is there by now,
 * so that it ends where it does; -ENOMEM: what the system says.
 */
int ms_region_reserve(struct ms_region *r, size_t bytes, enum memstate_class class_)
{
	int ret;

	if (bytes <= r->reserved)
		return 0;
	if (bytes > r->span)
		return -EEXIST;
	ret = ms_os_extend((void *)(r->base + r->reserved), bytes - r->reserved, class_);
	if (!ret)
		r->reserved = bytes;
	else if (ret == -EEXIST)
		r->span = r->reserved;
	return ret;
}

/**
 * ms_region_map() - make more of a region accessible
 * @r:		the region
 * @bytes:	how much of it, at most what is reserved; Prepared
 * @class_:	what it is held for
 *
 * Context: the caller's lock. Return: 0; a negative errno.
 */
int ms_region_map(struct ms_region *r, size_t bytes, enum memstate_class class_)
{
	int ret;

	if (bytes <= r->mapped)
		return 0;
	ret = ms_os_map((void *)(r->base + r->mapped), bytes - r->mapped, class_);
	if (!ret)
		r->mapped = bytes;
	return ret;
}

/**
 * ms_region_use() - have more of a region Ready, as the allocator's own memory
 * @r:		the region, all of whose accessible part is Ready
 * @bytes:	how much of it
 *
 * Its last page, if it has all that was reserved, stays a guard.
 *
 * Context: the caller's lock. Return: 0; -ENOSPC: not reserved; -ENOMEM: what the system says;
 * -EDQUOT: over a limit.
 */
int ms_region_use(struct ms_region *r, size_t bytes)
{
	size_t limit = r->reserved - guard(), step;
	void *addr = (void *)(r->base + r->mapped);
	int ret;

	if (bytes <= r->mapped)
		return 0;
	if (bytes > limit)
		return -ENOSPC;
	step = (bytes - r->mapped + USE_STEP - 1) & ~(USE_STEP - 1);
	if (step > limit - r->mapped)
		step = limit - r->mapped;
	ret = ms_os_map(addr, step, MEMSTATE_METADATA);
	if (ret)
		return ret;
	ret = ms_os_used(addr, step, MEMSTATE_METADATA);
	if (!ret)
		r->mapped += step;
	else
		ms_os_unmap(addr, step, MEMSTATE_METADATA);
	return ret;
}

/**
 * ms_region_restore() - as if it had not become more
 * @r:		the region
 * @was:	as it was
 * @class_:	what of it is held for
 *
 * Context: the caller's lock; nothing is in use of what is given back.
 */
void ms_region_restore(struct ms_region *r, const struct ms_region *was,
		       enum memstate_class class_)
{
	if (r->mapped > was->mapped &&
	    !ms_os_unmap((void *)(r->base + was->mapped), r->mapped - was->mapped, class_))
		r->mapped = was->mapped;
	if (r->reserved > was->reserved && r->mapped <= was->reserved) {
		ms_os_release((void *)(r->base + was->reserved), r->reserved - was->reserved);
		r->reserved = was->reserved;
	}
}
