// SPDX-License-Identifier: MIT
/*
 * Figures over time: states stacked (or Ready by class), with limits, pressure and
 * events.
 *
 * Model
 *
 *   Layers are stacked so that what counts against a limit (Ready, what is observed to be
 *   backed, and what is lazy) is at the bottom: there the limits' lines can be compared with
 *   it. Reserved often is a thousand times the rest; where it would flatten that, it gets a
 *   panel of its own. Of more samples than there are columns, a column shows the one that
 *   holds most.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "plot.h"
#include "rules.h"

#define LEFT		92
#define RIGHT		106
#define BOTTOM		52
#define GAP		16
#define EVENT_ROW	18
#define COLUMNS_MAX	800

/* A limit that is farther away than this is named, not drawn. */
#define LIMIT_REACH	2.5

/* Reserved is stacked where it is no more than this times the rest. */
#define RESERVED_REACH	2.0

#define LAYERS_MAX	8

enum layer { READY, BACKED, RESERVED_LAZY, PREPARED_LAZY, PREPARED, COMMIT, RESERVED, NR_LAYERS };

/**
 * struct layer_style - how a layer looks
 * @name:	for the legend
 * @colour:	rgb
 */
struct layer_style {
	const char *name;
	unsigned int colour;
};

static const struct layer_style state_styles[NR_LAYERS] = {
	{ "Ready", MS_COLOUR_READY },
	{ "Ready (observed)", MS_COLOUR_BACKED },
	{ "Reserved (lazy)", MS_COLOUR_RESERVED_LAZY },
	{ "Prepared (lazy)", MS_COLOUR_PREPARED_LAZY },
	{ "Prepared", MS_COLOUR_PREPARED },
	{ "Prepared (observed)", MS_COLOUR_COMMIT },
	{ "Reserved", MS_COLOUR_RESERVED },
};

static const struct layer_style class_styles[MEMSTATE_NR_CLASSES] = {
	{ "heap", 0x0072b2 }, { "stack", 0xcc79a7 }, { "metadata", 0x009e73 },
	{ "code", 0xb8a800 }, { "other", 0x9a9fa6 }, { "user1", 0x56b4e9 },
	{ "user2", 0x8c6bb1 }, { "user3", 0xa0522d },
};

static const unsigned int event_colours[MEMSTATE_NR_EVENTS] = {
	MS_COLOUR_HIGH, MS_COLOUR_MAX, 0xcc3311, 0xcc79a7, 0x56b4e9,
};

/* Triangle up, diamond, triangle down, square, circle: none by its colour alone. */
static const int event_points[MEMSTATE_NR_EVENTS] = { 9, 13, 11, 5, 7 };

/**
 * struct column - what is drawn of a moment
 * @t:		of the sample, in the axis's unit
 * @layer:	bytes
 * @nr:		how many layers
 * @charged:	bytes, NAN: not known
 * @high:	bytes, NAN: none
 * @max:	likewise
 * @pressure:	MEMSTATE_PRESSURE_*, the worst in it
 */
struct column {
	double t;
	double layer[LAYERS_MAX];
	double charged;
	double high;
	double max;
	unsigned int pressure;
};

/**
 * struct picture - what is drawn
 * @columns:	in order of time
 * @nr:		how many
 * @styles:	of layers
 * @nr_layers:	how many there are, from the bottom
 * @stacked:	how many are in the main panel
 * @peak:	of each layer, bytes
 * @reserved_panel: the last layer has a panel of its own
 * @top:	of the main panel's axis, bytes
 * @highest_limit: the largest limit that is drawn
 * @counts:	events by kind
 * @pressure:	there was some
 * @charged:	it is drawn
 * @steps:	samples stand where something has changed, and hold until the next
 * @unit:	seconds of the axis's unit
 * @first:	where the axis of time begins, in its unit
 * @last:	where it ends
 * @label:	what it is called
 */
struct picture {
	struct column *columns;
	size_t nr;
	const struct layer_style *styles;
	int nr_layers;
	int stacked;
	double peak[LAYERS_MAX];
	bool reserved_panel;
	double top;
	uint64_t counts[MEMSTATE_NR_EVENTS];
	bool pressure;
	bool charged;
	bool steps;
	double unit;
	double first;
	double last;
	const char *label;
};

