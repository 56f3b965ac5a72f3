// SPDX-License-Identifier: MIT
/*
 * A log as a whole.
 *
 * Model
 *
 *   A call in two parts acts where it begins, and how it ends stands further down; a
 *   child's lines tell whether the log follows it. So the log is gone through once to
 *   find out (ms_survey_make), and a second time to act.
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
#include "replay_calls.h"
#include "replay_pending.h"
#include "replay_survey.h"

/**
 * struct birth - a thread's first word
 * @id:		its id
 * @seq:	line, counted as the log gives them
 * @end:	line of its end, ~0 if there is none
 * @taken:	it is known whose child it is, or that it was there before
 */
struct birth {
	pid_t id;
	uint64_t seq;
	uint64_t end;
	bool taken;
};

/**
 * struct work - what is known on the way
 * @s:		the result
 * @pending:	outcomes of calls that have begun, by thread
 * @forking:	calls that have begun and make children, by thread
 * @living:	births, by thread
 * @births:	all of them, in order
 * @nr_births:	how many
 * @waited:	ids that their parents have seen end
 * @nr_waited:	how many
 * @leader:	process that was there before with threads, 0: none, -1: several
 * @threads:	so many more threads has it
 * @begun:	there was a line that is not strace's own
 * @attached:	before that it was attached to somebody
 * @seq:	where we are
 */
struct work {
	struct ms_survey *s;
	struct ms_pendings pending;
	struct ms_pendings forking;
	struct ms_pendings living;
	struct birth *births;
	size_t nr_births;
	pid_t *waited;
	size_t nr_waited;
	pid_t leader;
	uint32_t threads;
	bool begun;
	bool attached;
	uint64_t seq;
};

/* Doubled at each power of two. */
static void *grown(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1) && nr)
		return array;
	array = reallocarray(array, nr ? 2 * nr : 1, size);
	if (!array)
		abort();
	return array;
}

/**
 * ms_survey_wants() - does the end of this call matter?
 * @l: its beginning, or its end
 *
 * Return: a number for its name; 0 if it does not. It has an outcome in the survey if it
 * comes in two parts.
 */
uint8_t ms_survey_wants(const struct ms_line *l)
{
	static const char *const names[] = {
		"mmap", "mmap2", "old_mmap", "munmap", "mprotect", "pkey_mprotect", "madvise",
		"process_madvise", "brk", "mremap", "shmget", "shmat", "pidfd_open",
		"execve", "execveat", "wait4", "waitpid", "waitid",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ms_line_is(l, names[i]))
			return (uint8_t)(i + 1);
	return 0;
}

static void add_call(struct work *w, const struct ms_line *l, pid_t tid)
{
	struct ms_survey *s = w->s;
	struct ms_call *c;

	s->calls = grown(s->calls, s->nr_calls, sizeof(*s->calls));
	c = &s->calls[s->nr_calls++];
	ms_call_init(c, l);
	c->tid = tid;
	c->seq = w->seq;
}

static void add_outcome(struct work *w, uint8_t id, pid_t tid)
{
	struct ms_survey *s = w->s;

	s->outcomes = grown(s->outcomes, s->nr_outcomes, sizeof(*s->outcomes));
	ms_pending_set(&w->pending, tid, s->nr_outcomes);
	s->outcomes[s->nr_outcomes++] = (struct ms_outcome) { .id = id };
}

/* The list has moved while it grew. */
static void settle(struct ms_survey *s)
{
	for (size_t i = 0; i < s->nr_calls; i++)
		s->calls[i].line.name = s->calls[i].name;
}

static void add_waited(struct work *w, pid_t id)
{
	w->waited = grown(w->waited, w->nr_waited, sizeof(*w->waited));
	w->waited[w->nr_waited++] = id;
}

static void add_birth(struct work *w, pid_t id)
{
	w->births = grown(w->births, w->nr_births, sizeof(*w->births));
	ms_pending_set(&w->living, id, w->nr_births);
	/* Nobody has made the first one. */
	w->births[w->nr_births] = (struct birth) {
		.id = id,
		.seq = w->seq,
		.end = ~0ull,
		.taken = !w->nr_births,
	};
	w->nr_births++;
}

static void add_end(struct work *w, pid_t id)
{
	size_t i;

	if (ms_pending_take(&w->living, id, &i))
		w->births[i].end = w->seq;
}

void ms_survey_add_member(struct ms_survey *s, pid_t tid, pid_t leader)
{
	s->members = grown(s->members, s->nr_members, sizeof(*s->members));
	s->members[s->nr_members++] = (struct ms_member) { tid, leader };
}

static bool is_member(const struct ms_survey *s, pid_t tid)
{
	for (size_t i = 0; i < s->nr_members; i++)
		if (s->members[i].tid == tid)
			return true;
	return false;
}

static bool made_child(const struct ms_line *l)
{
	return ms_line_makes_child(l) && l->result && !l->failed && l->value;
}

