// SPDX-License-Identifier: MIT
/*
 * Of a map: whose it is, and its ledger at as many moments as there are columns: from the
 * ledgers that were recorded, or from every transition since the books began.
 */
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "rangemap.h"

#define COLUMNS_MAX	240
#define RANGES_MAX	(4u << 20)	/* of all columns */

/* ---- whose ------------------------------------------------------------------------- */

static bool has_pid(const struct ms_recording *r, pid_t pid)
{
	for (size_t i = 0; i < r->nr_ledgers; i++)
		if (r->ledgers[i].pid == pid)
			return true;
	for (size_t i = 0; i < r->nr_steps; i++)
		if (r->steps[i].pid == pid && r->steps[i].kind == MS_TRACE_TRANSITION)
			return true;
	return false;
}

/* Ranges and transitions that the recording has of a process. */
static size_t amount(const struct ms_recording *r, pid_t pid)
{
	size_t sum = 0;

	for (size_t i = 0; i < r->nr_ledgers; i++)
		if (r->ledgers[i].pid == pid)
			sum += r->ledgers[i].nr;
	for (size_t i = 0; i < r->nr_steps; i++)
		sum += r->steps[i].pid == pid;
	return sum;
}

/**
 * ms_map_pid() - whose map it is
 * @r:		the recording
 * @wanted:	who was asked for, 0: the recording's, or the one of which there is most
 *
 * Return: 0: the recording has nothing of it, or of anybody.
 */
pid_t ms_map_pid(const struct ms_recording *r, pid_t wanted)
{
	pid_t best = 0, last = 0;
	size_t most = 0, nr;

	if (wanted)
		return has_pid(r, wanted) ? wanted : 0;
	if (r->pid && has_pid(r, r->pid))
		return r->pid;
	for (size_t i = 0; i < r->nr_ledgers + r->nr_steps; i++) {
		pid_t pid = i < r->nr_ledgers ? r->ledgers[i].pid :
						r->steps[i - r->nr_ledgers].pid;

		if (pid == last)
			continue;
		last = pid;
		nr = amount(r, pid);
		if (nr > most) {
			most = nr;
			best = pid;
		}
	}
	return best;
}

/* ---- ledgers at moments --------------------------------------------------------------- */

static void add_column(struct ms_map *m, double t, const struct memstate_range *ranges, uint32_t nr)
{
	struct ms_map_column *c = &m->columns[m->nr_columns++];

	*c = (struct ms_map_column) { .t = t, .nr = nr };
	c->ranges = ms_must(malloc((nr + 1) * sizeof(*ranges)));
	if (nr)
		memcpy(c->ranges, ranges, nr * sizeof(*ranges));
}

static void add_map(struct ms_map *m, double t, const struct ms_rangemap *books)
{
	struct ms_map_column *c;

	add_column(m, t, NULL, 0);
	c = &m->columns[m->nr_columns - 1];
	free(c->ranges);
	c->ranges = ms_must(malloc((books->nr + 1) * sizeof(*c->ranges)));
	for (c->nr = 0; c->nr < books->nr; c->nr++)
		ms_rangemap_range(&books->ranges[c->nr], &c->ranges[c->nr]);
}

/* Of more ledgers than columns, some. */
static void columns_from_ledgers(struct ms_map *m, const struct ms_recording *r)
{
	size_t nr = 0, seen = 0, largest = 1, max;

	for (size_t i = 0; i < r->nr_ledgers; i++) {
		if (r->ledgers[i].pid != m->pid)
			continue;
		nr++;
		if (r->ledgers[i].nr > largest)
			largest = r->ledgers[i].nr;
	}
	max = RANGES_MAX / largest;
	if (max > COLUMNS_MAX)
		max = COLUMNS_MAX;
	m->columns = ms_must(calloc((nr < max ? nr : max) + 1, sizeof(*m->columns)));
	for (size_t i = 0; i < r->nr_ledgers; i++) {
		const struct ms_ledger *l = &r->ledgers[i];

		if (l->pid != m->pid)
			continue;
		/* As many as fit, evenly. */
		if (nr <= max || seen * max / nr != (seen + 1) * max / nr)
			add_column(m, l->t, l->ranges, l->nr);
		seen++;
	}
}

/* Do the transitions begin with the books, or with a ledger to begin from? */
static const struct ms_ledger *first_ledger(const struct ms_map *m, const struct ms_recording *r,
					    bool *from_birth)
{
	*from_birth = false;
	for (size_t i = 0; i < r->nr_steps; i++) {
		if (r->steps[i].pid == m->pid) {
			*from_birth = r->steps[i].kind == MS_TRACE_OPEN;
			break;
		}
	}
	for (size_t i = 0; i < r->nr_ledgers; i++)
		if (r->ledgers[i].pid == m->pid)
			return &r->ledgers[i];
	return NULL;
}

static void columns_from_steps(struct ms_map *m, const struct ms_recording *r,
			       const struct ms_ledger *base, bool from_birth)
{
	double first = base && !from_birth ? base->t : r->nr_samples ? r->samples[0].t : 0;
	size_t step = base && !from_birth ? base->at : 0, nr = COLUMNS_MAX;
	struct memstate_totals totals = {};
	struct ms_rangemap books;
	size_t room = RANGES_MAX;

	ms_rangemap_init(&books, UINT32_MAX);
	if (base && !from_birth)
		ms_steps_load(&books, &totals, base);
	if (m->end <= first)
		nr = 1;
	m->columns = ms_must(calloc(nr + 1, sizeof(*m->columns)));
	for (size_t c = 0; c < nr && books.nr < room; c++) {
		double begin = first + (m->end - first) * (double)c / (double)nr;
		double end = first + (m->end - first) * (double)(c + 1) / (double)nr;

		/* What a column ends with; the last one takes what there is. */
		for (; step < r->nr_steps && (r->steps[step].t <= end || c + 1 == nr); step++)
			/* Not the end itself: it leaves nothing to look at. */
			if (r->steps[step].pid == m->pid &&
			    !(r->steps[step].kind == MS_TRACE_CLOSE && c + 1 == nr))
				ms_steps_apply(&books, &totals, &r->steps[step]);
		add_map(m, begin, &books);
		room -= books.nr;
	}
	ms_rangemap_destroy(&books);
}

/**
 * ms_map_columns() - the ledgers that are shown, and when the last one ends
 * @m:	the map; @pid is set
 * @r:	the recording
 */
void ms_map_columns(struct ms_map *m, const struct ms_recording *r)
{
	const struct ms_ledger *base;
	bool from_birth;

	m->end = r->nr_samples ? r->samples[r->nr_samples - 1].t : r->end;
	base = first_ledger(m, r, &from_birth);
	m->whole = r->nr_steps && !r->lost && (base || from_birth);
	if (m->whole)
		columns_from_steps(m, r, base, from_birth);
	else
		columns_from_ledgers(m, r);
}
