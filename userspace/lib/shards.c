// SPDX-License-Identifier: MIT
/*
 * An allocator's statistics: where to write them, and their sums. Writing is inline,
 * in memstate.h.
 *
 * Model
 *
 *   Shards are made when somebody asks for the first one, once in each process. That
 *   they are made stands in the page that is wiped in a child, and with it an epoch
 *   that none of its ancestors had: so a child finds out by one load that the shards it
 *   knows of were its parent's, whatever way it was made.
 */

#include "internal.h"
#include "lock.h"

static struct ms_shard_set shard_set;

/* Goes on counting in a child, unlike what is wiped. */
static u32 shard_epochs;

/* Whoever comes first makes them; the others wait. */
static bool shards_make(struct ms_state *state)
{
	u32 seen = 0, result;
	uint64_t saved;
	int ret;

	ms_signals_block(&saved);
	if (__atomic_compare_exchange_n(&state->shards, &seen, MS_LIB_BUSY, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		ret = ms_lib.ops->shards(&shard_set);
		/* For want of memory: perhaps the next time. */
		result = !ret ? MS_LIB_READY : ret == -ENOMEM ? 0 : MS_LIB_NEVER;
		if (!ret)
			__atomic_store_n(&state->shards_epoch, ++shard_epochs,
					 __ATOMIC_RELAXED);
		__atomic_store_n(&state->shards, result, __ATOMIC_RELEASE);
		ms_word_wake(&state->shards);
	}
	ms_signals_restore(&saved);
	do {
		seen = __atomic_load_n(&state->shards, __ATOMIC_ACQUIRE);
		if (seen == MS_LIB_BUSY)
			ms_word_wait(&state->shards, seen);
	} while (seen == MS_LIB_BUSY);
	return seen == MS_LIB_READY;
}

static bool shards_there(void)
{
	struct ms_state *state;

	if (ms_lib_ready())
		return false;
	state = ms_lib_state;
	return MS_LIKELY(__atomic_load_n(&state->shards, __ATOMIC_ACQUIRE) ==
			 MS_LIB_READY) ||
	       shards_make(state);
}

/**
 * memstate_shard() - where a thread's statistics go
 * @index: from 0
 *
 * The first call makes the shards; it takes system calls, and no malloc. A shard has one
 * writer at a time; two that take turns by a lock may share one. It stays where it is
 * for the life of the process; a child asks again, as do those who find that
 * memstate_shard_epoch() has moved.
 *
 * Context: any. Return: the shard; NULL: there is none: the index is too large, no back
 * end works, the kernel is older than shards, or for want of memory.
 */
struct memstate_alloc_shard *memstate_shard(unsigned int index)
{
	if (!shards_there() || index >= shard_set.nr)
		return NULL;
	return &shard_set.shards[index];
}

/**
 * memstate_shard_gen() - the word that says which set is written to
 *
 * To be asked for once, in a child again.
 *
 * Context: any. Return: what to give to memstate_shard_enter(); NULL: no shards.
 */
const uint32_t *memstate_shard_gen(void)
{
	return shards_there() ? shard_set.gen : NULL;
}

/**
 * memstate_shard_epoch() - the word that says whose the shards are
 *
 * It does not change while shards and gen are this process's. In a child it is 0 until
 * somebody asks for a shard there, and then another value than the parent's. The pointer
 * itself stays the same for ever, in children as well.
 *
 * Context: any. Return: the word; NULL: no shards.
 */
const uint32_t *memstate_shard_epoch(void)
{
	return shards_there() ? &ms_lib_state->shards_epoch : NULL;
}

/**
 * memstate_alloc_totals() - the sums of this process's shards
 * @alloc:	where to put them; nr_shards is 0 where nobody has asked for a shard. With
 *		MEMSTATE_ALLOC_STALE in its flags a thread stayed in the middle of a
 *		write, and the sums are those of an earlier moment
 *
 * Context: any. Return: 0; -ENODEV: no back end.
 */
int memstate_alloc_totals(struct memstate_alloc *alloc)
{
	int ret = ms_lib_ready();

	*alloc = (struct memstate_alloc) { .size = sizeof(*alloc) };
	if (ret || __atomic_load_n(&ms_lib_state->shards, __ATOMIC_ACQUIRE) !=
			   MS_LIB_READY)
		return ret;
	return ms_lib.ops->alloc(alloc);
}

/**
 * memstate_alloc_totals_fd() - the same of the task that a descriptor is bound to
 * @fd:		of the device, perhaps handed over by another process
 * @alloc:	where to put them; zero when that task is gone
 *
 * Context: any. Return: 0; -EBADF; -ENOTTY: not the device, or no shards.
 */
int memstate_alloc_totals_fd(int fd, struct memstate_alloc *alloc)
{
	*alloc = (struct memstate_alloc) { .size = sizeof(*alloc) };
	return fd < 0 ? -EBADF : (int)ms_raw3(SYS_ioctl, fd, MEMSTATE_IOC_ALLOC, alloc);
}
