// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "pages.h"
#include "ring.h"

/**
 * ms_ring_create() - make the shared pages
 * @entries:	slots, a power of two
 * @flags:	MEMSTATE_SETUP_*: protocols that the task will keep to
 *
 * The pages are charged to the memory cgroup of the caller.
 *
 * Context: may sleep. Return: the ring, or NULL for want of memory.
 */
struct ms_ring *ms_ring_create(u32 entries, u32 flags)
{
	u32 nr_pages = 1 + DIV_ROUND_UP(entries * sizeof(struct memstate_record),
					PAGE_SIZE);
	struct ms_ring *ring;

	ring = kvzalloc(struct_size(ring, pages, nr_pages), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return NULL;
	ring->entries = entries;
	ring->flags = flags;
	ring->nr_pages = nr_pages;
	ring->control = ms_pages_create(ring->pages, nr_pages);
	if (!ring->control)
		goto err_ring;
	ring->slots = (void *)ring->control + PAGE_SIZE;
	ring->totals = ms_pages_create(ring->totals_pages, 1);
	if (!ring->totals)
		goto err_control;

	ring->control->tail = MEMSTATE_RING_START;
	ring->totals->head = MEMSTATE_RING_START;
	ring->totals->ring_entries = entries;
	return ring;

err_control:
	ms_pages_destroy(ring->control, ring->pages, nr_pages);
err_ring:
	kvfree(ring);
	return NULL;
}

/**
 * ms_ring_destroy() - give the pages back
 * @ring: the ring, or NULL
 *
 * Context: may sleep; nobody uses @ring any more.
 */
void ms_ring_destroy(struct ms_ring *ring)
{
	if (!ring)
		return;
	ms_pages_destroy(ring->totals, ring->totals_pages, 1);
	ms_pages_destroy(ring->control, ring->pages, ring->nr_pages);
	kvfree(ring);
}

/* A position from @head to @head + entries, whatever tail says. */
static u32 ring_clamp(const struct ms_ring *ring, u32 tail, u32 head)
{
	s32 used = tail - head;

	/* Before head: the drain went on since tail was read, or it is a lie. */
	return head + min_t(u32, max(used, 0), ring->entries);
}

/**
 * ms_ring_tail() - how far the task says that it has claimed
 * @ring:	the ring
 * @head:	our own position
 *
 * Context: any. Return: a position from @head to @head + entries, whatever lies
 * in the shared word.
 */
u32 ms_ring_tail(const struct ms_ring *ring, u32 head)
{
	return ring_clamp(ring, READ_ONCE(ring->control->tail), head);
}

/**
 * ms_ring_stamp() - the tail at this instant, for who may not hold up the drain
 * @ring:	the ring
 * @head:	our own position, which the drain moves meanwhile
 *
 * Context: any. Return: a position from one to which *@head has come to at most
 * entries more; not before a position that was claimed before.
 */
u32 ms_ring_stamp(const struct ms_ring *ring, const u32 *head)
{
	/*
	 * First tail: head is then at least as new, so that what is claimed is never
	 * more than a ring's length ahead of it. Acquire: head is read after it.
	 */
	u32 tail = smp_load_acquire(&ring->control->tail);

	/*
	 * Acquire: pairs with the release in ms_books_drain(). What was drained by then
	 * has been applied: an unmapping that is stamped with head comes after it.
	 */
	return ring_clamp(ring, tail, smp_load_acquire(head));
}

/**
 * ms_ring_mmap() - map the ring or the totals
 * @ring:	the ring
 * @vma:	from the device's mmap, shared and not executable
 *
 * Context: mmap lock held for writing. Return: 0; -EINVAL: no such offset, wrong length;
 * -EACCES: totals to be mapped writable; -ENOMEM.
 */
int ms_ring_mmap(struct ms_ring *ring, struct vm_area_struct *vma)
{
	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case MEMSTATE_OFF_RING:
		WRITE_ONCE(ring->mapped, true);
		return ms_pages_mmap(ring->pages, ring->nr_pages, vma);
	case MEMSTATE_OFF_TOTALS:
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		vm_flags_mod(vma, 0, VM_MAYWRITE);
		return ms_pages_mmap(ring->totals_pages, 1, vma);
	default:
		return -EINVAL;
	}
}
