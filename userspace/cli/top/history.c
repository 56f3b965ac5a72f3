// SPDX-License-Identifier: MIT
/*
 * Earlier readings of each row, and bars of them.
 *
 * What is kept is of the books, not of a number: when a process ends and another one gets
 * its number, or a program is replaced by exec, a new history begins. It is bounded: so
 * many readings of each row that there is now, and nothing of a row that is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

/**
 * struct top_past - readings of a row
 * @books:	the row's, as it is in struct top_row
 * @id:		likewise
 * @task:	likewise
 * @kept:	it is in the newer of two lists
 * @nr:		how many readings
 * @next:	where the next one goes; the oldest, if there are TOP_READINGS
 * @ready:	bytes, or TOP_UNKNOWN
 * @charged:	likewise
 */
struct top_past {
	uint64_t books;
	uint64_t id;
	bool task;
	bool kept;
	unsigned int nr;
	unsigned int next;
	uint64_t ready[TOP_READINGS];
	uint64_t charged[TOP_READINGS];
};

static int by_books(const void *a, const void *b)
{
	const struct top_past *x = *(struct top_past *const *)a;
	const struct top_past *y = *(struct top_past *const *)b;

	if (x->books != y->books)
		return x->books < y->books ? -1 : 1;
	if (x->task != y->task)
		return x->task ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static struct top_past *find(const struct top_history *h, const struct top_row *row)
{
	struct top_past key = { .books = row->books, .id = row->id, .task = row->task };
	const struct top_past *p = &key;
	struct top_past **found = NULL;

	if (h->nr)
		found = bsearch(&p, h->pasts, h->nr, sizeof(*h->pasts), by_books);
	return found ? *found : NULL;
}

static struct top_past *begin(const struct top_row *row)
{
	struct top_past *past = calloc(1, sizeof(*past));

	if (past) {
		past->books = row->books;
		past->id = row->id;
		past->task = row->task;
	}
	return past;
}

/* Those that are not in the newer list are of rows that are gone. */
static void drop_old(struct top_history *h)
{
	for (size_t i = 0; i < h->nr; i++)
		if (!h->pasts[i]->kept)
			free(h->pasts[i]);
	free(h->pasts);
}

/**
 * ms_top_history_add() - take a reading up
 * @h:		all zero, or what earlier readings have left
 * @data:	the reading; its rows are given their histories
 *
 * Return: 0; -ENOMEM: @h is as it was.
 */
int ms_top_history_add(struct top_history *h, struct top_data *data)
{
	struct top_past **pasts = calloc(data->nr + 1, sizeof(struct top_past *));
	size_t nr;

	for (nr = 0; pasts && nr < data->nr; nr++) {
		struct top_past *past = find(h, &data->rows[nr]);

		if (!past)
			past = begin(&data->rows[nr]);
		if (!past)
			break;
		past->kept = true;
		pasts[nr] = past;
	}
	if (!pasts || nr < data->nr) {
		while (pasts && nr--)
			if (!find(h, &data->rows[nr]))
				free(pasts[nr]);
		for (size_t i = 0; i < h->nr; i++)
			h->pasts[i]->kept = false;
		free(pasts);
		return -ENOMEM;
	}
	drop_old(h);
	for (size_t i = 0; i < nr; i++) {
		struct top_past *past = pasts[i];

		past->kept = false;
		past->ready[past->next] = data->rows[i].ready;
		past->charged[past->next] = data->rows[i].charged;
		past->next = (past->next + 1) % TOP_READINGS;
		past->nr += past->nr < TOP_READINGS;
		data->rows[i].past = past;
	}
	if (nr)
		qsort(pasts, nr, sizeof(*pasts), by_books);
	h->pasts = pasts;
	h->nr = nr;
	return 0;
}

/**
 * ms_top_history_join() - give rows their histories, without a reading more
 * @h:		what readings have left
 * @data:	the rows
 */
void ms_top_history_join(const struct top_history *h, struct top_data *data)
{
	for (size_t i = 0; i < data->nr; i++)
		data->rows[i].past = find(h, &data->rows[i]);
}

/**
 * ms_top_history_free() - forget all
 * @h: all zero afterwards
 */
void ms_top_history_free(struct top_history *h)
{
	drop_old(h);
	memset(h, 0, sizeof(*h));
}

/* A reading, so many before the last one. */
static uint64_t reading(const struct top_view *view, const struct top_past *past,
			unsigned int ago)
{
	unsigned int at = (past->next + TOP_READINGS - 1 - ago) % TOP_READINGS;

	return view->charged ? past->charged[at] : past->ready[at];
}

/**
 * ms_top_history_scale() - what a full bar stands for
 * @view:	what the bars are of
 * @row:	the row
 *
 * Return: bytes: the row's limit, else the highest of the readings that are kept;
 * TOP_UNKNOWN: there is none.
 */
uint64_t ms_top_history_scale(const struct top_view *view, const struct top_row *row)
{
	uint64_t most = TOP_UNKNOWN;

	if (row->max != TOP_UNLIMITED && row->max != TOP_UNKNOWN)
		return row->max;
	for (unsigned int i = 0; row->past && i < row->past->nr; i++) {
		uint64_t value = reading(view, row->past, i);

		if (value != TOP_UNKNOWN && (most == TOP_UNKNOWN || value > most))
			most = value;
	}
	return most;
}

/* How high a bar is: what is not nothing can be seen. */
static int level(uint64_t value, uint64_t scale)
{
	int height;

	if (value == TOP_UNKNOWN || scale == TOP_UNKNOWN || !value)
		return 0;
	if (value >= scale)
		return TOP_BAR_LEVELS;
	height = (int)((double)value / (double)scale * TOP_BAR_LEVELS + 0.5);
	return height ? height : 1;
}

/**
 * ms_top_history_bars() - bars of a row's readings, the last one at the right
 * @view:	what they are of
 * @row:	the row
 * @width:	columns
 * @line:	where to put them: room for MB_LEN_ROOM bytes a column, and an end
 *
 * Return: the end.
 */
char *ms_top_history_bars(const struct top_view *view, const struct top_row *row, int width,
			  char *line)
{
	const struct top_glyphs *glyphs = ms_top_glyphs();
	uint64_t scale = ms_top_history_scale(view, row);

	while (width-- > 0) {
		bool there = row->past && (unsigned int)width < row->past->nr;
		uint64_t value = there ? reading(view, row->past, (unsigned int)width) : 0;
		const char *bar = glyphs->bars[level(value, scale)];

		line = stpcpy(line, bar);
	}
	*line = '\0';
	return line;
}
