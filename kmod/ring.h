/* SPDX-License-Identifier: GPL-2.0-only */
/* The pages a task shares with the kernel: ring and totals. */
#ifndef MS_RING_H
#define MS_RING_H

#include <linux/mm_types.h>

#include "core/ring.h"

/**
 * struct ms_ring - shared pages of a task; nothing here changes once it is made
 * @entries:	slots, a power of two
 * @nr_pages:	pages of the ring mapping: one for control, then the records
 * @credit:	the task keeps to the credit protocol
 * @control:	written by the task at any moment, hostile
 * @slots:	likewise
 * @totals:	written by us only, mapped read-only
 * @totals_pages: the one page of @totals
 * @pages:	the pages of the ring mapping
 */
struct ms_ring {
	u32 entries;
	u32 nr_pages;
	bool credit;
	struct memstate_ring_control *control;
	struct memstate_record *slots;
	struct memstate_totals_page *totals;
	struct page *totals_pages[1];
	struct page *pages[];
};

struct ms_ring *ms_ring_create(u32 entries, bool credit);
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

#endif /* MS_RING_H */
