// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/sched/signal.h>

#include "credit.h"
#include "drain.h"
#include "group.h"
#include "revoke.h"

/*
 * What one request waits for others' books, in all: how often, and for how many microseconds.
 * Whoever has them open may do so for long, or be kept from running meanwhile.
 */
#define REVOKE_WAITS	100
#define REVOKE_WAIT_US	50

/* Steps of draining them that it does, in all. */
#define REVOKE_WORK	(8 * MS_BOOKS_BUDGET)

/* Open a task's books; another's only if they are free, or soon. */
static int revoke_lock(struct ms_books *books, struct ms_task *task,
		       struct ms_terms *terms)
{
	int ret;

	if (ms_task_is_current(task))
		return ms_books_lock(books, task);
	while ((ret = ms_books_trylock(books, task)) == -EAGAIN &&
	       terms->waits < REVOKE_WAITS && !fatal_signal_pending(current)) {
		terms->waits++;
		usleep_range(REVOKE_WAIT_US, 2 * REVOKE_WAIT_US);
	}
	return ret;
}

/* What it has given up comes first. Another's work is bounded; what is in its word is not. */
static void revoke_drain(struct ms_books *books, struct ms_terms *terms)
{
	struct ms_drain drain = {};
	s32 before;

	if (ms_task_is_current(books->task)) {
		ms_books_drain(books, &drain);
		return;
	}
	before = min_t(s32, books->budget, REVOKE_WORK - terms->work);
	if (before <= 0)
		return;
	books->budget = before;
	ms_books_drain(books, &drain);
	terms->work += before - books->budget;
}

static bool revoke_pending(struct ms_pending_node *node, xa_mark_t mark)
{
	return ms_credit_real(ms_task_of(node));
}

/*
 * Take the unused credit of one task back. What its charge is more than it holds may be in
 * the hands of one of its threads, and come into the word later: so it is known to have
 * credit until that is nothing.
 */
static bool revoke_one(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_books books;
	bool some = false;

	/* Once the books have ended the ring may go at any moment. */
	if (!ms_task_ring(task) || revoke_lock(&books, task, terms))
		return false;
	if (!ms_credit_word(task))
		goto out;
	revoke_drain(&books, terms);
	books.take = !ms_task_is_current(task);
	some = ms_charge_trim(task);
	ms_pending_take(&task->pending, MS_PENDING_CREDIT, NULL, revoke_pending);
out:
	ms_books_unlock(&books);
	return some;
}

/* Has it anything to give, as far as that is seen without its lock? */
static bool revoke_worth(struct ms_task *task)
{
	const u64 *word;
	bool some;

	rcu_read_lock();
	word = ms_credit_word(task);
	some = word && (READ_ONCE(*word) >= PAGE_SIZE ||
			ms_task_stamp(task) != READ_ONCE(task->head) ||
			ms_unmaps_pending(&task->unmaps));
	rcu_read_unlock();
	return some;
}

/* It is idle: then the next who is refused need not look, if it rings. */
static void revoke_pass(struct ms_task *task)
{
	struct ms_books books;

	if (ms_books_trylock(&books, task))
		return;
	books.take = true;
	ms_books_unlock(&books);
}

/* Enough is enough: the others keep theirs. */
static bool revoke_enough(const struct ms_terms *terms)
{
	return ms_limits_room(terms->refused) >= terms->wanted;
}

/* From those below a group that are marked; true: there was something. */
static bool revoke_marked(struct ms_group *group, xa_mark_t mark,
			  struct ms_terms *terms)
{
	struct ms_pending_walk walk;
	struct ms_pending_node *node;
	bool some = false;

	ms_pending_begin(&walk, &group->pending, mark);
	while ((node = ms_pending_next(&walk))) {
		struct ms_task *task = ms_task_of(node);

		if (revoke_worth(task))
			some |= revoke_one(task, terms);
		else if (mark == MS_PENDING_DRAIN)
			revoke_pass(task);
		ms_pending_put(node);
		if (fatal_signal_pending(current) || (some && revoke_enough(terms)))
			break;
		cond_resched();
	}
	ms_pending_end(&walk);
	return some;
}

/* Could it be granted if everybody gave up everything? Max may be written meanwhile. */
static bool revoke_may_do(const struct ms_terms *terms)
{
	u64 max = READ_ONCE(terms->refused->core.max);

	return max == MEMSTATE_UNLIMITED || terms->wanted <= max;
}

/**
 * ms_revoke() - take unused credit back from whoever shares a limit
 * @task:	who wants it
 * @terms:	terms->refused: the limit
 *
 * Asked are those that may have something, by the marks that they have; where even all
 * of it would not do, nobody. Whose books are open for longer than one can wait for is passed
 * over (REVOKE_WAITS).
 *
 * Context: process; may sleep; no task's lock is held. Return: true if it is worth
 * another try.
 */
bool ms_revoke(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_group *group = ms_group_of_level(terms->refused);
	bool some;

	if (group && !terms->met)
		ms_group_event(group, MEMSTATE_EVENT_MAX);
	terms->met = true;
	if (!revoke_may_do(terms))
		return false;
	if (!group)
		return revoke_one(task, terms);
	/* Who has given memory up has more to give than who has credit. */
	some = revoke_marked(group, MS_PENDING_DRAIN, terms);
	if (!revoke_enough(terms))
		some |= revoke_marked(group, MS_PENDING_CREDIT, terms);
	/* And who reports nothing may have given memory up unseen. */
	if (!revoke_enough(terms))
		ms_group_settle(group);
	return some || revoke_enough(terms);
}
