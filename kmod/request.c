// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "credit.h"
#include "drain.h"
#include "group.h"
#include "params.h"
#include "request.h"
#include "revoke.h"
#include "trace.h"

/**
 * ms_request_fast() - the usual request, granted where there is room
 * @task:	the task, the caller's
 * @bytes:	how much, a multiple of the page size, not 0
 *
 * Nothing is drained. A task with a limit of its own goes the long way, at the end of
 * which it is shown what pressure there is. The task cannot be closed meanwhile: the
 * caller holds the file and belongs to the address space.
 *
 * Context: process; does not sleep; no lock is held. Return: true if it was granted;
 * else nothing has changed.
 */
bool ms_request_fast(struct ms_task *task, u64 bytes)
{
	struct ms_level *refused;
	u64 have;

	if (!ms_credit_word(task) || ms_charge_has_own(task))
		return false;
	have = ms_credit_take(task, 0, bytes);
	if (have == bytes)
		return true;
	if (ms_limits_charge(&task->limit, bytes - have + ms_param_credit_batch,
			     &refused)) {
		ms_credit_give(task, ms_param_credit_batch);
		ms_pending_mark(&task->pending, MS_PENDING_CREDIT);
		trace_memstate_charge(task->pid, task->group->id, bytes,
				      ms_limits_charged(&task->limit));
		return true;
	}
	ms_credit_give(task, have);
	return false;
}

/* Credit for the caller, as far as it can be had at once. */
static int request_now(struct ms_task *task, const struct memstate_charge *arg,
		       u64 *granted, struct ms_terms *terms)
{
	struct ms_drain drain = {};
	struct ms_books books;
	u64 need = arg->bytes, have;
	int ret;

	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	/* Want of memory: then more is asked for than needed, and given back. */
	ms_books_drain(&books, &drain);
	if (arg->flags & MEMSTATE_CHARGE_RANGE)
		ret = ms_books_need(&books, arg->addr, arg->bytes, &need);
	if (ret)
		goto out;

	have = ms_credit_take(task, 0, need);
	terms->wanted = need - have;
	if (ms_limits_charge(&task->limit, terms->wanted + ms_param_credit_batch,
			     &terms->refused)) {
		ms_credit_give(task, ms_param_credit_batch);
	} else if (!ms_limits_charge(&task->limit, terms->wanted,
				     &terms->refused)) {
		ms_credit_give(task, have);
		ret = -EDQUOT;
		goto out;
	}
	*granted = need;
	trace_memstate_charge(task->pid, task->group->id, need,
			      ms_limits_charged(&task->limit));
out:
	ms_books_unlock(&books);
	return ret;
}

static int request_trim(struct ms_task *task, struct memstate_charge *arg)
{
	struct ms_drain drain = {};
	struct ms_books books;
	int ret;

	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	ms_books_drain(&books, &drain);
	arg->bytes = ms_charge_trim(task);
	ms_books_unlock(&books);
	return 0;
}

static void request_denied(struct ms_task *task, struct memstate_charge *arg,
			   struct ms_terms *terms)
{
	struct ms_books books;

	if (ms_books_lock(&books, task))
		return;
	ms_charge_denied(task, terms);
	arg->refused_by = terms->refused_by;
	arg->room = ms_limits_room(terms->refused);
	ms_books_unlock(&books);
}

/* Try, and take credit back from others, and try again. */
static int request_try(struct ms_task *task, const struct memstate_charge *arg,
		       u64 *granted, struct ms_terms *terms)
{
	u32 rounds = 0;
	int ret;

	do {
		ret = request_now(task, arg, granted, terms);
		if (fatal_signal_pending(current))
			break;
	} while (ret == -EDQUOT && rounds++ < MS_REVOKE_ROUNDS &&
		 ms_revoke(task, terms));
	return ret;
}

/*
 * Wait where it was refused, and try again, until it is granted, refused elsewhere, or
 * the time is over.
 */
static int request_wait(struct ms_task *task, const struct memstate_charge *arg,
			u64 *granted, struct ms_terms *terms, ktime_t end)
{
	struct ms_waiter waiter = {};
	int ret, last;

	do {
		last = ms_limits_wait(&waiter, terms->refused, terms->wanted, end);
		ret = last;
		/* Also when it is over: whatever the siblings have got together. */
		if (!last || last == -ETIME)
			ret = request_try(task, arg, granted, terms);
	} while (ret == -EDQUOT && !last);
	ms_limits_wait_end(&waiter);
	return ret;
}

/**
 * ms_request() - what CHARGE does
 * @task:	the task, the caller's
 * @arg:	the request, its flags and alignment checked
 *
 * Context: process; may sleep.
 * Return: 0; -EDQUOT; -ENOSPC: so many wait at that limit that it was not waited for;
 * -ERESTARTNOHAND: a signal, or other work on the way to userspace, and arg->timeout_ns
 * is what is left; -EINVAL: with RANGE, beyond the address space; -ENXIO: no ring with
 * credit; -EINTR: killed; -ESRCH.
 */
int ms_request(struct ms_task *task, struct memstate_charge *arg)
{
	struct ms_terms terms = { .refused = &task->limit };
	u64 granted = 0;
	ktime_t end;
	int ret;

	if (!ms_credit_word(task))
		return -ENXIO;
	if (arg->flags & MEMSTATE_CHARGE_TRIM)
		return request_trim(task, arg);

	end = ktime_add_safe(ktime_get(), ns_to_ktime(min_t(u64, arg->timeout_ns,
							    KTIME_MAX)));
	ret = request_try(task, arg, &granted, &terms);
	if (ret == -EDQUOT && (arg->flags & MEMSTATE_CHARGE_WAIT))
		ret = request_wait(task, arg, &granted, &terms, end);
	if (ret == -EDQUOT || ret == -ENOSPC)
		request_denied(task, arg, &terms);
	if (ret == -ERESTARTNOHAND)
		arg->timeout_ns = max_t(s64, ktime_to_ns(ktime_sub(end, ktime_get())),
					0);
	if (!ret)
		arg->bytes = granted;
	return ret;
}
