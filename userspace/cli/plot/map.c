// SPDX-License-Identifier: MIT
/*
 * The address space of a process over time, coloured by state.
 *
 * Model
 *
 *   The ledger is taken at as many moments as there are columns: from the ledgers that
 *   were recorded, or from every transition since the books began. Addresses that no
 *   ledger has are left out, and what lies between two boundaries of ranges (a *piece*)
 *   is as high as the cube root of its size: 64 GiB that are Reserved and 64 KiB that
 *   are Ready can both be seen. A cell of the picture has the state that most of it has;
 *   so the picture's size does not depend on how many ranges there are.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "plot.h"
#include "rangemap.h"

#define LEFT		126
#define RIGHT		82
#define BOTTOM		52
#define COLUMNS_MAX	240
#define RANGES_MAX	(4u << 20)	/* of all columns */
#define LABEL_HEIGHT	14
#define GAP_PIXELS	7

enum cell { EMPTY, RESERVED, RESERVED_LAZY, PREPARED, PREPARED_LAZY, READY, NR_CELLS };

static const struct {
	const char *name;
	unsigned int colour;
} cells[NR_CELLS] = {
	{ "not mapped", 0 },
	{ "Reserved", MS_COLOUR_RESERVED },
	{ "Reserved (lazy)", MS_COLOUR_RESERVED_LAZY },
	{ "Prepared", MS_COLOUR_PREPARED },
	{ "Prepared (lazy)", MS_COLOUR_PREPARED_LAZY },
	{ "Ready", MS_COLOUR_READY },
};

/**
 * struct column - a ledger that is shown from a moment on
 * @t:		seconds
 * @ranges:	in order of addresses
 * @nr:		how many
 */
struct column {
	double t;
	struct memstate_range *ranges;
	uint32_t nr;
};

/**
 * struct region - addresses without a gap
 * @start:	first byte
 * @end:	one past the last
 * @bottom:	first row, from the bottom
 * @top:	one past the last
 */
struct region {
	uint64_t start;
	uint64_t end;
	double bottom;
	double top;
};

/**
 * struct map - what is drawn
 * @pid:	whose
 * @columns:	in order of time
 * @nr_columns:	how many
 * @end:	when the last one ends, seconds
 * @whole:	made from every transition
 * @bounds:	boundaries of ranges, in order
 * @nr_bounds:	how many
 * @rows_at:	of each boundary: where it is, rows from the bottom
 * @regions:	in order of addresses
 * @nr_regions:	how many
 * @rows:	of the picture
 * @cells:	enum cell by column and row
 */
struct map {
	pid_t pid;
	struct column *columns;
	uint32_t nr_columns;
	double end;
	bool whole;
	uint64_t *bounds;
	size_t nr_bounds;
	double *rows_at;
	struct region *regions;
	size_t nr_regions;
	int rows;
	unsigned char *cells;
};

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

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

