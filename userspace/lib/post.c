// SPDX-License-Identifier: MIT
/* Posting: the path that is taken for every transition. */

#include "internal.h"

/*
 * How often a full ring is looked at before records go another way. A thread that was preempted
 * between claim and publish comes back within some milliseconds.
 */
#define FULL_TRIES	200

/* What a record has been charged, by the protocol. */
static u64 charge_of(const struct memstate_record *record)
{
	bool ready = ((record->w0 >> MEMSTATE_TO_SHIFT) & MEMSTATE_FIELD_MASK) ==
		     MEMSTATE_READY;

	if (!ready || (!ms_lib.credit && !ms_lib.limited))
		return 0;
	return (record->w1 & 0xffffffffu) << MEMSTATE_UNIT_SHIFT;
}

static void publish(u32 pos, const struct memstate_record *record)
{
	ms_ring_publish(&ms_lib.ring, pos, record);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ms_posting--;
	if (MS_UNLIKELY(ms_ring_doorbell(ms_lib.doorbell)))
		ms_lib.ops->pending();
}

/* A handler that comes in between finds that its own thread holds a slot. */
static bool claim(u32 *pos)
{
	ms_posting++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (MS_LIKELY(ms_ring_claim(&ms_lib.ring, pos)))
		return true;
	ms_posting--;
	return false;
}

/* Claim a slot and pay for it in one step, where the processor can. */
static bool claim_paid(u64 bytes, u32 *pos)
{
#ifdef MS_HAVE_CAS128
	if (MS_UNLIKELY(!ms_lib.cas128))
		return false;
	ms_posting++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (MS_LIKELY(ms_ring_claim_paid(&ms_lib.ring, bytes, pos)))
		return true;
	ms_posting--;
#else
	(void)bytes;
	(void)pos;
#endif
	return false;
}

static void sync_if_due(void)
{
	if (MS_UNLIKELY(ms_ring_used(&ms_lib.ring) > ms_lib.ring.entries / 2))
		ms_lib.ops->sync();
}

static int post_full(const struct memstate_record *record)
{
	struct memstate_record plain = *record;
	uint64_t paid;
	uint32_t done;
	u32 pos;
	int i;

	for (i = 0; i < FULL_TRIES; i++) {
		/* Whatever it says: what counts is whether there is room. */
		ms_lib.ops->sync();
		if (claim(&pos)) {
			publish(pos, record);
			return 0;
		}
		/* Somebody is between claim and publish; if we, it is no use. */
		if (ms_posting)
			break;
		ms_post_wait(i);
	}
	plain.w1 &= 0xffffffffu;
	paid = charge_of(record);
	i = ms_lib.ops->apply(&plain, 1, &done, &paid, 0);
	if (i && paid)
		memstate_uncharge(paid);
	return i;
}

int ms_post_paid(const struct memstate_record *record)
{
	u32 pos;

	if (MS_UNLIKELY(!claim(&pos)))
		return post_full(record);
	publish(pos, record);
	sync_if_due();
	return 0;
}

/**
 * memstate_post_record() - post a record that has been paid for
 * @record: the record; the upper half of w1 is not used
 *
 * Usually a few nanoseconds and no system call. If it goes to Ready its whole length
 * has been charged by memstate_charge() before; what of it was charged already comes
 * back when the record is drained.
 *
 * Context: any, signal handlers included.
 * Return: 0; -ENODEV: no back end; where the ring was full and stayed so, what
 * the back end says: -EINVAL, -ENOSPC, -ENOMEM with nothing changed, and the charge
 * given back.
 */
int memstate_post_record(const struct memstate_record *record)
{
	int ret = ms_lib_ready();

	return MS_UNLIKELY(ret) ? ret : ms_post_paid(record);
}

/**
 * memstate_post() - charge what it takes and post a transition
 * @from:	state, MEMSTATE_MAPPED or MEMSTATE_ANY
 * @to:		state, MEMSTATE_KEEP or MEMSTATE_KEEP_RO
 * @class_:	enum memstate_class
 * @flags:	MEMSTATE_LAZY, MEMSTATE_ONLY, MEMSTATE_KEEP_CLASS
 * @addr:	first byte
 * @bytes:	length
 *
 * For steps that need no system call, or had it. Where one is to come between the
 * charge and the report, there is memstate_charge() and memstate_post_record().
 *
 * Context: any, signal handlers included.
 * Return: 0; -EINVAL: an argument is out of range or not a multiple of the page
 * size; -EDQUOT: to Ready, over a limit, nothing posted: see memstate_refusal(); else
 * as memstate_post_record().
 */
int memstate_post(unsigned int from, unsigned int to, unsigned int class_,
		  unsigned int flags, const void *addr, size_t bytes)
{
	struct memstate_record record;
	int ret = ms_lib_ready();
	u32 pos;

	if (MS_UNLIKELY(ret))
		return ret;
	if (((from | to | class_ | flags) & ~MEMSTATE_FIELD_MASK) || !bytes ||
	    (((uintptr_t)addr | bytes) & (MEMSTATE_UNIT - 1)) ||
	    (u64)bytes >> (32 + MEMSTATE_UNIT_SHIFT))
		return -EINVAL;
	record = ms_record_make((uintptr_t)addr, bytes, from, to, class_, flags);
	if (to == MEMSTATE_READY) {
		if (MS_LIKELY(claim_paid(bytes, &pos))) {
			publish(pos, &record);
			sync_if_due();
			return 0;
		}
		ret = memstate_charge(bytes);
	}
	return MS_UNLIKELY(ret) ? ret : ms_post_paid(&record);
}

/**
 * memstate_apply() - apply records now, after those in the ring
 * @records:	the records, the upper half of w1 zero
 * @nr:		how many
 * @done:	how many were applied, also on error; may be NULL
 *
 * Context: any.
 * Return: 0; -EINVAL: record @done is malformed; -ENOSPC: it would make too many
 * ranges; -EDQUOT: over a limit; -ENOMEM; -ENODEV. The books are as if it and those
 * after it had not been given.
 */
int memstate_apply(const struct memstate_record *records, uint32_t nr,
		   uint32_t *done)
{
	uint32_t nr_done = 0;
	uint64_t paid = 0;
	int ret = ms_lib_ready();

	if (!ret)
		ret = ms_lib.ops->apply(records, nr, &nr_done, &paid, 0);
	if (done)
		*done = nr_done;
	return ret;
}

/**
 * memstate_apply_paid() - apply records now that have been paid for
 * @records:	the records, the upper half of w1 zero
 * @nr:		how many
 * @paid:	in: bytes that were charged for them; out: with HOLD, or after an
 *		error, what is left of them and of what they gave up; else zero, and
 *		the rest has been given back
 * @flags:	MEMSTATE_TRANSITION_HOLD, MEMSTATE_TRANSITION_INHERITED
 *
 * Context: any. Return: as memstate_apply().
 */
int memstate_apply_paid(const struct memstate_record *records, uint32_t nr,
			uint64_t *paid, unsigned int flags)
{
	uint32_t done;
	int ret = ms_lib_ready();

	return ret ? ret : ms_lib.ops->apply(records, nr, &done, paid, flags);
}

/**
 * memstate_sync() - drain what was posted
 *
 * Context: any. Return: 0; -ENOMEM: not all of it, call again; -ENODEV.
 */
int memstate_sync(void)
{
	int ret = ms_lib_ready();

	return ret ? ret : ms_lib.ops->sync();
}