/* A call in two parts ends. */
static void end_line(struct work *w, const struct ms_line *l, pid_t tid)
{
	struct ms_survey *s = w->s;
	size_t i;

	if (ms_line_makes_child(l) && ms_pending_take(&w->forking, tid, &i))
		ms_call_resume(&s->calls[i], l);
	if (!ms_survey_wants(l) || !ms_pending_take(&w->pending, tid, &i) ||
	    s->outcomes[i].id != ms_survey_wants(l))
		return;
	s->outcomes[i].result = l->result;
	s->outcomes[i].failed = l->failed;
	s->outcomes[i].value = l->value;
	/* Its options stand where it began, and do not matter for a guess. */
	if (ms_line_waits(l) && l->result && !l->failed)
		add_waited(w, (pid_t)l->value);
}

static void look_at_line(struct work *w, const struct ms_line *l, pid_t tid)
{
	struct ms_survey *s = w->s;
	size_t i;
	pid_t id;

	if (l->kind != MS_LINE_ATTACHED && !w->begun) {
		w->begun = true;
		s->middle = w->attached && !ms_line_is(l, "execve");
	}
	switch (l->kind) {
	case MS_LINE_CALL:
		if (made_child(l))
			add_call(w, l, tid);
		id = ms_wait_ended(l);
		if (id)
			add_waited(w, id);
		/* restart_syscall(<... resuming interrupted futex ...>) */
		s->middle |= ms_line_is(l, "restart_syscall") &&
			     w->births[w->nr_births - 1].seq == w->seq;
		break;
	case MS_LINE_UNFINISHED:
		ms_pending_take(&w->pending, tid, &i);
		ms_pending_take(&w->forking, tid, &i);
		if (ms_line_makes_child(l)) {
			ms_pending_set(&w->forking, tid, s->nr_calls);
			add_call(w, l, tid);
		} else if (ms_survey_wants(l)) {
			add_outcome(w, ms_survey_wants(l), tid);
		}
		break;
	case MS_LINE_RESUMED:
		s->middle |= w->births[w->nr_births - 1].seq == w->seq &&
			     w->nr_births == 1;
		end_line(w, l, tid);
		break;
	case MS_LINE_SUPERSEDED:
		ms_pending_move(&w->pending, l->other, tid);
		add_end(w, l->other);
		break;
	case MS_LINE_CHILD:
		add_waited(w, l->other);
		break;
	case MS_LINE_EXIT:
		/* Older strace tells of those that were killed, and of no others. */
		s->exits |= l->exited;
		add_end(w, tid);
		break;
	case MS_LINE_ATTACHED:
		/* strace -D begins so, too: the first call tells. */
		w->attached |= !w->begun;
		if (l->threads > 1) {
			w->leader = w->leader ? -1 : l->other;
			w->threads = l->threads - 1;
		}
		break;
	default:
		break;
	}
}

/* ---- children and who is born ------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct birth *x = *(struct birth *const *)a, *y = *(struct birth *const *)b;

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

static void join_birth(struct ms_call *c, struct birth *b)
{
	b->taken = true;
	c->child = b->id;
	c->fate = MS_CHILD_FOLLOWED;
	c->ends = b->end != ~0ull;
	/* With -z a line stands where its call has ended, and the child may be quicker. */
	c->early = b->seq < c->seq ? b->seq : 0;
}

/* A birth is of the last clone before it that returned its id. */
static void match_ids(struct birth **births, size_t nr_births, struct ms_call **clones,
		      size_t nr_clones)
{
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
			continue;
		}
		/* Else one that comes while it lives. */
		if (!births[b]->taken && c < nr_clones &&
		    clones[c]->child == births[b]->id && clones[c]->seq < births[b]->end)
			join_birth(clones[c++], births[b]);
	}
}

/* An id that comes again without an end of its former owner. */
static void match_unended(const struct work *w, struct ms_call *c)
{
	for (size_t i = 0; i < w->living.nr; i++)
		if (w->living.list[i].tid == c->child &&
		    w->births[w->living.list[i].what].seq < c->seq && !w->s->exits)
			c->fate = MS_CHILD_FOLLOWED;
}

/*
 * Which of the clones has made it? Those that are left, if there is one; the one that is
 * as far away as the one before; or in order, if there are as many as are born now.
 */
