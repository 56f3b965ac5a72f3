/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unmappings that the kernel learns of by itself, waiting to be applied.
 *
 * Model
 *
 *   The notifier may run where nothing may sleep or allocate. It queues the
 *   range with a *stamp*: the ring's tail at that instant. A record claimed
 *   before speaks of the time before, one claimed later of the time after; so
 *   the drain applies an unmapping when it has come to its stamp. What finds
 *   the queue full leaves only the latest such stamp: when the drain has come
 *   there, ledger and mappings are compared instead.
 *
 * Locking
 *
 *   @lock, a spinlock, innermost. Nothing is allocated under it.
 */
#ifndef MS_UNMAP_H
#define MS_UNMAP_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct ms_unmap {
	u64 start;
	u64 end;
	u32 stamp;
};

/**
 * struct ms_unmaps - the queue, a circular buffer
 * @lock:	protects all below
 * @first:	index of the oldest
 * @nr:		how many
 * @size:	room
 * @overflow:	some did not fit
 * @overflow_stamp: stamp of the last of these
 * @slots:	the buffer
 */
struct ms_unmaps {
	spinlock_t lock;
	u32 first;
	u32 nr;
	u32 size;
	bool overflow;
	u32 overflow_stamp;
	struct ms_unmap *slots;
};

int ms_unmaps_init(struct ms_unmaps *q, u32 size);
void ms_unmaps_destroy(struct ms_unmaps *q);
void ms_unmaps_push(struct ms_unmaps *q, u64 start, u64 end, u32 stamp);
bool ms_unmaps_pending(struct ms_unmaps *q);
bool ms_unmaps_peek(struct ms_unmaps *q, u32 pos, bool force,
		    struct ms_unmap *unmap);
void ms_unmaps_pop(struct ms_unmaps *q, const struct ms_unmap *unmap);
bool ms_unmaps_take_overflow(struct ms_unmaps *q, u32 pos, bool force);

#endif /* MS_UNMAP_H */
