// SPDX-License-Identifier: MIT
/* Figures over time: the blocks of data that gnuplot draws from. */
#include <math.h>
#include <stddef.h>

#include "cli.h"
#include "over_time.h"

static void put_number(FILE *out, double value)
{
	if (isnan(value))
		fputs(" NaN", out);
	else
		fprintf(out, " %.0f", value);
}

/* Where a limit begins, changes and ends; an empty line where there is none. */
static void put_limit(FILE *out, const struct ms_time *p, const char *name, size_t offset)
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
static void put_samples(FILE *out, const struct ms_time *p)
{
	fputs("$samples << EOD\n", out);
	for (size_t i = 0; i < p->nr; i++) {
		const struct ms_time_column *c = &p->columns[i];
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
	put_limit(out, p, "limit_high", offsetof(struct ms_time_column, high));
	put_limit(out, p, "limit_max", offsetof(struct ms_time_column, max));
}

static void put_marks(FILE *out, struct ms_time *p, const struct ms_recording *r)
{
	for (size_t i = 0; i < r->nr_marks; i++)
		p->counts[r->marks[i].event] += r->marks[i].by;
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		double last = -INFINITY, apart = (p->last - p->first) / MS_TIME_COLUMNS;

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
static void put_pressure(FILE *out, const struct ms_time *p)
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

/**
 * ms_time_put_data() - all blocks of data that panels are drawn from
 * @out:	where to
 * @p:		the picture, arranged; events are counted
 * @r:		the recording
 */
void ms_time_put_data(FILE *out, struct ms_time *p, const struct ms_recording *r)
{
	put_samples(out, p);
	put_marks(out, p, r);
	if (p->pressure)
		put_pressure(out, p);
}
