// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "unmap.h"

/**
 * ms_unmaps_init() - make an empty queue
 * @q:		the queue
 * @size:	room
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int ms_unmaps_init(struct ms_unmaps *q, u32 size)
{
	spin_lock_init(&q->lock);
	q->slots = kvmalloc_array(size, sizeof(*q->slots), GFP_KERNEL_ACCOUNT);
	if (!q->slots)
		return -ENOMEM;
	q->size = size;
	return 0;
}

/**
 * ms_unmaps_destroy() - free the queue
 * @q: the queue; also if that has been done
 *
 * Context: may sleep; nobody puts anything into @q any more, or takes it out.
 */
void ms_unmaps_destroy(struct ms_unmaps *q)
{
	kvfree(q->slots);
	q->slots = NULL;
}

static struct ms_unmap *unmaps_at(struct ms_unmaps *q, u32 i)
{
	return &q->slots[(q->first + i) % q->size];
}

/**
 * ms_unmaps_push() - queue an unmapping
 * @q:		the queue
 * @start:	first byte
 * @end:	one past the last byte
 * @stamp:	the ring's tail at this instant
 *
 * Context: any, also where nothing may sleep.
 */
void ms_unmaps_push(struct ms_unmaps *q, u64 start, u64 end, u32 stamp)
{
	struct ms_unmap *last;

	spin_lock(&q->lock);
	if (q->nr) {
		last = unmaps_at(q, q->nr - 1);
		if (last->stamp == stamp && start <= last->end &&
		    end >= last->start) {
			last->start = min(last->start, start);
			last->end = max(last->end, end);
			goto out;
		}
	}
	if (q->nr == q->size) {
		q->overflow = true;
		q->overflow_stamp = stamp;
		goto out;
	}
	*unmaps_at(q, q->nr++) = (struct ms_unmap) { start, end, stamp };
out:
	spin_unlock(&q->lock);
}

/**
 * ms_unmaps_pending() - is there anything to apply?
 * @q: the queue
 *
 * Context: any. Return: true if there is, due or not.
 */
bool ms_unmaps_pending(struct ms_unmaps *q)
{
	bool pending;

	spin_lock(&q->lock);
	pending = q->nr || q->overflow;
	spin_unlock(&q->lock);
	return pending;
}

static bool stamp_due(u32 stamp, u32 pos)
{
	return (s32)(stamp - pos) <= 0;
}

/**
 * ms_unmaps_peek() - look at the oldest unmapping, if it is due
 * @q:		the queue
 * @pos:	the ring's position that the drain has come to
 * @force:	it is due whatever its stamp
 * @unmap:	where to put the copy
 *
 * Context: any. Return: false if none is due.
 */
bool ms_unmaps_peek(struct ms_unmaps *q, u32 pos, bool force,
		    struct ms_unmap *unmap)
{
	bool due = false;

	spin_lock(&q->lock);
	if (q->nr) {
		*unmap = *unmaps_at(q, 0);
		due = force || stamp_due(unmap->stamp, pos);
	}
	spin_unlock(&q->lock);
	return due;
}

/**
 * ms_unmaps_pop() - take the oldest unmapping out, now that it is applied
 * @q:		the queue
 * @unmap:	what ms_unmaps_peek() gave; if it has grown since, it stays
 *
 * Context: any; one consumer.
 */
void ms_unmaps_pop(struct ms_unmaps *q, const struct ms_unmap *unmap)
{
	struct ms_unmap *first;

	spin_lock(&q->lock);
	first = unmaps_at(q, 0);
	if (first->start == unmap->start && first->end == unmap->end) {
		q->first = (q->first + 1) % q->size;
		q->nr--;
	}
	spin_unlock(&q->lock);
}

/**
 * ms_unmaps_take_overflow() - is a comparison with the mappings due?
 * @q:		the queue
 * @pos:	the ring's position that the drain has come to
 * @force:	it is due whatever its stamp
 *
 * Context: any. Return: true once; what is unmapped later asks anew.
 */
bool ms_unmaps_take_overflow(struct ms_unmaps *q, u32 pos, bool force)
{
	bool due;

	spin_lock(&q->lock);
	due = q->overflow && (force || stamp_due(q->overflow_stamp, pos));
	if (due)
		q->overflow = false;
	spin_unlock(&q->lock);
	return due;
}
