// SPDX-License-Identifier: MIT
/*
 * In which order the files of a log are read that have no times.
 *
 * Model
 *
 *   What processes by fork do to their memory is nobody else's, so any order will do in which
 *   a process begins when it is made. Its file is read to the end then, before the one that
 *   made it goes on. A peak is each process's own and the same in any order; that of the sum is
 *   one of those that are possible. Threads share their memory, and for them no such order
 *   is right: these files are refused.
 */
#include <stdlib.h>
#include <string.h>

#include "order.h"

void ms_order_init(struct ms_order *o, int nr)
{
	o->files = calloc((size_t)nr, sizeof(*o->files));
	o->stack = calloc((size_t)nr, sizeof(*o->stack));
	if (!o->files || !o->stack)
		abort();
	o->nr = nr;
}

void ms_order_free(struct ms_order *o)
{
	free(o->files);
	free(o->stack);
}

/**
 * ms_order_rewind() - begin again
 * @o: the order
 */
void ms_order_rewind(struct ms_order *o)
{
	for (int i = 0; i < o->nr; i++)
		o->files[i].begun = false;
	o->depth = 0;
}

/* Return: the file of who is made by a call; -1: it makes nobody, or without a file. */
static int made_by(const struct ms_order *o, const struct ms_line *l)
{
	if (l->kind != MS_LINE_CALL && l->kind != MS_LINE_RESUMED)
		return -1;
	if (!ms_line_makes_child(l) || !l->result || l->failed)
		return -1;
	for (int i = 0; i < o->nr; i++)
		if (o->files[i].id == (pid_t)l->value || (l->outer && o->files[i].id == l->outer))
			return i;
	return -1;
}

static bool says(const struct ms_line *l, const char *word)
{
	return l->args_len && memmem(l->args, l->args_len, word, strlen(word));
}

/**
 * ms_order_look() - have a look at a line before the first is used
 * @o: the order
 * @l: the line
 *
 * Return: false: it makes a thread, or what is like one.
 */
bool ms_order_look(struct ms_order *o, const struct ms_line *l)
{
	int i = made_by(o, l);

	if (i < 0)
		return true;
	o->files[i].made = true;
	if (ms_line_is(l, "fork") || ms_line_is(l, "vfork"))
		return true;
	return says(l, "CLONE_VFORK") || (says(l, "flags=") && !says(l, "CLONE_VM"));
}

static void push(struct ms_order *o, int i)
{
	o->files[i].begun = true;
	o->stack[o->depth++] = i;
}

/**
 * ms_order_follow() - a line is used: whom it has made comes next
 * @o: the order
 * @l: the line
 */
void ms_order_follow(struct ms_order *o, const struct ms_line *l)
{
	int i = made_by(o, l);

	if (i >= 0 && !o->files[i].begun)
		push(o, i);
}

/**
 * ms_order_next() - which file has the next line?
 * @o: the order
 *
 * Return: its index; -1: all are through.
 */
int ms_order_next(struct ms_order *o)
{
	int first = -1;

	if (o->depth)
		return o->stack[o->depth - 1];
	/* Whom nobody has made, by their ids; then who is left, which have made each other. */
	for (int made = 0; made < 2 && first < 0; made++)
		for (int i = 0; i < o->nr; i++)
			if (!o->files[i].begun && (made || !o->files[i].made) &&
			    (first < 0 || o->files[i].id < o->files[first].id))
				first = i;
	if (first >= 0)
		push(o, first);
	return first;
}

/**
 * ms_order_through() - the file that is next has no more lines
 * @o: the order
 */
void ms_order_through(struct ms_order *o)
{
	if (o->depth)
		o->depth--;
}
