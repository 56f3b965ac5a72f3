// SPDX-License-Identifier: MIT
/*
 * Whose is a line?
 *
 * Model
 *
 *   strace on a terminal leaves the id out while it has one thread: such a line is of
 *   the only one that is left, or of the first one, whose id comes up as soon as there
 *   are two.
 */
#include <stdlib.h>

#include "who.h"

static bool has(const struct ms_who *who, pid_t tid, size_t *at)
{
	for (*at = who->nr; *at; --*at) {
		if (who->alive[*at - 1] == tid) {
			--*at;
			return true;
		}
	}
	return false;
}

static bool add(struct ms_who *who, pid_t tid)
{
	size_t at;

	if (has(who, tid, &at))
		return false;
	if (who->nr == who->room) {
		who->room = who->room ? 2 * who->room : 64;
		who->alive = reallocarray(who->alive, who->room, sizeof(*who->alive));
		if (!who->alive)
			abort();
	}
	who->alive[who->nr++] = tid;
	return true;
}

static void gone(struct ms_who *who, pid_t tid)
{
	size_t at;

	if (has(who, tid, &at))
		who->alive[at] = who->alive[--who->nr];
}

/**
 * ms_who_line() - a line comes
 * @who:	the threads
 * @l:		the line
 * @born:	threads that this is the first word of, the one that a message tells of and
 *		the line's own; else -1
 *
 * Return: whose it is, 0 if the log does not say.
 */
pid_t ms_who_line(struct ms_who *who, const struct ms_line *l, pid_t born[2])
{
	pid_t tid = l->pid;

	born[0] = -1;
	born[1] = -1;
	if (l->kind == MS_LINE_OTHER)
		return 0;
	if (l->kind == MS_LINE_DETACHED)
		gone(who, l->other);
	if (l->kind == MS_LINE_ATTACHED || l->kind == MS_LINE_OPEN ||
	    l->kind == MS_LINE_CALL || l->kind == MS_LINE_UNFINISHED ||
	    l->kind == MS_LINE_RESUMED)
		if (l->other && add(who, l->other))
			born[0] = l->other;
	if (!tid && (l->kind == MS_LINE_ATTACHED || l->kind == MS_LINE_DETACHED ||
		     l->kind == MS_LINE_NOTE))
		return 0;
	if (!tid)
		tid = who->nr == 1 && born[0] < 0 ? who->alive[0] : who->main_pid;
	/* A leader that had ended comes back as the thread that takes its place. */
	if (add(who, tid) && l->kind != MS_LINE_SUPERSEDED)
		born[1] = tid;
	if (l->kind == MS_LINE_EXIT)
		gone(who, tid);
	if (l->kind == MS_LINE_SUPERSEDED)
		gone(who, l->other);
	return tid;
}

/**
 * struct search - for the first thread
 * @children:	known ones
 * @unknown:	ids that came up while somebody made a child, whose id is not known yet
 * @forks:	so many do that
 * @unnamed:	there was a line without an id
 */
struct search {
	struct ms_who children;
	struct ms_who unknown;
	size_t forks;
	bool unnamed;
};

/* The first of those that are not known to be somebody's child. */
static pid_t first_unknown(struct search *s, size_t nr_children)
{
	size_t at;

	for (size_t i = 0; i < s->unknown.nr; i++)
		if (!has(&s->children, s->unknown.alive[i], &at) && !nr_children--)
			return s->unknown.alive[i];
	return 0;
}

static void search_line(struct search *s, struct ms_who *who, const struct ms_line *l)
{
	if (l->kind == MS_LINE_ATTACHED && !s->unnamed && !l->pid)
		who->main_pid = l->other;
	else if (l->other && l->kind != MS_LINE_CHILD)
		add(&s->children, l->other);
	if (ms_line_makes_child(l)) {
		s->forks += l->kind == MS_LINE_UNFINISHED;
		s->forks -= l->kind == MS_LINE_RESUMED && s->forks;
		if (l->result && !l->failed)
			add(&s->children, (pid_t)l->value);
		if (l->outer)
			add(&s->children, l->outer);
	}
	if (l->kind == MS_LINE_OTHER || l->kind == MS_LINE_ATTACHED ||
	    l->kind == MS_LINE_DETACHED)
		return;
	if (!l->pid)
		s->unnamed = s->unnamed || l->kind != MS_LINE_NOTE;
	else if (!s->unnamed)
		who->main_pid = l->pid;
	else
		add(&s->unknown, l->pid);
	if (!who->main_pid && !s->forks)
		who->main_pid = first_unknown(s, 0);
}

/**
 * ms_who_find_main() - find out whose the lines without an id are
 * @who:	where to note it
 * @log:	the log, anywhere
 *
 * Return: 0; -1 after a message.
 */
int ms_who_find_main(struct ms_who *who, struct ms_log *log)
{
	struct search s = {};
	struct ms_line l;
	int ret = 0;

	while (!who->main_pid && (ret = ms_log_next(log, &l)) == 1)
		search_line(&s, who, &l);
	/* Who made a child of whom nobody has heard: as many of the unknown are children. */
	if (!who->main_pid)
		who->main_pid = first_unknown(&s, s.forks);
	ms_who_free(&s.children);
	ms_who_free(&s.unknown);
	return ret < 0 || ms_log_rewind(log) ? -1 : 0;
}

/* Begin again; what is known of the first thread stays. */
void ms_who_reset(struct ms_who *who)
{
	who->nr = 0;
}

void ms_who_free(struct ms_who *who)
{
	free(who->alive);
	who->alive = NULL;
	who->nr = 0;
	who->room = 0;
}
