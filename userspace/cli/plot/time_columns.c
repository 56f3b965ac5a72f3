// SPDX-License-Identifier: MIT
/*
 * Figures over time: columns, and what fits where. Of more samples than there are columns, a
 * column shows the one that holds most.
 */
#include <math.h>
#include <stdlib.h>

#include "grown.h"
#include "rules.h"
#include "over_time.h"

/* A limit that is farther away than this is named, not drawn. */
#define LIMIT_REACH	2.5

/* Reserved is stacked where it is no more than this times the rest. */
#define RESERVED_REACH	2.0

/* ---- columns --------------------------------------------------------------------- */

/**
 * ms_time_limit() - a limit as it is drawn
 * @own:	of the group, bytes
 * @lowest:	the lowest of those above it
 *
 * Return: bytes; NAN: there is none.
 */
double ms_time_limit(uint64_t own, uint64_t lowest)
{
	uint64_t bytes = own < lowest ? own : lowest;

	return bytes == MEMSTATE_UNLIMITED ? NAN : (double)bytes;
}

/* What children have of their parents is their parents'. */
static double observed_ready(const struct memstate_totals_observed *w)
{
	return w->backed > w->inherited ? (double)(w->backed - w->inherited) : 0;
}

static void column_make(struct ms_time_column *c, const struct ms_sample *s, bool classes,
			double unit)
{
	const struct memstate_totals_observed *w = &s->observed;
	const struct memstate_totals *t = &s->totals;

	*c = (struct ms_time_column) { .t = s->t / unit, .charged = NAN, .high = NAN, .max = NAN };
	if (classes) {
		for (int i = 0; i < MEMSTATE_NR_CLASSES; i++)
			c->layer[i] = (double)t->bytes[MEMSTATE_READY - 1][i];
	} else {
		c->layer[MS_LAYER_READY] = (double)ms_totals_state(t, MEMSTATE_READY);
		c->layer[MS_LAYER_BACKED] = observed_ready(w);
		c->layer[MS_LAYER_COMMIT] = w->commit > w->backed ?
					    (double)(w->commit - w->backed) : 0;
		c->layer[MS_LAYER_RESERVED_LAZY] = (double)t->reserved_lazy;
		c->layer[MS_LAYER_PREPARED_LAZY] = (double)t->prepared_lazy;
		c->layer[MS_LAYER_PREPARED] = (double)(ms_totals_state(t, MEMSTATE_PREPARED) -
					      t->prepared_lazy);
		c->layer[MS_LAYER_RESERVED] = (double)(ms_totals_state(t, MEMSTATE_RESERVED) -
					      t->reserved_lazy);
	}
	if (s->limited) {
		c->charged = (double)s->limit.charged;
		c->high = ms_time_limit(s->limit.high, s->limit.lowest_high);
		c->max = ms_time_limit(s->limit.max, s->limit.lowest_max);
		c->pressure = s->limit.pressure;
	}
}

static double held(const struct ms_sample *s)
{
	return (double)ms_totals_state(&s->totals, MEMSTATE_READY) +
	       (double)ms_totals_state(&s->totals, MEMSTATE_PREPARED) +
	       observed_ready(&s->observed);
}

/**
 * ms_time_columns() - of each bucket the sample that holds most; the first and the last in any case
 * @p:		the picture, its unit set
 * @r:		the recording
 * @classes:	Ready by class, instead of states
 */
void ms_time_columns(struct ms_time *p, const struct ms_recording *r, bool classes)
{
	size_t nr = r->nr_samples, buckets = nr < MS_TIME_COLUMNS ? nr : MS_TIME_COLUMNS;

	p->columns = ms_must(calloc(buckets + 2, sizeof(*p->columns)));
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
static double stack_peak(const struct ms_time *p, int nr_layers)
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

/**
 * ms_time_arrange() - what is stacked, what gets a panel of its own, how far the axis goes
 * @p:		the picture, with its columns
 * @want:	what is wanted
 */
void ms_time_arrange(struct ms_time *p, const struct ms_picture *want)
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
		rest = stack_peak(p, MS_LAYER_RESERVED);
		reserved = p->peak[MS_LAYER_RESERVED];
		if (want->reserved == 2 || want->reserved == 3 ||
		    (!want->reserved && reserved > RESERVED_REACH * rest && rest > 0))
			p->stacked = MS_LAYER_RESERVED;
		p->reserved_panel = p->stacked == MS_LAYER_RESERVED && want->reserved != 3 &&
				    reserved > 0;
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