/* ---- columns --------------------------------------------------------------------- */

static double limit_of(uint64_t own, uint64_t lowest)
{
	uint64_t bytes = own < lowest ? own : lowest;

	return bytes == MEMSTATE_UNLIMITED ? NAN : (double)bytes;
}

/* What children have of their parents is their parents'. */
static double observed_ready(const struct memstate_totals_observed *w)
{
	return w->backed > w->inherited ? (double)(w->backed - w->inherited) : 0;
}

static void column_make(struct column *c, const struct ms_sample *s, bool classes, double unit)
{
	const struct memstate_totals_observed *w = &s->observed;
	const struct memstate_totals *t = &s->totals;

	*c = (struct column) { .t = s->t / unit, .charged = NAN, .high = NAN, .max = NAN };
	if (classes) {
		for (int i = 0; i < MEMSTATE_NR_CLASSES; i++)
			c->layer[i] = (double)t->bytes[MEMSTATE_READY - 1][i];
	} else {
		c->layer[READY] = (double)ms_totals_state(t, MEMSTATE_READY);
		c->layer[BACKED] = observed_ready(w);
		c->layer[COMMIT] = w->commit > w->backed ? (double)(w->commit - w->backed) : 0;
		c->layer[RESERVED_LAZY] = (double)t->reserved_lazy;
		c->layer[PREPARED_LAZY] = (double)t->prepared_lazy;
		c->layer[PREPARED] = (double)(ms_totals_state(t, MEMSTATE_PREPARED) -
					      t->prepared_lazy);
		c->layer[RESERVED] = (double)(ms_totals_state(t, MEMSTATE_RESERVED) -
					      t->reserved_lazy);
	}
	if (s->limited) {
		c->charged = (double)s->limit.charged;
		c->high = limit_of(s->limit.high, s->limit.lowest_high);
		c->max = limit_of(s->limit.max, s->limit.lowest_max);
		c->pressure = s->limit.pressure;
	}
}

static double held(const struct ms_sample *s)
{
	return (double)ms_totals_state(&s->totals, MEMSTATE_READY) +
	       (double)ms_totals_state(&s->totals, MEMSTATE_PREPARED) +
	       observed_ready(&s->observed);
}

/* Of each bucket the sample that holds most; the first and the last in any case. */
static void make_columns(struct picture *p, const struct ms_recording *r, bool classes)
{
	size_t nr = r->nr_samples, buckets = nr < COLUMNS_MAX ? nr : COLUMNS_MAX;

	p->columns = calloc(buckets + 2, sizeof(*p->columns));
	if (!p->columns)
		abort();
	for (size_t b = 0; b < buckets; b++) {
		size_t i = b * nr / buckets, end = (b + 1) * nr / buckets, most = i;
		unsigned int pressure = 0;

		if (b == 0 && i != most)
			most = i;
		for (; i < end; i++) {
			if (held(&r->samples[i]) > held(&r->samples[most]))
				most = i;
			if (r->samples[i].limited && r->samples[i].limit.pressure > pressure)
				pressure = r->samples[i].limit.pressure;
		}
		if (b == 0 && most)
			column_make(&p->columns[p->nr++], &r->samples[0], classes, p->unit);
		column_make(&p->columns[p->nr], &r->samples[most], classes, p->unit);
		p->columns[p->nr++].pressure = pressure;
		if (b == buckets - 1 && most != nr - 1)
			column_make(&p->columns[p->nr++], &r->samples[nr - 1], classes, p->unit);
	}
}

/* ---- what fits where ---------------------------------------------------------------- */

/* The highest of the layers from the bottom up to this one. */
static double stack_peak(const struct picture *p, int nr_layers)
{
	double peak = 0;

	for (size_t i = 0; i < p->nr; i++) {
		double sum = 0;

		for (int l = 0; l < nr_layers; l++)
			sum += p->columns[i].layer[l];
		if (sum > peak)
			peak = sum;
	}
	return peak;
}

