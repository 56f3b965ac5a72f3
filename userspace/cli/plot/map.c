// SPDX-License-Identifier: MIT
/* The picture of a map: its cells in a frame, with addresses and sizes beside them. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "map.h"

#define LEFT		126
#define RIGHT		82
#define BOTTOM		52
#define LABEL_HEIGHT	14

static const struct {
	const char *name;
	unsigned int colour;
} cells[MS_NR_CELLS] = {
	{ "not mapped", 0 },
	{ "Reserved", MS_COLOUR_RESERVED },
	{ "Reserved (lazy)", MS_COLOUR_RESERVED_LAZY },
	{ "Prepared", MS_COLOUR_PREPARED },
	{ "Prepared (lazy)", MS_COLOUR_PREPARED_LAZY },
	{ "Ready", MS_COLOUR_READY },
};

static int by_height(const void *a, const void *b)
{
	const struct ms_map_region *x = *(const struct ms_map_region *const *)a;
	const struct ms_map_region *y = *(const struct ms_map_region *const *)b;
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
static void label_regions(struct ms_script *s, const struct ms_map *m, const struct ms_panel *p)
{
	const struct ms_map_region **order = ms_must(malloc((m->nr_regions + 1) * sizeof(*order)));
	size_t room = (size_t)m->rows + (size_t)2 * LABEL_HEIGHT;
	char *left = ms_must(calloc(1, room)), *right = ms_must(calloc(1, room)), text[32];

	for (size_t i = 0; i < m->nr_regions; i++)
		order[i] = &m->regions[i];
	qsort(order, m->nr_regions, sizeof(*order), by_height);
	for (size_t i = 0; i < m->nr_regions; i++) {
		const struct ms_map_region *r = order[i];
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

static void frame_regions(struct ms_script *s, const struct ms_map *m, double first, double last)
{
	/* Where there are more, frames would be all that one sees. */
	for (size_t i = 0; i < m->nr_regions && m->nr_regions <= 40; i++)
		fprintf(s->out, "set object %d rect from %.9g,%.2f to %.9g,%.2f front "
			"fs empty border lc rgb '#%06x' lw 0.7\n", ++s->objects, first,
			m->regions[i].bottom, last, m->regions[i].top, s->theme->border);
}

static void draw(struct ms_script *s, struct ms_map *m, const struct ms_recording *r,
		 const struct ms_picture *want)
{
	struct ms_panel panel = { .left = LEFT, .right = s->width - RIGHT,
				  .bottom = s->height - BOTTOM };
	uint32_t most = 0;
	double first = m->columns[0].t, unit;
	bool drawn[MS_NR_CELLS] = {};
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
	ms_map_lay_out(m);
	ms_map_fill(m);
	ms_map_put_cells(s->out, m, unit, drawn);

	for (uint32_t c = 0; c < m->nr_columns; c++)
		if (m->columns[c].nr > most)
			most = m->columns[c].nr;
	snprintf(title, sizeof(title), "%s: address space of process %d",
		 r->name ? r->name : "?", m->pid);
	n = snprintf(subtitle, sizeof(subtitle),
		     "%s%u ranges, %zu regions of %s in all; a piece is as high as the cube root of its size, gaps are left out",
		     m->nr_columns > 1 ? "up to " : "", most, m->nr_regions,
		     ms_size(ms_map_covered(m)));
	if (r->lost)
		snprintf(subtitle + n, sizeof(subtitle) - (size_t)n, "; %llu transitions were lost",
			 (unsigned long long)r->lost);
	ms_script_begin(s, want->title ? want->title : title, subtitle);
	for (int k = MS_NR_CELLS - 1; k > MS_CELL_EMPTY; k--)
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
	for (int k = MS_CELL_RESERVED; k < MS_NR_CELLS; k++)
		fprintf(s->out, "%s$cells%d using 1:3:1:2:3:4 with boxxyerror fs solid 1 border lw 0.5 lc rgb '#%06x'",
			k > MS_CELL_RESERVED ? ", " : "", k, cells[k].colour);
	fputs("\nunset multiplot\n", s->out);
}

static void map_free(struct ms_map *m)
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
	struct ms_map m = { .pid = ms_map_pid(r, want->pid) };
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
	ms_map_columns(&m, r);
	ms_map_bounds(&m);
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
