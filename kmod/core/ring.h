/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ring of records: bounded, many producers, one consumer, no lock.
 *
 * Model
 *
 *   A producer claims position p by moving *tail* from p to p + 1, fills the
 *   slot p & mask and publishes it by storing w1, whose upper half is p. The
 *   consumer takes positions in order from a head of its own and stops at the
 *   first one that is not published. It shows head to producers, who may not
 *   claim a position more than the ring's size beyond it.
 *
 * Barriers
 *
 *   ms_ring_publish() releases w1     -> ms_ring_peek() acquires it: w0 is whole
 *   ms_ring_release() releases head   -> ms_ring_claim() acquires it: the
 *                                        consumer has done with the slot
 *   ms_ring_claim() moves the tail, then ms_ring_doorbell() loads the doorbell
 *                                     -> ms_pending_take() sets it, then the
 *                                        tail is read: one sees the other
 *
 * A zeroed ring is empty: positions begin at MEMSTATE_RING_START.
 *
 * The shape is D. Vyukov's bounded queue, with the sequence and the payload in
 * one word and the consumer's position kept where producers cannot write.
 */
#ifndef MS_CORE_RING_H
#define MS_CORE_RING_H

#include "port.h"
#include <linux/memstate.h>

/**
 * struct ms_ring_producer - a producer's view of a ring
 * @tail:	shared, advanced by producers
 * @head:	shared, advanced by the consumer
 * @slots:	the records
 * @entries:	number of slots, a power of two
 */
struct ms_ring_producer {
	u32 *tail;
	const u32 *head;
	struct memstate_record *slots;
	u32 entries;
};

/**
 * ms_ring_used() - how many positions are claimed and not yet drained
 * @r: the ring
 *
 * Context: any. Return: 0 to @r->entries; a snapshot.
 */
static inline u32 ms_ring_used(const struct ms_ring_producer *r)
{
	u32 head = ms_load32(r->head);

	return ms_load32(r->tail) - head;
}

/**
 * ms_ring_claim() - claim the next position
 * @r:		the ring
 * @pos:	where to put it
 *
 * Who claims must publish, and should do nothing between the two.
 *
 * Context: any, signal handlers included. Return: false when the ring is full.
 */
static inline bool ms_ring_claim(const struct ms_ring_producer *r, u32 *pos)
{
	u32 tail, head;

	do {
		/* Acquire: pairs with ms_ring_release(). */
		head = ms_load32_acquire(r->head);
		tail = ms_load32(r->tail);
		/* head may be older than tail, never the other way to harm */
		if (tail - head >= r->entries)
			return false;
	} while (!ms_cas32(r->tail, tail, tail + 1));
	*pos = tail;
	return true;
}

#ifdef MS_HAVE_CAS128
/**
 * ms_ring_claim_paid() - claim the next position and take credit, in one step
 * @r:		the ring; the word at @r->tail is followed by the credit word, as in
 *		struct memstate_ring_control
 * @bytes:	how much credit
 * @pos:	where to put the position
 *
 * One locked operation instead of two. Whoever moves only one of the words makes it
 * try again.
 *
 * Context: any, signal handlers included. Return: false when the ring is full or there
 * is too little credit: nothing has been taken.
 */
static inline bool ms_ring_claim_paid(const struct ms_ring_producer *r, u64 bytes,
				      u32 *pos)
{
	u64 *words = (u64 *)r->tail;
	u64 tail, credit;
	u32 head;

	do {
		/* Acquire: pairs with ms_ring_release(). */
		head = ms_load32_acquire(r->head);
		tail = ms_load64(&words[0]);
		credit = ms_load64(&words[1]);
		if ((u32)tail - head >= r->entries || credit < bytes)
			return false;
		/* The upper half of the first word is not ours, and stays. */
	} while (!ms_cas128(words, tail, credit,
			    (tail & ~0xffffffffULL) | (u32)(tail + 1),
			    credit - bytes));
	*pos = (u32)tail;
	return true;
}
#endif

/**
 * ms_ring_publish() - fill and publish a claimed position
 * @r:		the ring
 * @pos:	the position, from ms_ring_claim()
 * @rec:	what to publish; the upper half of its w1 is not used
 *
 * Context: any.
 */
static inline void ms_ring_publish(const struct ms_ring_producer *r, u32 pos,
				   const struct memstate_record *rec)
{
	struct memstate_record *slot = &r->slots[pos & (r->entries - 1)];

	ms_store64(&slot->w0, rec->w0);
	/* Release: pairs with ms_ring_peek(). */
	ms_store64_release(&slot->w1, (rec->w1 & 0xffffffffu) | (u64)pos << 32);
}

/**
 * ms_ring_doorbell() - is the kernel to be told of what was posted?
 * @doorbell: shared word, or one that is zero
 *
 * Context: after ms_ring_claim() and ms_ring_publish(). Return: true if it is, by
 * MEMSTATE_IOC_PENDING.
 */
static inline bool ms_ring_doorbell(const u32 *doorbell)
{
	/* Between the claim and the load: pairs with ms_pending_take(). */
	ms_mb_after_cas();
	/* Acquire: pairs with ms_pending_listen(). */
	return ms_load32_acquire(doorbell);
}

/**
 * ms_ring_peek() - copy the record at a position, if it is published
 * @slots:	the records, shared with whoever may write them at any moment
 * @entries:	number of slots, a power of two
 * @pos:	the consumer's own position
 * @rec:	where to put the copy, its w1 without the sequence
 *
 * Each word is loaded once. Context: any. Return: false if not published.
 */
static inline bool ms_ring_peek(const struct memstate_record *slots,
				u32 entries, u32 pos,
				struct memstate_record *rec)
{
	const struct memstate_record *slot = &slots[pos & (entries - 1)];
	/* Acquire: pairs with ms_ring_publish(). */
	u64 w1 = ms_load64_acquire(&slot->w1);

	if ((u32)(w1 >> 32) != pos)
		return false;
	rec->w0 = ms_load64(&slot->w0);
	rec->w1 = w1 & 0xffffffffu;
	return true;
}

/**
 * ms_ring_release() - show producers how far the ring is drained
 * @head:	the shared word
 * @pos:	the consumer's own position: everything before it may be reused
 *
 * Context: the consumer.
 */
static inline void ms_ring_release(u32 *head, u32 pos)
{
	/* Release: pairs with ms_ring_claim(). */
	ms_store32_release(head, pos);
}

#endif /* MS_CORE_RING_H */