static void arrange(struct picture *p, const struct ms_picture *want)
{
	double rest, reserved, limit, top;

	for (size_t i = 0; i < p->nr; i++) {
		for (int l = 0; l < p->nr_layers; l++)
			if (p->columns[i].layer[l] > p->peak[l])
				p->peak[l] = p->columns[i].layer[l];
		p->pressure |= p->columns[i].pressure != 0;
		/* Unused credit is why it is more than what is held. */
		p->charged |= p->columns[i].charged > 0;
	}
	p->stacked = p->nr_layers;
	if (!want->classes) {
		rest = stack_peak(p, RESERVED);
		reserved = p->peak[RESERVED];
		if (want->reserved == 2 || want->reserved == 3 ||
		    (!want->reserved && reserved > RESERVED_REACH * rest && rest > 0))
			p->stacked = RESERVED;
		p->reserved_panel = p->stacked == RESERVED && want->reserved != 3 && reserved > 0;
	}
	top = stack_peak(p, p->stacked);
	for (size_t i = 0; i < p->nr; i++)
		if (p->columns[i].charged > top)
			top = p->columns[i].charged;
	p->top = top;
	for (size_t i = 0; i < p->nr; i++) {
		limit = fmax(p->columns[i].high, p->columns[i].max);
		if (limit <= LIMIT_REACH * top && limit > p->top)
			p->top = limit;
		limit = fmin(p->columns[i].high, p->columns[i].max);
		if (limit <= LIMIT_REACH * top && limit > p->top)
			p->top = limit;
	}
	p->top = p->top > 0 ? p->top * 1.06 : 4096;
}

/* ---- data ------------------------------------------------------------------------------ */

static void put_number(FILE *out, double value)
{
	if (isnan(value))
		fputs(" NaN", out);
	else
		fprintf(out, " %.0f", value);
}

/* Where a limit begins, changes and ends; an empty line where there is none. */
static void put_limit(FILE *out, const struct picture *p, const char *name, size_t offset)
{
	double before = NAN, value;

	fprintf(out, "$%s << EOD\n", name);
	for (size_t i = 0; i < p->nr; i++) {
		value = *(const double *)((const char *)&p->columns[i] + offset);
		if (value > p->top)
			value = NAN;
		if (i && (value == before || (isnan(value) && isnan(before))))
			continue;
		if (!isnan(before))
			fprintf(out, "%.6g %.0f\n", p->columns[i].t, before);
		if (!isnan(value))
			fprintf(out, "%.6g %.0f\n", p->columns[i].t, value);
		else
			fputc('\n', out);
		before = value;
	}
	if (!isnan(before))
		fprintf(out, "%.6g %.0f\n", p->last, before);
	fputs("NaN NaN\nEOD\n", out);
}

/* Time, charged, then the layers, each with all below it. */
static void put_data(FILE *out, const struct picture *p)
{
	fputs("$samples << EOD\n", out);
	for (size_t i = 0; i < p->nr; i++) {
		const struct column *c = &p->columns[i];
		double sum = 0;

		fprintf(out, "%.6g", c->t);
		put_number(out, c->charged);
		for (int l = 0; l < p->nr_layers; l++) {
			if (l == p->stacked)
				sum = 0;
			sum += c->layer[l];
			put_number(out, sum);
		}
		fputc('\n', out);
	}
	fputs("EOD\n", out);
	put_limit(out, p, "limit_high", offsetof(struct column, high));
	put_limit(out, p, "limit_max", offsetof(struct column, max));
}

static void put_marks(FILE *out, struct picture *p, const struct ms_recording *r)
{
	for (size_t i = 0; i < r->nr_marks; i++)
		p->counts[r->marks[i].event] += r->marks[i].by;
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		double last = -INFINITY, apart = (p->last - p->first) / COLUMNS_MAX;

		if (!p->counts[e])
			continue;
		fprintf(out, "$%s << EOD\n", ms_event_names[e]);
		/* No more marks than there are pixels. */
		for (size_t i = 0; i < r->nr_marks; i++) {
			double t = r->marks[i].t / p->unit;

			if (r->marks[i].event != e || t - last < apart)
				continue;
			fprintf(out, "%.6g\n", t);
			last = t;
		}
		fputs("EOD\n", out);
	}
}

