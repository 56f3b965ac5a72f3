// SPDX-License-Identifier: MIT
/*
 * A log as a whole.
 *
 * Model
 *
 *   A call in two parts acts where it begins, and how it ends stands further down; a
 *   child's lines tell whether the log follows it. So the log is gone through once to
 *   find out (ms_survey_make), and a second time to act.
 */
#include <stdlib.h>
#include <string.h>

#include "grown.h"
#include "children.h"
#include "pending.h"
#include "survey.h"

/**
 * struct work - what is known on the way
 * @s:		the result
 * @pending:	outcomes of calls that have begun, by thread
 * @forking:	calls that have begun and make children, by thread
 * @living:	births, by thread
 * @born:	all of them, in order, and what tells whose they are
 * @begun:	there was a line that is not strace's own
 * @attached:	before that it was attached to somebody
 * @seq:	where we are
 */
struct work {
	struct ms_survey *s;
	struct ms_pendings pending;
	struct ms_pendings forking;
	struct ms_pendings living;
	struct ms_born born;
	bool begun;
	bool attached;
	uint64_t seq;
};

static void add_call(struct work *w, const struct ms_line *l, pid_t tid)
{
	struct ms_survey *s = w->s;
	struct ms_call *c;

	s->calls = ms_grown(s->calls, s->nr_calls, sizeof(*s->calls));
	c = &s->calls[s->nr_calls++];
	ms_call_init(c, l);
	c->tid = tid;
	c->seq = w->seq;
}

static void add_outcome(struct work *w, uint8_t id, pid_t tid)
{
	struct ms_survey *s = w->s;

	s->outcomes = ms_grown(s->outcomes, s->nr_outcomes, sizeof(*s->outcomes));
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
	w->born.waited = ms_grown(w->born.waited, w->born.nr_waited, sizeof(*w->born.waited));
	w->born.waited[w->born.nr_waited++] = id;
}

static void add_group(struct work *w, pid_t leader, uint32_t threads)
{
	struct ms_born *b = &w->born;

	b->groups = ms_grown(b->groups, b->nr_groups, sizeof(*b->groups));
	b->groups[b->nr_groups++] = (struct ms_group) { leader, threads };
}

static void add_birth(struct work *w, pid_t id)
{
	w->born.births = ms_grown(w->born.births, w->born.nr_births, sizeof(*w->born.births));
	ms_pending_set(&w->living, id, w->born.nr_births);
	/* Nobody has made the first one. */
	w->born.births[w->born.nr_births] = (struct ms_birth) {
		.id = id,
		.seq = w->seq,
		.end = ~0ull,
		.taken = !w->born.nr_births,
	};
	w->born.nr_births++;
}

static void add_end(struct work *w, pid_t id)
{
	size_t i;

	if (ms_pending_take(&w->living, id, &i))
		w->born.births[i].end = w->seq;
}

/* A call in two parts ends. */
static void end_line(struct work *w, const struct ms_line *l, pid_t tid)
{
	struct ms_survey *s = w->s;
	size_t i;

	if (ms_line_makes_child(l) && ms_pending_take(&w->forking, tid, &i))
		ms_call_resume(&s->calls[i], l);
	if (!ms_line_wants(l) || !ms_pending_take(&w->pending, tid, &i) ||
	    s->outcomes[i].id != ms_line_wants(l))
		return;
	s->outcomes[i].result = l->result;
	s->outcomes[i].failed = l->failed;
	s->outcomes[i].error = l->error;
	s->outcomes[i].value = l->value;
	/* Its options stand where it began, and do not matter for a guess. */
	if (ms_line_waits(l) && l->result && !l->failed)
		add_waited(w, (pid_t)l->value);
}

/* A thread's first line: restart_syscall(<... resuming interrupted futex ...>) */
static bool is_interrupted(const struct work *w, const struct ms_line *l)
{
	return ms_line_is(l, "restart_syscall") &&
	       w->born.births[w->born.nr_births - 1].seq == w->seq;
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
		if (ms_call_made_child(l))
			add_call(w, l, tid);
		id = ms_wait_ended(l);
		if (id)
			add_waited(w, id);
		s->middle |= is_interrupted(w, l);
		break;
	case MS_LINE_UNFINISHED:
		s->parts = true;
		s->middle |= is_interrupted(w, l);
		ms_pending_take(&w->pending, tid, &i);
		ms_pending_take(&w->forking, tid, &i);
		if (ms_line_makes_child(l)) {
			ms_pending_set(&w->forking, tid, s->nr_calls);
			add_call(w, l, tid);
		} else if (ms_line_wants(l)) {
			add_outcome(w, ms_line_wants(l), tid);
		}
		break;
	case MS_LINE_RESUMED:
		s->middle |= w->born.births[w->born.nr_births - 1].seq == w->seq &&
			     w->born.nr_births == 1;
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
		if (w->begun)
			break;
		w->attached = true;
		w->born.births[w->born.nr_births - 1].taken = true;
		if (l->threads > 1)
			add_group(w, l->other, l->threads - 1);
		else
			s->attached++;
		break;
	default:
		break;
	}
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
		pid_t born[2], tid;

		w.seq++;
		tid = ms_who_line(&s->who, &l, born);
		/* The line's own first, who may be the first of all. */
		for (int i = 1; i >= 0; i--)
			if (born[i] >= 0)
				add_birth(&w, born[i]);
		s->known += l.kind != MS_LINE_OTHER && l.kind != MS_LINE_OPEN &&
			    l.kind != MS_LINE_NOTE;
		ms_log_clock_line(&s->clock, &l);
		ms_log_progress(log, 0, 2);
		if (l.kind != MS_LINE_OTHER && l.kind != MS_LINE_NOTE &&
		    l.kind != MS_LINE_OPEN && l.kind != MS_LINE_DETACHED &&
		    w.born.nr_births)
			look_at_line(&w, &l, tid);
	}
	s->lines = ms_log_last_line(log);
	settle(s);
	if (!ret)
		ret = ms_children_find(s, &w.born);
	free(w.pending.list);
	free(w.forking.list);
	free(w.living.list);
	free(w.born.births);
	free(w.born.groups);
	free(w.born.waited);
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