static pid_t find_pid(const struct ms_recording *r, const struct ms_picture *want)
{
	pid_t best = 0, last = 0;
	size_t most = 0, nr;

	if (want->pid)
		return has_pid(r, want->pid) ? want->pid : 0;
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

static void add_column(struct map *m, double t, const struct memstate_range *ranges, uint32_t nr)
{
	struct column *c = &m->columns[m->nr_columns++];

	*c = (struct column) { .t = t, .nr = nr };
	c->ranges = must(malloc((nr + 1) * sizeof(*ranges)));
	if (nr)
		memcpy(c->ranges, ranges, nr * sizeof(*ranges));
}

static void add_map(struct map *m, double t, const struct ms_rangemap *books)
{
	struct column *c;

	add_column(m, t, NULL, 0);
	c = &m->columns[m->nr_columns - 1];
	free(c->ranges);
	c->ranges = must(malloc((books->nr + 1) * sizeof(*c->ranges)));
	for (c->nr = 0; c->nr < books->nr; c->nr++)
		ms_rangemap_range(&books->ranges[c->nr], &c->ranges[c->nr]);
}

/* Of more ledgers than columns, some. */
static void columns_from_ledgers(struct map *m, const struct ms_recording *r)
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
	m->columns = must(calloc((nr < max ? nr : max) + 1, sizeof(*m->columns)));
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
static const struct ms_ledger *first_ledger(const struct map *m, const struct ms_recording *r,
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

static void columns_from_steps(struct map *m, const struct ms_recording *r,
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
	m->columns = must(calloc(nr + 1, sizeof(*m->columns)));
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

static void take_columns(struct map *m, const struct ms_recording *r)
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

/* ---- addresses ------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_start(const void *a, const void *b)
{
	const struct region *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Boundaries of all ranges, each once; and what is covered by them, without gaps. */
static void find_bounds(struct map *m)
{
	size_t all = 0, nr = 0;

	for (uint32_t c = 0; c < m->nr_columns; c++)
		all += m->columns[c].nr;
	m->bounds = must(malloc((2 * all + 1) * sizeof(*m->bounds)));
	m->regions = must(malloc((all + 1) * sizeof(*m->regions)));
	for (uint32_t c = 0; c < m->nr_columns; c++) {
		for (uint32_t i = 0; i < m->columns[c].nr; i++) {
			const struct memstate_range *r = &m->columns[c].ranges[i];

			m->bounds[m->nr_bounds++] = r->start;
			m->bounds[m->nr_bounds++] = r->end;
			m->regions[nr++] = (struct region) { .start = r->start, .end = r->end };
		}
	}
	qsort(m->bounds, m->nr_bounds, sizeof(*m->bounds), by_value);
	qsort(m->regions, nr, sizeof(*m->regions), by_start);
	all = m->nr_bounds;
	m->nr_bounds = 0;
	for (size_t i = 0; i < all; i++)
		if (!i || m->bounds[i] != m->bounds[m->nr_bounds - 1])
			m->bounds[m->nr_bounds++] = m->bounds[i];
	for (size_t i = 0; i < nr; i++) {
		struct region *last = m->nr_regions ? &m->regions[m->nr_regions - 1] : NULL;

		if (last && m->regions[i].start <= last->end) {
			if (m->regions[i].end > last->end)
				last->end = m->regions[i].end;
		} else {
			m->regions[m->nr_regions++] = m->regions[i];
		}
	}
}

/* How high everything is: @rows_at, and the regions'. */
static void lay_out(struct map *m)
{
	double sum = 0, at = 0, scale, gap = GAP_PIXELS;
	size_t region = 0;

	m->rows_at = must(calloc(m->nr_bounds + 1, sizeof(*m->rows_at)));
	for (size_t i = 0; i + 1 < m->nr_bounds; i++) {
		while (m->regions[region].end <= m->bounds[i])
			region++;
		if (m->regions[region].start <= m->bounds[i])
			sum += cbrt((double)(m->bounds[i + 1] - m->bounds[i]));
	}
	/* Gaps take a quarter at the most. */
	if (gap * (double)(m->nr_regions - 1) > m->rows / 4.0)
		gap = m->rows / 4.0 / (double)(m->nr_regions - 1);
	scale = (m->rows - gap * (double)(m->nr_regions - 1)) / sum;
	region = 0;
	for (size_t i = 0; i < m->nr_bounds; i++) {
		struct region *in = &m->regions[region];

		m->rows_at[i] = at;
		if (m->bounds[i] == in->start)
			in->bottom = at;
		if (m->bounds[i] == in->end) {
			in->top = at;
			at += gap;
			region++;
		} else {
			at += cbrt((double)(m->bounds[i + 1] - m->bounds[i])) * scale;
		}
	}
}

/* ---- cells ------------------------------------------------------------------------------- */

static enum cell cell_of(const struct memstate_range *r)
{
	bool lazy = r->flags & MEMSTATE_RANGE_LAZY;

	switch (r->state) {
	case MEMSTATE_RESERVED:
		return lazy ? RESERVED_LAZY : RESERVED;
	case MEMSTATE_PREPARED:
		return lazy ? PREPARED_LAZY : PREPARED;
	default:
		return READY;
	}
}

static double row_of(const struct map *m, uint64_t addr)
{
	const uint64_t *at = bsearch(&addr, m->bounds, m->nr_bounds, sizeof(addr), by_value);

	return m->rows_at[at - m->bounds];
}

static void fill_column(struct map *m, uint32_t c, double (*weights)[NR_CELLS])
{
	memset(weights, 0, (size_t)m->rows * sizeof(*weights));
	for (uint32_t i = 0; i < m->columns[c].nr; i++) {
		const struct memstate_range *r = &m->columns[c].ranges[i];
		double from = row_of(m, r->start), to = row_of(m, r->end);

		for (int row = (int)from; row < m->rows && row < to; row++) {
			double low = from > row ? from : row, high = to < row + 1 ? to : row + 1;

			weights[row][cell_of(r)] += high - low;
		}
	}
	for (int row = 0; row < m->rows; row++) {
		int best = EMPTY;
		double used = 0;

		for (int k = RESERVED; k < NR_CELLS; k++) {
			used += weights[row][k];
			if (weights[row][k] > (best ? weights[row][best] : 0))
				best = k;
		}
		/* Mostly nothing. */
		m->cells[(size_t)c * (size_t)m->rows + (size_t)row] =
			(unsigned char)(used < 0.5 ? EMPTY : best);
	}
}

static void fill_cells(struct map *m)
{
	double (*weights)[NR_CELLS] = must(malloc((size_t)m->rows * sizeof(*weights)));

	m->cells = must(calloc((size_t)m->nr_columns + 1, (size_t)m->rows));
	for (uint32_t c = 0; c < m->nr_columns; c++)
		fill_column(m, c, weights);
	free(weights);
}

static unsigned char cell_at(const struct map *m, uint32_t c, int row)
{
	return m->cells[(size_t)c * (size_t)m->rows + (size_t)row];
}

/* ---- drawing ------------------------------------------------------------------------------- */

/* Columns from @c on that have the same cell in a row, all of one kind. */
static uint32_t run_end(const struct map *m, uint32_t c, int row)
{
	uint32_t end = c + 1;

	while (end < m->nr_columns && cell_at(m, end, row) == cell_at(m, c, row))
		end++;
	return end;
}

static bool same_run(const struct map *m, uint32_t c, uint32_t end, int row, int kind)
{
	if (row >= m->rows || (c && cell_at(m, c - 1, row) == kind) ||
	    cell_at(m, c, row) != kind)
		return false;
	return run_end(m, c, row) == end;
}

/* A block of data for each kind of cell: rectangles, as large as they get. */
static void put_cells(FILE *out, const struct map *m, double unit, bool *drawn)
{
	bool *done = must(calloc((size_t)m->nr_columns + 1, (size_t)m->rows));

	for (int kind = RESERVED; kind < NR_CELLS; kind++) {
		fprintf(out, "$cells%d << EOD\n", kind);
		for (int row = 0; row < m->rows; row++) {
			for (uint32_t c = 0, end; c < m->nr_columns; c = end) {
				double from = m->columns[c].t, to;
				int top = row + 1;

				end = run_end(m, c, row);
				if (cell_at(m, c, row) != kind ||
				    done[(size_t)c * (size_t)m->rows + (size_t)row])
					continue;
				while (same_run(m, c, end, top, kind))
					top++;
				for (int i = row; i < top; i++)
					done[(size_t)c * (size_t)m->rows + (size_t)i] = true;
				to = end < m->nr_columns ? m->columns[end].t : m->end;
				fprintf(out, "%.6g %.6g %d %d\n", from / unit, to / unit, row, top);
				drawn[kind] = true;
			}
		}
		/* gnuplot takes no empty block. */
		fputs("NaN NaN NaN NaN\nEOD\n", out);
	}
	free(done);
}

static int by_height(const void *a, const void *b)
{
	const struct region *x = *(const struct region *const *)a;
	const struct region *y = *(const struct region *const *)b;
	double d = (y->top - y->bottom) - (x->top - x->bottom);

	return (d > 0) - (d < 0);
}

/* Is there room for a label there? Then it is taken. */
static bool take_room(char *taken, double at)
{
	int row = (int)at;

	for (int k = 0; k < LABEL_HEIGHT; k++)
		if (taken[row + k])
			return false;
	memset(taken + row, 1, LABEL_HEIGHT);
	return true;
}

/*
 * The regions' first addresses at the left, where they begin, and their sizes at the
 * right; the highest first, as long as there is room.
 */
static void label_regions(struct ms_script *s, const struct map *m, const struct ms_panel *p)
{
	const struct region **order = must(malloc((m->nr_regions + 1) * sizeof(*order)));
	size_t room = (size_t)m->rows + (size_t)2 * LABEL_HEIGHT;
	char *left = must(calloc(1, room)), *right = must(calloc(1, room)), text[32];

	for (size_t i = 0; i < m->nr_regions; i++)
		order[i] = &m->regions[i];
	qsort(order, m->nr_regions, sizeof(*order), by_height);
	for (size_t i = 0; i < m->nr_regions; i++) {
		const struct region *r = order[i];
		double middle = (r->bottom + r->top) / 2;
		double low = middle < r->bottom + LABEL_HEIGHT / 2.0 ?
			     middle : r->bottom + LABEL_HEIGHT / 2.0;

		snprintf(text, sizeof(text), "%012llx", (unsigned long long)r->start);
		if (take_room(left, low))
			ms_script_text(s, p->left - 8, p->bottom - low, "right", s->theme->text,
				       11, text);
		if (take_room(right, middle))
			ms_script_text(s, p->right + 8, p->bottom - middle, "left",
				       s->theme->text, 11, ms_size(r->end - r->start));
	}
	free(left);
	free(right);
	free(order);
}

static void frame_regions(struct ms_script *s, const struct map *m, double first, double last)
{
	/* Where there are more, frames would be all that one sees. */
	for (size_t i = 0; i < m->nr_regions && m->nr_regions <= 40; i++)
		fprintf(s->out, "set object %d rect from %.9g,%.2f to %.9g,%.2f front "
			"fs empty border lc rgb '#%06x' lw 0.7\n", ++s->objects, first,
			m->regions[i].bottom, last, m->regions[i].top, s->theme->border);
}

static uint64_t covered(const struct map *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->nr_regions; i++)
		sum += m->regions[i].end - m->regions[i].start;
	return sum;
}

static void draw(struct ms_script *s, struct map *m, const struct ms_recording *r,
		 const struct ms_picture *want)
{
	struct ms_panel panel = { .left = LEFT, .right = s->width - RIGHT,
				  .bottom = s->height - BOTTOM };
	uint32_t most = 0;
	double first = m->columns[0].t, unit;
	bool drawn[NR_CELLS] = {};
	char title[256], subtitle[320], moment[64];
	const char *label;
	int n;

	/* A moment has no width of its own; the last one is as wide as the others. */
	if (m->nr_columns == 1)
		m->end = first + 1;
	else if (m->end <= m->columns[m->nr_columns - 1].t)
		m->end = m->columns[m->nr_columns - 1].t * (1 + 1.0 / (m->nr_columns - 1)) -
			 first / (m->nr_columns - 1);
	unit = ms_time_scale(r, m->end - first, &label);
	/* The legend's height is needed first, and with it what there is. */
	panel.top = 92;
	m->rows = panel.bottom - panel.top;
	lay_out(m);
	fill_cells(m);
	put_cells(s->out, m, unit, drawn);

	for (uint32_t c = 0; c < m->nr_columns; c++)
		if (m->columns[c].nr > most)
			most = m->columns[c].nr;
	snprintf(title, sizeof(title), "%s: address space of process %d",
		 r->name ? r->name : "?", m->pid);
	n = snprintf(subtitle, sizeof(subtitle),
		     "%s%u ranges, %zu regions of %s in all; a piece is as high as the cube root of its size, gaps are left out",
		     m->nr_columns > 1 ? "up to " : "", most, m->nr_regions,
		     ms_size(covered(m)));
	if (r->lost)
		snprintf(subtitle + n, sizeof(subtitle) - (size_t)n, "; %llu transitions were lost",
			 (unsigned long long)r->lost);
	ms_script_begin(s, want->title ? want->title : title, subtitle);
	for (int k = NR_CELLS - 1; k > EMPTY; k--)
		if (drawn[k])
			ms_script_legend(s, MS_SWATCH_AREA, cells[k].colour, cells[k].name);
	ms_script_panel(s, &panel);
	label_regions(s, m, &panel);
	frame_regions(s, m, first / unit, m->end / unit);
	fprintf(s->out, "set xrange [%.9g:%.9g]\nset yrange [0:%d]\nunset ytics\nunset grid\nset border 1\n",
		first / unit, m->end / unit, m->rows);
	if (m->nr_columns == 1) {
		snprintf(moment, sizeof(moment), r->calls ? "After line %.0f of the log" :
							    "%.3g s after the start", first);
		ms_script_time(s, &panel, moment);
		fputs("unset xtics\n", s->out);
	} else {
		ms_script_time(s, &panel, label);
	}
	ms_script_axis(s, &panel, "Address");
	fputs("plot ", s->out);
	for (int k = RESERVED; k < NR_CELLS; k++)
		fprintf(s->out, "%s$cells%d using 1:3:1:2:3:4 with boxxyerror fs solid 1 border lw 0.5 lc rgb '#%06x'",
			k > RESERVED ? ", " : "", k, cells[k].colour);
	fputs("\nunset multiplot\n", s->out);
}

static void map_free(struct map *m)
{
	for (uint32_t c = 0; c < m->nr_columns; c++)
		free(m->columns[c].ranges);
	free(m->columns);
	free(m->bounds);
	free(m->rows_at);
	free(m->regions);
	free(m->cells);
}

/**
 * ms_plot_map() - the address space of a process
 * @s:		the script, its first members set
 * @r:		the recording
 * @want:	what is wanted
 *
 * Return: 0; 1 after a message: there is nothing to show.
 */
int ms_plot_map(struct ms_script *s, const struct ms_recording *r, const struct ms_picture *want)
{
	struct map m = { .pid = find_pid(r, want) };
	int status = 1;

	if (!m.pid && want->pid) {
		ms_err("the recording has neither ledgers nor transitions of process %d",
		       want->pid);
		return 1;
	}
	if (!m.pid) {
		ms_err("the recording has neither ledgers nor transitions: 'memstate record --ranges N' or --transitions adds them");
		return 1;
	}
	take_columns(&m, r);
	find_bounds(&m);
	if (!m.nr_columns)
		ms_err("process %d: transitions without a beginning, or of which some were lost, and no ledger",
		       m.pid);
	else if (!m.nr_regions)
		ms_err("process %d: its ledger was empty all the time", m.pid);
	else
		status = 0;
	if (!status)
		draw(s, &m, r, want);
	map_free(&m);
	return status;
}
