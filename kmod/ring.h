/* SPDX-License-Identifier: GPL-2.0-only */
/* The pages a task shares with the kernel: ring and totals. */
#ifndef MS_RING_H
#define MS_RING_H

#include <linux/mm_types.h>

#include "core/ring.h"

/**
 * struct ms_ring - shared pages of a task; but for @flags and @mapped nothing changes once
 * it is made
 * @entries:	slots, a power of two
 * @nr_pages:	pages of the ring mapping: one for control, then the records
 * @flags:	MEMSTATE_SETUP_*: protocols that the task keeps to; DOORBELL may go, under
 *		the task's lock
 * @mapped:	somebody has, or had, the ring mapped: before that nothing can be in it
 * @control:	written by the task at any moment, hostile
 * @slots:	likewise
 * @totals:	written by us only, mapped read-only
 * @totals_pages: the one page of @totals
 * @pages:	the pages of the ring mapping
 */
struct ms_ring {
	u32 entries;
	u32 nr_pages;
	u32 flags;
	bool mapped;
	struct memstate_ring_control *control;
	struct memstate_record *slots;
	struct memstate_totals_page *totals;
	struct page *totals_pages[1];
	struct page *pages[];
};

struct ms_ring *ms_ring_create(u32 entries, u32 flags);
void ms_ring_destroy(struct ms_ring *ring);
u32 ms_ring_tail(const struct ms_ring *ring, u32 head);
u32 ms_ring_stamp(const struct ms_ring *ring, const u32 *head);
int ms_ring_mmap(struct ms_ring *ring, struct vm_area_struct *vma);

/**
 * ms_ring_bytes() - length of the ring mapping
 * @ring: the ring
 *
 * Context: any. Return: bytes.
 */
static inline size_t ms_ring_bytes(const struct ms_ring *ring)
{
	return (size_t)ring->nr_pages << PAGE_SHIFT;
}

/**
 * ms_ring_bell() - the word by which the task is asked to ring
 * @ring: the ring, or NULL
 *
 * Context: any. Return: the word, written by us only as far as we care; NULL: the task
 * does not look at it.
 */
static inline u32 *ms_ring_bell(const struct ms_ring *ring)
{
	return ring && (READ_ONCE(ring->flags) & MEMSTATE_SETUP_DOORBELL) ?
		       &ring->control->doorbell : NULL;
}

#endif /* MS_RING_H */
