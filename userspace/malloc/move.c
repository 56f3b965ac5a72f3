// SPDX-License-Identifier: MIT
/*
 * Large blocks that grow where there is no room: their pages go elsewhere by mremap, and
 * nothing is copied.
 *
 * Model
 *
 *   Pages keep the offset that they had in their mapping. So a block that has moved is a
 *   mapping of its own among others: it is *odd*. It can move again as long as it is one
 *   mapping, hence it does that rather than grow into its neighbour. Freed, it is a dirty run
 *   like any other, that knows how many odd mappings it may have at most. Where those are
 *   dropped the place is mapped anew instead, and is one with its neighbours then. A process
 *   may have so many mappings: with too many odd ones blocks are copied.
 *
 *   For a moment the old place is a hole, and somebody else's mmap() may get it. When mremap
 *   fails nobody knows whether the new place is one: some kernels look before they unmap it,
 *   others after that. What is not known to be ours is never used again: address space is
 *   all that is lost, and after a few times nothing is moved any longer.
 */
#include <errno.h>

#include "arena.h"
#include "knobs.h"
#include "move.h"
#include "os.h"
#include "supply.h"

/* As often we may lose a place. */
#define LOSSES_MAX	64

static unsigned int losses;

static size_t bytes_of(uint32_t slices)
{
	return (size_t)slices << MS_SLICE_SHIFT;
}

static void fill(struct ms_slab *entry, uint32_t slices)
{
	if (!ms_os_renew(ms_arena_addr(entry), bytes_of(slices), MEMSTATE_HEAP, true,
			 ms_knobs.huge)) {
		ms_supply_give_clean(entry, slices);
	} else {
		__atomic_fetch_add(&losses, 1, __ATOMIC_RELAXED);
		ms_supply_lose(slices);
	}
}

/**
 * ms_move() - let a large block go elsewhere, longer
 * @entry:	its first slice's entry; free if the move was done
 * @old:	how many slices it has
 * @len:	how many it is to have
 *
 * Context: without locks. Return: its entry now, without a state; NULL: it was not done, and
 * copying may still do.
 */
struct ms_slab *ms_move(struct ms_slab *entry, uint32_t old, uint32_t len)
{
	struct ms_slab *to;
	int ret;

	if (entry->odd > MS_ODD_WHOLE ||
	    __atomic_load_n(&losses, __ATOMIC_RELAXED) >= LOSSES_MAX)
		return NULL;
	to = ms_supply_take_alike(entry, len);
	if (!to)
		return NULL;
	ret = ms_os_move(ms_arena_addr(entry), bytes_of(old), ms_arena_addr(to), bytes_of(len),
			 MEMSTATE_HEAP);
	if (ret == -EDQUOT) {
		ms_supply_give_clean(to, len);
		return NULL;
	}
	if (ret) {
		fill(to, len);
		return NULL;
	}
	ms_supply_odd(entry, to);
	ms_slab_set_state(entry, MS_RUN_NONE);
	fill(entry, old);
	return to;
}
