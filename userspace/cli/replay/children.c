// SPDX-License-Identifier: MIT
/*
 * Whose child is it?
 *
 * Model
 *
 *   A thread is *born* with its first word. A child is followed if somebody is born
 *   under the id that its clone returned. Where nobody is, and somebody unknown comes up
 *   behind it, the log was made outside the pid namespace of the program: the two are
 *   one. Ids are given in order on both sides.
 */
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "grown.h"
#include "children.h"

/**
 * struct work - what all of this is about
 * @s:		the log
 * @born:	who was born in it
 */
struct work {
	struct ms_survey *s;
	struct ms_born *born;
};

static bool is_member(const struct ms_survey *s, pid_t tid)
{
	for (size_t i = 0; i < s->nr_members; i++)
		if (s->members[i].tid == tid)
			return true;
	return false;
}

/**
 * ms_survey_add_member() - a thread belongs to a process that was there before
 * @s:		the log
 * @tid:	the thread
 * @leader:	the process
 */
void ms_survey_add_member(struct ms_survey *s, pid_t tid, pid_t leader)
{
	s->members = ms_grown(s->members, s->nr_members, sizeof(*s->members));
	s->members[s->nr_members++] = (struct ms_member) { tid, leader };
}

static int by_id(const void *a, const void *b)
{
	const struct ms_birth *x = *(struct ms_birth *const *)a, *y = *(struct ms_birth *const *)b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int by_child(const void *a, const void *b)
{
	const struct ms_call *x = *(struct ms_call *const *)a, *y = *(struct ms_call *const *)b;

	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static void join_birth(struct ms_call *c, struct ms_birth *b)
{
	b->taken = true;
	c->child = b->id;
	c->fate = MS_CHILD_FOLLOWED;
	c->ends = b->end != ~0ull;
	/* With -z a line stands where its call has ended, and the child may be quicker. */
	c->early = b->seq < c->seq ? b->seq : 0;
}

/* A birth is of the last clone before it that returned its id. Whether there was one. */
static bool match_ids(const struct ms_survey *s, struct ms_birth **births,
		      size_t nr_births, struct ms_call **clones, size_t nr_clones)
{
	bool some = false;
	size_t c = 0;

	for (size_t b = 0; b < nr_births; b++) {
		struct ms_call *match = NULL;

		while (c < nr_clones && clones[c]->child < births[b]->id)
			c++;
		while (c < nr_clones && clones[c]->child == births[b]->id &&
		       clones[c]->seq <= births[b]->seq)
			match = clones[c++];
		if (match) {
			join_birth(match, births[b]);
			some = true;
			continue;
		}
		/* Else one that comes while it lives; or later, in a log of -z. */
		if (!births[b]->taken && c < nr_clones &&
		    clones[c]->child == births[b]->id &&
		    (clones[c]->seq < births[b]->end || !s->parts))
			join_birth(clones[c++], births[b]);
	}
	return some;
}

/* An id that comes again without an end of its former owner. */
static void match_unended(const struct work *w, struct ms_birth **births, struct ms_call *c)
{
	size_t low = 0, high = w->born->nr_births;

	if (w->s->exits)
		return;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (births[mid]->id < c->child)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < w->born->nr_births && births[low]->id == c->child; low++)
		if (births[low]->end == ~0ull && births[low]->seq < c->seq)
			c->fate = MS_CHILD_FOLLOWED;
}

/*
 * Which of the clones has made it? Those that are left, if there is one; the one that is
 * as far away as the one before; or in order, if there are as many as are born now.
 */
static struct ms_call *choose(struct ms_birth **births, size_t nr_births, size_t at,
			      struct ms_call **clones, size_t nr_clones, pid_t offset,
			      bool *several)
{
	struct ms_call *first = NULL;
	size_t nr = 0, born = 0, rank = 0;
	uint64_t until = ~0ull;

	for (size_t i = 0; i < nr_clones; i++) {
		struct ms_call *c = clones[i];

		if (c->fate || c->child >= births[at]->id)
			continue;
		if (c->seq > births[at]->seq) {
			until = c->seq < until ? c->seq : until;
			continue;
		}
		if (offset && births[at]->id - c->child == offset)
			return c;
		first = first ? first : c;
		nr++;
	}
	if (nr < 2)
		return first;
	for (size_t i = at; i < nr_births; i++) {
		if (births[i]->taken || births[i]->seq >= until)
			continue;
		born++;
		rank += births[i]->id < births[at]->id;
	}
	*several = born != nr;
	/* By id, as the clones are. */
	for (size_t i = 0; i < nr_clones; i++)
		if (!clones[i]->fate && clones[i]->child < births[at]->id &&
		    clones[i]->seq <= births[at]->seq && !rank--)
			return clones[i];
	return first;
}

/* A clone before this line that nobody has heard of again, as its caller was killed. */
static bool lost_clone(const struct ms_survey *s, uint64_t seq)
{
	for (size_t i = 0; i < s->nr_calls && s->calls[i].seq <= seq; i++)
		if (!s->calls[i].line.result)
			return true;
	return false;
}

static bool unknown_thread(const struct work *w, const struct ms_birth *b)
{
	return !b->taken && !is_member(w->s, b->id);
}

static void join_inner(struct ms_call *c, struct ms_birth *b)
{
	c->inner = c->child;
	join_birth(c, b);
}

/* @births and @clones by id: as many of one as of the other, each behind its clone. */
static bool match_rank(const struct work *w, struct ms_birth **births, size_t nr_births,
		       struct ms_call **clones, size_t nr_clones)
{
	for (int join = 0; join < 2; join++) {
		size_t c = 0;

		for (size_t b = 0; b < nr_births; b++) {
			if (!unknown_thread(w, births[b]))
				continue;
			while (c < nr_clones && clones[c]->fate)
				c++;
			if (c == nr_clones || clones[c]->seq > births[b]->seq ||
			    clones[c]->child >= births[b]->id)
				return false;
			if (join)
				join_inner(clones[c], births[b]);
			c++;
		}
		while (c < nr_clones && clones[c]->fate)
			c++;
		if (c < nr_clones)
			return false;
	}
	return true;
}

/* @plain: there were clones that returned ids as the log has them */
static int match_order(struct work *w, struct ms_birth **births, size_t nr_births,
		       struct ms_call **clones, size_t nr_clones, bool plain)
{
	pid_t offset = 0;

	for (size_t i = 0; i < nr_births; i++) {
		bool several = false;
		struct ms_call *c;

		if (!unknown_thread(w, births[i]))
			continue;
		c = choose(births, nr_births, i, clones, nr_clones, offset, &several);
		if (c && births[i]->id - c->child != offset &&
		    lost_clone(w->s, births[i]->seq)) {
			/*
			 * The lost one's id is known to nobody, and the unknown may be its child.
			 * Where ids are the log's own up to here, it is.
			 */
			if (plain && !offset)
				continue;
			several = true;
		}
		if (several) {
			ms_err("thread %d: expected one clone that may have made it, met several, none of which has returned its id: the program runs in a pid namespace; make the log with strace --decode-pids=pidns",
			       births[i]->id);
			return -1;
		}
		if (!c)
			continue;
		offset = births[i]->id - c->child;
		join_inner(c, births[i]);
	}
	return 0;
}

static int by_seq(const void *a, const void *b)
{
	const struct ms_birth *x = *(struct ms_birth *const *)a, *y = *(struct ms_birth *const *)b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

static bool was_waited(const struct work *w, pid_t id)
{
	for (size_t i = 0; i < w->born->nr_waited; i++)
		if (w->born->waited[i] == id)
			return true;
	return false;
}

/* The group that a thread must belong to: ids rise. @nr: how many it may belong to. */
static struct ms_group *group_of(const struct work *w, const struct ms_birth *b, size_t *nr)
{
	struct ms_group *group = NULL;

	*nr = 0;
	for (size_t i = 0; i < w->born->nr_groups; i++) {
		struct ms_group *g = &w->born->groups[i];

		if (g->leader >= b->id || !g->threads)
			continue;
		group = g;
		++*nr;
	}
	return group;
}

/* Threads of processes that were there before: the log said how many they have. */
static int find_members(struct work *w)
{
	struct ms_born *born = w->born;
	bool more = born->nr_groups;
	size_t nr;

	while (more) {
		more = false;
		for (size_t i = 0; i < born->nr_births; i++) {
			struct ms_birth *b = &born->births[i];
			struct ms_group *g = unknown_thread(w, b) ? group_of(w, b, &nr) : NULL;

			if (!g || nr > 1)
				continue;
			ms_survey_add_member(w->s, b->id, g->leader);
			b->taken = true;
			g->threads--;
			more = true;
		}
	}
	for (size_t i = 0; i < born->nr_births; i++) {
		if (!unknown_thread(w, &born->births[i]) ||
		    !group_of(w, &born->births[i], &nr))
			continue;
		ms_err("thread %d: expected one process that it may belong to, met several; say so by --process %d=PID",
		       born->births[i].id, born->births[i].id);
		return -1;
	}
	return 0;
}

/*
 * A clone whose end is not in the log, as the log ends before it, or its caller was killed, has
 * made a child as soon as somebody unknown is born behind it, if no other may have.
 * Not in a log that begins in the middle: there threads come up that were there before.
 */
static void match_unfinished(struct work *w, struct ms_birth **births)
{
	struct ms_survey *s = w->s;

	for (size_t i = 0; !s->middle && i < w->born->nr_births; i++) {
		struct ms_call *only = NULL;
		size_t nr = 0;

		if (!unknown_thread(w, births[i]))
			continue;
		for (size_t c = 0; c < s->nr_calls && s->calls[c].seq < births[i]->seq; c++) {
			if (s->calls[c].line.result)
				continue;
			only = &s->calls[c];
			nr++;
		}
		if (nr != 1)
			continue;
		only->line.result = true;
		only->line.value = (uint64_t)births[i]->id;
		join_birth(only, births[i]);
	}
}

/**
 * ms_children_find() - find out what has become of each child of a log
 * @s:		the log; its calls get their children
 * @born:	who was born
 *
 * Return: 0; -1 after a message.
 */
int ms_children_find(struct ms_survey *s, struct ms_born *born)
{
	struct work work = { s, born }, *w = &work;
	struct ms_birth **births = calloc(w->born->nr_births + 1, sizeof(struct ms_birth *));
	struct ms_call **clones = calloc(s->nr_calls + 1, sizeof(struct ms_call *));
	size_t nr = 0;
	bool plain, follows = false;
	int ret;

	if (!births || !clones)
		abort();
	for (size_t i = 0; i < w->born->nr_births; i++)
		births[i] = &w->born->births[i];
	for (size_t i = 0; i < s->nr_calls; i++) {
		struct ms_call *c = &s->calls[i];

		if (!ms_call_made_child(&c->line))
			continue;
		c->child = (pid_t)c->line.value;
		if (c->line.outer) {
			c->inner = c->child;
			c->child = c->line.outer;
		}
		clones[nr++] = c;
	}
	qsort(births, w->born->nr_births, sizeof(*births), by_id);
	qsort(clones, nr, sizeof(*clones), by_child);
	plain = match_ids(s, births, w->born->nr_births, clones, nr);
	ret = find_members(w);
	for (size_t i = 0; i < nr; i++) {
		uint64_t flags = 0;

		if (!clones[i]->fate)
			match_unended(w, births, clones[i]);
		if (!ms_clone_flags(&clones[i]->line, &flags)) {
			clones[i]->process = was_waited(w, (pid_t)clones[i]->line.value);
			s->guessed++;
		}
		if (!clones[i]->fate && flags & CLONE_UNTRACED)
			clones[i]->fate = MS_CHILD_UNTRACED;
	}
	/* Both are in order of their ids. */
	if (!lost_clone(s, ~0ull))
		match_rank(w, births, w->born->nr_births, clones, nr);
	qsort(births, w->born->nr_births, sizeof(*births), by_seq);
	if (!ret)
		ret = match_order(w, births, w->born->nr_births, clones, nr, plain);
	if (!ret)
		match_unfinished(w, births);
	for (size_t i = 0; i < nr; i++)
		follows |= clones[i]->fate == MS_CHILD_FOLLOWED;
	for (size_t i = 0; i < nr; i++) {
		if (clones[i]->fate)
			continue;
		clones[i]->fate = follows ? MS_CHILD_SILENT : MS_CHILD_UNTRACED;
		s->unseen += !follows;
	}
	for (size_t i = 0; i < w->born->nr_births; i++)
		s->orphans += unknown_thread(w, births[i]);
	free(births);
	free(clones);
	return ret;
}