/* Pieces of time in which there was pressure, of each kind. */
static void put_pressure(FILE *out, const struct picture *p)
{
	static const char *const names[] = { "", "pressure_high", "pressure_max" };

	for (unsigned int kind = MEMSTATE_PRESSURE_HIGH; kind <= MEMSTATE_PRESSURE_MAX; kind++) {
		fprintf(out, "$%s << EOD\n", names[kind]);
		for (size_t i = 0, next; i < p->nr; i = next) {
			for (next = i + 1; next < p->nr; next++)
				if (p->columns[next].pressure != p->columns[i].pressure)
					break;
			if (p->columns[i].pressure == kind)
				fprintf(out, "%.6g %.6g\n", p->columns[i].t,
					next < p->nr ? p->columns[next].t : p->last);
		}
		/* gnuplot takes no empty block. */
		fputs("NaN NaN\nEOD\n", out);
	}
}

/* ---- panels ---------------------------------------------------------------------------- */

/* The plot commands of layers first to last - 1, the highest first, as it is drawn below. */
static void plot_layers(FILE *out, const struct picture *p, int first, int last)
{
	const char *comma = "plot ";

	for (int l = last - 1; l >= first; l--) {
		if (p->peak[l] <= 0)
			continue;
		fprintf(out, "%s$samples using 1:%d with %s fs solid 1 noborder lc rgb '#%06x'",
			comma, 3 + l, p->steps ? "fillsteps" : "filledcurves y1=0",
			p->styles[l].colour);
		comma = ", ";
	}
	/* Nothing but zeros. */
	if (*comma == 'p')
		fprintf(out, "plot $samples using 1:3 with lines lc rgb '#%06x'",
			p->styles[first].colour);
}

/* The last value of a limit that can be seen. */
static double last_limit(const struct picture *p, bool max)
{
	double limit = NAN;

	for (size_t i = 0; i < p->nr; i++) {
		double value = max ? p->columns[i].max : p->columns[i].high;

		if (value <= p->top)
			limit = value;
	}
	return limit;
}

/* Beside the panel, so that no data is behind it; two that are near give way. */
static void label_limits(struct ms_script *s, const struct picture *p, const struct ms_panel *panel)
{
	double limits[2] = { last_limit(p, false), last_limit(p, true) }, y[2];
	static const char *const names[2] = { "high", "max" };
	char text[40];

	for (int i = 0; i < 2; i++)
		y[i] = panel->bottom - limits[i] / p->top * (panel->bottom - panel->top);
	if (fabs(y[0] - y[1]) < 15) {
		double middle = (y[0] + y[1]) / 2, up = limits[0] > limits[1] ? -7.5 : 7.5;

		y[0] = middle + up;
		y[1] = middle - up;
	}
	for (int i = 0; i < 2; i++) {
		if (isnan(limits[i]))
			continue;
		snprintf(text, sizeof(text), "%s %s", names[i], ms_size((uint64_t)limits[i]));
		ms_script_text(s, panel->right + 6, y[i], "left", s->theme->text, 12, text);
	}
}

static void main_panel(struct ms_script *s, const struct picture *p, const struct ms_panel *panel,
		       const char *label)
{
	FILE *out = s->out;

	ms_script_panel(s, panel);
	label_limits(s, p, panel);
	ms_script_bytes(s, p->top, panel->bottom - panel->top);
	ms_script_axis(s, panel, label);
	plot_layers(out, p, 0, p->stacked);
	if (p->charged)
		fprintf(out, ", $samples using 1:2 with lines lw 1.3 dt (8,5) lc rgb '#%06x'",
			s->theme->text);
	if (!isnan(last_limit(p, false)))
		fprintf(out, ", $limit_high using 1:2 with lines lw 2 lc rgb '#%06x'",
			MS_COLOUR_HIGH);
	if (!isnan(last_limit(p, true)))
		fprintf(out, ", $limit_max using 1:2 with lines lw 2 lc rgb '#%06x'",
			MS_COLOUR_MAX);
	fputc('\n', out);
	ms_script_reset(s);
}

