// SPDX-License-Identifier: MIT
/*
 * Rows in order: a tree, in which each stands below its parent and those of one parent are
 * sorted, or flat, one list of tasks or of groups.
 *
 * Rows that are equal in what they are sorted by keep the order that they have without it:
 * tasks by number, then groups by name. What is not known comes last, whichever way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

/**
 * struct sort - how rows are compared
 * @view:	by what
 * @tree:	by parent first
 */
struct sort {
	const struct top_view *view;
	bool tree;
};

/* Tasks by number before groups by name. */
static int by_place(const struct top_row *x, const struct top_row *y)
{
	int names;

	if (x->task != y->task)
		return x->task ? -1 : 1;
	names = x->task ? 0 : strcmp(x->name, y->name);
	if (names)
		return names;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* The lowest first. */
static int by_number(const struct top_view *view, const struct top_row *x,
		     const struct top_row *y)
{
	uint64_t a = ms_top_value(view, x, view->sort);
	uint64_t b = ms_top_value(view, y, view->sort);

	return a < b ? -1 : a > b;
}

static bool is_unknown(const struct top_view *view, const struct top_row *row)
{
	return view->sort > TOP_NAME && ms_top_value(view, row, view->sort) == TOP_UNKNOWN;
}

static int by_column(const struct top_view *view, const struct top_row *x,
		     const struct top_row *y)
{
	bool falls = ms_top_column_falls(view->sort) != view->reverse;
	int ret;

	if (is_unknown(view, x) != is_unknown(view, y))
		return is_unknown(view, x) ? 1 : -1;
	switch (view->sort) {
	case TOP_PID:
		ret = by_place(x, y);
		break;
	case TOP_NAME:
		ret = strcmp(x->name, y->name);
		break;
	default:
		ret = by_number(view, x, y);
		break;
	}
	return falls ? -ret : ret;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(struct top_row *const *)a;
	const struct top_row *y = *(struct top_row *const *)b;
	const struct sort *sort = arg;
	int ret = 0;

	if (sort->tree && x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	ret = by_column(sort->view, x, y);
	return ret ? ret : by_place(x, y);
}

static void sort_rows(struct top_row **rows, size_t nr, const struct top_view *view,
		      bool tree)
{
	struct sort sort = { .view = view, .tree = tree };

	if (nr)
		qsort_r(rows, nr, sizeof(*rows), compare, &sort);
}

/* ---- the tree --------------------------------------------------------------------- */

/**
 * struct order - rows on their way to their places
 * @from:	by parent, sorted; NULL where one has its place
 * @parents:	of each of them, also when it has its place
 * @nr:		how many there are
 * @to:		in order
 * @done:	how many of them
 */
struct order {
	struct top_row **from;
	uint64_t *parents;
	size_t nr;
	struct top_row **to;
	size_t done;
};

/* The first row below a parent. */
static size_t first_below(const struct order *o, uint64_t parent)
{
	size_t low = 0, high = o->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->parents[middle] < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void place(struct order *o, size_t i, const struct top_row *up)
{
	struct top_row *row = o->from[i];

	if (!row)
		return;
	o->from[i] = NULL;
	row->up = up;
	row->depth = up ? up->depth + 1 : 0;
	row->context = false;
	o->to[o->done++] = row;
	if (row->task || !row->id)
		return;
	for (size_t k = first_below(o, row->id); k < o->nr && o->parents[k] == row->id; k++)
		place(o, k, row);
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The root; then what lost its parent while it was read; then any rest. */
static int place_all(struct order *o, const struct top_data *data)
{
	uint64_t *groups = calloc(data->nr + 1, sizeof(*groups));
	size_t nr = 0;

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < data->nr; i++)
		if (!data->rows[i].task)
			groups[nr++] = data->rows[i].id;
	if (nr)
		qsort(groups, nr, sizeof(*groups), by_id);
	for (size_t i = 0; i < o->nr && !o->parents[i]; i++)
		if (o->from[i] && !o->from[i]->task)
			place(o, i, NULL);
	for (size_t i = 0; i < o->nr; i++)
		if (o->from[i] && !(nr && bsearch(&o->parents[i], groups, nr, sizeof(*groups),
						  by_id)))
			place(o, i, NULL);
	for (size_t i = 0; i < o->nr; i++)
		place(o, i, NULL);
	free(groups);
	return 0;
}

static int make_tree(struct top_data *data, const struct top_view *view,
		     struct top_list *list)
{
	struct order o = {
		.from = calloc(data->nr + 1, sizeof(struct top_row *)),
		.parents = calloc(data->nr + 1, sizeof(uint64_t)),
		.nr = data->nr,
		.to = list->rows,
	};
	int ret = -ENOMEM;

	if (o.from && o.parents) {
		for (size_t i = 0; i < o.nr; i++)
			o.from[i] = &data->rows[i];
		sort_rows(o.from, o.nr, view, true);
		for (size_t i = 0; i < o.nr; i++)
			o.parents[i] = o.from[i]->parent;
		ret = place_all(&o, data);
		list->nr = o.done;
	}
	free(o.from);
	free(o.parents);
	return ret;
}

/* ---- what of it is shown ------------------------------------------------------------- */

/* Leave what is asked for with all below it, and what is above it for context. */
static bool filter(const struct top_filter *f, struct top_list *list)
{
	unsigned int depth = 0, above = 0;
	bool inside = false, found = false;
	size_t nr = 0;

	/* context: not asked for */
	for (size_t i = 0; i < list->nr; i++) {
		struct top_row *row = list->rows[i];

		if (inside && row->depth <= depth)
			inside = false;
		if (!inside && ms_top_filter_matches(f, row)) {
			inside = true;
			depth = row->depth;
			found = true;
		}
		row->context = !inside;
	}
	/* From behind: above the row before is what is less deep. */
	for (size_t i = list->nr; i-- > 0;) {
		struct top_row *row = list->rows[i];

		if (!row->context || row->depth < above)
			above = row->depth;
		else
			list->rows[i] = NULL;
	}
	for (size_t i = 0; i < list->nr; i++)
		if (list->rows[i])
			list->rows[nr++] = list->rows[i];
	list->nr = nr;
	return found;
}

/* Tasks only, or groups only; of a flat list nothing that is there for context. */
static void choose(const struct top_view *view, struct top_list *list)
{
	size_t nr = 0;

	for (size_t i = 0; i < list->nr; i++) {
		const struct top_row *row = list->rows[i];

		if (view->no_tasks && row->task)
			continue;
		if (view->flat && (row->context || row->task == view->no_tasks))
			continue;
		list->rows[nr++] = list->rows[i];
	}
	list->nr = nr;
}

/**
 * ms_top_arrange() - put what is shown in order
 * @data:	what was read; the places of its rows are set
 * @view:	what of it, and in which order; its filter is told what it found
 * @list:	all zero, or what an earlier call has left; valid until @data is read again
 *
 * Return: 0; -ENOMEM: nothing is in the list.
 */
int ms_top_arrange(struct top_data *data, struct top_view *view, struct top_list *list)
{
	int ret;

	list->nr = 0;
	if (data->nr > list->room) {
		struct top_row **rows = realloc(list->rows, data->nr * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->room = data->nr;
	}
	ret = make_tree(data, view, list);
	if (ret)
		return ret;
	if (*view->filter.text)
		ms_top_filter_found(&view->filter, filter(&view->filter, list), data->when);
	choose(view, list);
	if (view->flat)
		sort_rows(list->rows, list->nr, view, false);
	return 0;
}

/**
 * ms_top_list_free() - forget the order
 * @list: all zero afterwards
 */
void ms_top_list_free(struct top_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}
