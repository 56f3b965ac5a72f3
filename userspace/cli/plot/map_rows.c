// SPDX-License-Identifier: MIT
/*
 * Of a map: addresses, from the lowest up. What no ledger has is left out; what lies between two
 * boundaries of ranges is as high as the cube root of its size.
 */
#include <math.h>
#include <stdlib.h>

#include "map.h"

#define GAP_PIXELS	7

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_start(const void *a, const void *b)
{
	const struct ms_map_region *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/**
 * ms_map_bounds() - boundaries of all ranges, each once; and what they cover, without gaps
 * @m: the map, with its columns
 */
void ms_map_bounds(struct ms_map *m)
{
	size_t all = 0, nr = 0;

	for (uint32_t c = 0; c < m->nr_columns; c++)
		all += m->columns[c].nr;
	m->bounds = ms_must(malloc((2 * all + 1) * sizeof(*m->bounds)));
	m->regions = ms_must(malloc((all + 1) * sizeof(*m->regions)));
	for (uint32_t c = 0; c < m->nr_columns; c++) {
		for (uint32_t i = 0; i < m->columns[c].nr; i++) {
			const struct memstate_range *r = &m->columns[c].ranges[i];

			m->bounds[m->nr_bounds++] = r->start;
			m->bounds[m->nr_bounds++] = r->end;
			m->regions[nr++] = (struct ms_map_region) {
				.start = r->start, .end = r->end,
			};
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
		struct ms_map_region *last = m->nr_regions ? &m->regions[m->nr_regions - 1] : NULL;

		if (last && m->regions[i].start <= last->end) {
			if (m->regions[i].end > last->end)
				last->end = m->regions[i].end;
		} else {
			m->regions[m->nr_regions++] = m->regions[i];
		}
	}
}

/**
 * ms_map_lay_out() - how high everything is
 * @m: the map, with its boundaries and the number of its rows
 */
void ms_map_lay_out(struct ms_map *m)
{
	double sum = 0, at = 0, scale, gap = GAP_PIXELS;
	size_t region = 0;

	m->rows_at = ms_must(calloc(m->nr_bounds + 1, sizeof(*m->rows_at)));
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
		struct ms_map_region *in = &m->regions[region];

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

/**
 * ms_map_row() - where a boundary is
 * @m:		the map, laid out
 * @addr:	one of its boundaries
 *
 * Return: rows from the bottom.
 */
double ms_map_row(const struct ms_map *m, uint64_t addr)
{
	const uint64_t *at = bsearch(&addr, m->bounds, m->nr_bounds, sizeof(addr), by_value);

	return m->rows_at[at - m->bounds];
}

/**
 * ms_map_covered() - how much there is of it
 * @m: the map, with its boundaries
 *
 * Return: bytes, without the gaps.
 */
uint64_t ms_map_covered(const struct ms_map *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->nr_regions; i++)
		sum += m->regions[i].end - m->regions[i].start;
	return sum;
}