static void reserved_panel(struct ms_script *s, const struct picture *p,
			   const struct ms_panel *panel)
{
	ms_script_panel(s, panel);
	ms_script_bytes(s, p->peak[RESERVED] * 1.06, panel->bottom - panel->top);
	ms_script_axis(s, panel, "Reserved");
	plot_layers(s->out, p, RESERVED, RESERVED + 1);
	fputc('\n', s->out);
	ms_script_reset(s);
}

static int event_rows(const struct picture *p)
{
	int rows = p->pressure;

	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++)
		rows += p->counts[e] != 0;
	return rows;
}

/* A row for each kind of event, named at the left, counted at the right. */
static void event_panel(struct ms_script *s, const struct picture *p, const struct ms_panel *panel)
{
	int rows = event_rows(p), row = rows;
	const char *comma = "plot ";
	FILE *out = s->out;
	char text[32];

	ms_script_panel(s, panel);
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		if (!p->counts[e])
			continue;
		row--;
		snprintf(text, sizeof(text), "%llu times", (unsigned long long)p->counts[e]);
		ms_script_text(s, panel->right + 6,
			       panel->bottom - (row + 0.5) * (panel->bottom - panel->top) / rows,
			       "left", s->theme->muted, 12, p->counts[e] == 1 ? "once" : text);
	}
	fprintf(out, "set yrange [0:%d]\nset ytics (", rows);
	row = rows;
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		if (!p->counts[e])
			continue;
		fprintf(out, "%s'%s' %.1f", row == rows ? "" : ", ", ms_event_names[e],
			row - 0.5);
		row--;
	}
	if (p->pressure)
		fprintf(out, "%s'pressure' 0.5", row == rows ? "" : ", ");
	fputs(")\nset grid noxtics ytics\n", out);
	row = rows;
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		if (!p->counts[e])
			continue;
		fprintf(out, "%s$%s using 1:(%.1f) with points pt %d ps %.2f lc rgb '#%06x'", comma,
			ms_event_names[e], --row + 0.5, event_points[e], s->points,
			event_colours[e]);
		comma = ", ";
	}
	if (p->pressure) {
		fprintf(out, "%s$pressure_high using 1:(0.5):1:2:(0.2):(0.8) with boxxyerror fs solid 1 noborder lc rgb '#%06x'",
			comma, MS_COLOUR_HIGH);
		fprintf(out, ", $pressure_max using 1:(0.5):1:2:(0.2):(0.8) with boxxyerror fs solid 1 noborder lc rgb '#%06x'",
			MS_COLOUR_MAX);
	}
	fputc('\n', out);
	ms_script_reset(s);
}

/* ---- the whole ------------------------------------------------------------------------- */

static void put_legend(struct ms_script *s, const struct picture *p, const struct ms_recording *r)
{
	const struct ms_sample *last = &r->samples[r->nr_samples - 1];
	double limit;
	char text[64];

	for (int l = 0; l < p->nr_layers; l++) {
		if (p->peak[l] <= 0 || (l >= p->stacked && !p->reserved_panel))
			continue;
		snprintf(text, sizeof(text), "%s, peak %s", p->styles[l].name,
			 ms_size((uint64_t)p->peak[l]));
		ms_script_legend(s, MS_SWATCH_AREA, p->styles[l].colour, text);
	}
	if (p->charged)
		ms_script_legend(s, MS_SWATCH_LINE, s->theme->text, "charged");
	if (p->pressure) {
		ms_script_legend(s, MS_SWATCH_AREA, MS_COLOUR_HIGH, "pressure: high");
		ms_script_legend(s, MS_SWATCH_AREA, MS_COLOUR_MAX, "pressure: max");
	}
	/* Limits that are out of sight. */
	for (int max = 0; last->limited && max < 2; max++) {
		limit = max ? limit_of(last->limit.max, last->limit.lowest_max) :
			      limit_of(last->limit.high, last->limit.lowest_high);
		if (!(limit > p->top))
			continue;
		snprintf(text, sizeof(text), "(%s %s is above the axis)", max ? "max" : "high",
			 ms_size((uint64_t)limit));
		ms_script_legend(s, MS_SWATCH_NONE, 0, text);
	}
}