static struct ms_call *choose(struct birth **births, size_t nr_births, size_t at,
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

static bool unmatched(const struct work *w, const struct birth *b)
{
	return !b->taken && !is_member(w->s, b->id);
}

static void join_inner(struct ms_call *c, struct birth *b)
{
	c->inner = c->child;
	join_birth(c, b);
}

/* @births and @clones by id: as many of one as of the other, each behind its clone. */
static bool match_rank(const struct work *w, struct birth **births, size_t nr_births,
		       struct ms_call **clones, size_t nr_clones)
{
	for (int join = 0; join < 2; join++) {
		size_t c = 0;

		for (size_t b = 0; b < nr_births; b++) {
			if (!unmatched(w, births[b]))
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

static int match_order(struct work *w, struct birth **births, size_t nr_births,
		       struct ms_call **clones, size_t nr_clones)
{
	pid_t offset = 0;

	for (size_t i = 0; i < nr_births; i++) {
		bool several = false;
		struct ms_call *c;

		if (!unmatched(w, births[i]))
			continue;
		c = choose(births, nr_births, i, clones, nr_clones, offset, &several);
		/* Its id is known to nobody, and the unknown may be its child. */
		if (c && births[i]->id - c->child != offset)
			several |= lost_clone(w->s, births[i]->seq);
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
	const struct birth *x = *(struct birth *const *)a, *y = *(struct birth *const *)b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

static bool was_waited(const struct work *w, pid_t id)
{
	for (size_t i = 0; i < w->nr_waited; i++)
		if (w->waited[i] == id)
			return true;
	return false;
}

/* Threads of a process that was there before: the log said how many. */
static void find_members(struct work *w)
{
	if (w->leader <= 0)
		return;
	for (size_t i = 0; i < w->nr_births && w->threads; i++) {
		struct birth *b = &w->births[i];

		if (b->taken || b->id == w->leader || is_member(w->s, b->id))
			continue;
		ms_survey_add_member(w->s, b->id, w->leader);
		b->taken = true;
		w->threads--;
	}
}

static int find_children(struct work *w)
{
	struct ms_survey *s = w->s;
	struct birth **births = calloc(w->nr_births + 1, sizeof(struct birth *));
	struct ms_call **clones = calloc(s->nr_calls + 1, sizeof(struct ms_call *));
	size_t nr = 0;
	bool follows = false;
	int ret;

	if (!births || !clones)
		abort();
	for (size_t i = 0; i < w->nr_births; i++)
		births[i] = &w->births[i];
	for (size_t i = 0; i < s->nr_calls; i++) {
		struct ms_call *c = &s->calls[i];

		if (!made_child(&c->line))
			continue;
		c->child = (pid_t)c->line.value;
		if (c->line.outer) {
			c->inner = c->child;
			c->child = c->line.outer;
		}
		clones[nr++] = c;
	}
	qsort(births, w->nr_births, sizeof(*births), by_id);
	qsort(clones, nr, sizeof(*clones), by_child);
	match_ids(births, w->nr_births, clones, nr);
	find_members(w);
	for (size_t i = 0; i < nr; i++) {
		uint64_t flags = 0;

		if (!clones[i]->fate)
			match_unended(w, clones[i]);
		if (!ms_clone_flags(&clones[i]->line, &flags)) {
			clones[i]->process = was_waited(w, (pid_t)clones[i]->line.value);
			s->guessed++;
		}
		if (!clones[i]->fate && flags & CLONE_UNTRACED)
			clones[i]->fate = MS_CHILD_UNTRACED;
	}
	/* Both are in order of their ids. */
	if (!lost_clone(s, ~0ull))
		match_rank(w, births, w->nr_births, clones, nr);
	qsort(births, w->nr_births, sizeof(*births), by_seq);
	ret = match_order(w, births, w->nr_births, clones, nr);
	for (size_t i = 0; i < nr; i++)
		follows |= clones[i]->fate == MS_CHILD_FOLLOWED;
	for (size_t i = 0; i < nr; i++) {
		if (clones[i]->fate)
			continue;
		clones[i]->fate = follows ? MS_CHILD_SILENT : MS_CHILD_UNTRACED;
		s->unseen += !follows;
	}
	free(births);
	free(clones);
	return ret;
}

/**
 * ms_survey_make() - go through a log
 * @s:		the result; all zero but for members that somebody told of
 * @log:	the log, at its beginning before and after
 *
 * Return: 0; -1 after a message.
 */
int ms_survey_make(struct ms_survey *s, struct ms_log *log)
{
	struct work w = { .s = s };
	struct ms_line l;
	int ret;

	if (ms_who_find_main(&s->who, log))
		return -1;
	while ((ret = ms_log_next(log, &l)) == 1) {
		pid_t born, tid;

		w.seq++;
		tid = ms_who_line(&s->who, &l, &born);
		if (born >= 0)
			add_birth(&w, born);
		s->known += l.kind != MS_LINE_OTHER && l.kind != MS_LINE_OPEN &&
			    l.kind != MS_LINE_NOTE;
		ms_log_clock_line(&s->clock, &l);
		ms_log_progress(log, 0, 2);
		if (l.kind != MS_LINE_OTHER && l.kind != MS_LINE_NOTE &&
		    l.kind != MS_LINE_OPEN && l.kind != MS_LINE_DETACHED &&
		    (w.nr_births || l.kind == MS_LINE_ATTACHED))
			look_at_line(&w, &l, tid);
	}
	s->lines = ms_log_last_line(log);
	settle(s);
	if (!ret)
		ret = find_children(&w);
	free(w.pending.list);
	free(w.forking.list);
	free(w.living.list);
	free(w.births);
	free(w.waited);
	ms_who_reset(&s->who);
	return ret < 0 || ms_log_rewind(log) ? -1 : 0;
}

void ms_survey_free(struct ms_survey *s)
{
	for (size_t i = 0; i < s->nr_calls; i++)
		free(s->calls[i].text);
	free(s->calls);
	free(s->outcomes);
	free(s->members);
	ms_who_free(&s->who);
}