static void put_subtitle(char *text, size_t size, const struct ms_recording *r)
{
	int n = snprintf(text, size, "%zu samples", r->nr_samples);

	if (r->interval > 0)
		n += snprintf(text + n, size - (size_t)n, ", one each %g s", r->interval);
	if (r->start)
		n += snprintf(text + n, size - (size_t)n, ", from %s", r->start);
	if (r->cut)
		n += snprintf(text + n, size - (size_t)n, "; the recording is cut off");
	if (r->lost)
		snprintf(text + n, size - (size_t)n, "; %llu transitions were lost",
			 (unsigned long long)r->lost);
}

static const char *main_label(const struct picture *p, bool classes)
{
	if (classes)
		return "Ready, by class";
	return p->stacked == NR_LAYERS ? "Memory by state" : "Ready and Prepared";
}

/**
 * ms_plot_time() - figures over time
 * @s:		the script, its first members set
 * @r:		the recording
 * @want:	what is wanted
 *
 * Return: 0; 1 after a message: there is nothing to show.
 */
int ms_plot_time(struct ms_script *s, const struct ms_recording *r, const struct ms_picture *want)
{
	struct picture p = {
		.styles = want->classes ? class_styles : state_styles,
		.nr_layers = want->classes ? MEMSTATE_NR_CLASSES : NR_LAYERS,
	};
	struct ms_panel panel = { .left = LEFT, .right = s->width - RIGHT };
	char subtitle[256], title[256];
	int rows, space, bottom;
	double span;

	if (!r->nr_samples) {
		ms_err("the recording has no samples: there is nothing to plot");
		return 1;
	}
	span = r->samples[r->nr_samples - 1].t - r->samples[0].t;
	p.unit = ms_time_scale(r, span, &p.label);
	p.first = r->samples[0].t / p.unit;
	p.last = r->samples[r->nr_samples - 1].t / p.unit;
	p.steps = r->interval <= 0;
	/* A single sample is a moment; it is shown as one of some width. */
	if (p.last <= p.first)
		p.last = p.first + (r->interval > 0 ? r->interval / p.unit : 1);
	make_columns(&p, r, want->classes);
	if (p.nr == 1) {
		p.columns[1] = p.columns[0];
		p.columns[p.nr++].t = p.last;
	}
	arrange(&p, want);
	put_data(s->out, &p);
	put_marks(s->out, &p, r);
	if (p.pressure)
		put_pressure(s->out, &p);

	snprintf(title, sizeof(title), "%s: %s", want->title ? want->title : r->name ? r->name : "?",
		 want->classes ? "Ready memory by class" : "memory by state");
	put_subtitle(subtitle, sizeof(subtitle), r);
	ms_script_begin(s, want->title ? want->title : title, subtitle);
	put_legend(s, &p, r);
	fprintf(s->out, "set xrange [%.9g:%.9g]\nset format x ''\n", p.first, p.last);

	rows = event_rows(&p);
	bottom = s->height - BOTTOM;
	panel.top = ms_script_legend_end(s);
	space = bottom - panel.top - (rows ? rows * EVENT_ROW + GAP : 0);
	panel.bottom = panel.top + (p.reserved_panel ? (space - GAP) * 7 / 10 : space);
	if (!rows && !p.reserved_panel)
		ms_script_time(s, &panel, p.label);
	main_panel(s, &p, &panel, main_label(&p, want->classes));
	if (p.reserved_panel) {
		panel.top = panel.bottom + GAP;
		panel.bottom = bottom - (rows ? rows * EVENT_ROW + GAP : 0);
		if (!rows)
			ms_script_time(s, &panel, p.label);
		reserved_panel(s, &p, &panel);
	}
	if (rows) {
		panel.top = panel.bottom + GAP;
		panel.bottom = bottom;
		ms_script_time(s, &panel, p.label);
		event_panel(s, &p, &panel);
	}
	fputs("unset multiplot\n", s->out);
	free(p.columns);
	return 0;
}
