// SPDX-License-Identifier: MIT
/* Of a map: its cells, by column and row, and the rectangles that are made of them. */
#include <stdlib.h>
#include <string.h>

#include "map.h"

static enum ms_cell cell_of(const struct memstate_range *r)
{
	bool lazy = r->flags & MEMSTATE_RANGE_LAZY;

	switch (r->state) {
	case MEMSTATE_RESERVED:
		return lazy ? MS_CELL_RESERVED_LAZY : MS_CELL_RESERVED;
	case MEMSTATE_PREPARED:
		return lazy ? MS_CELL_PREPARED_LAZY : MS_CELL_PREPARED;
	default:
		return MS_CELL_READY;
	}
}

static void fill_column(struct ms_map *m, uint32_t c, double (*weights)[MS_NR_CELLS])
{
	memset(weights, 0, (size_t)m->rows * sizeof(*weights));
	for (uint32_t i = 0; i < m->columns[c].nr; i++) {
		const struct memstate_range *r = &m->columns[c].ranges[i];
		double from = ms_map_row(m, r->start), to = ms_map_row(m, r->end);

		for (int row = (int)from; row < m->rows && row < to; row++) {
			double low = from > row ? from : row, high = to < row + 1 ? to : row + 1;

			weights[row][cell_of(r)] += high - low;
		}
	}
	for (int row = 0; row < m->rows; row++) {
		int best = MS_CELL_EMPTY;
		double used = 0;

		for (int k = MS_CELL_RESERVED; k < MS_NR_CELLS; k++) {
			used += weights[row][k];
			if (weights[row][k] > (best ? weights[row][best] : 0))
				best = k;
		}
		/* Mostly nothing. */
		m->cells[(size_t)c * (size_t)m->rows + (size_t)row] =
			(unsigned char)(used < 0.5 ? MS_CELL_EMPTY : best);
	}
}

/**
 * ms_map_fill() - give each cell the state that most of it has
 * @m: the map, laid out
 */
void ms_map_fill(struct ms_map *m)
{
	double (*weights)[MS_NR_CELLS] = ms_must(malloc((size_t)m->rows * sizeof(*weights)));

	m->cells = ms_must(calloc((size_t)m->nr_columns + 1, (size_t)m->rows));
	for (uint32_t c = 0; c < m->nr_columns; c++)
		fill_column(m, c, weights);
	free(weights);
}

static unsigned char cell_at(const struct ms_map *m, uint32_t c, int row)
{
	return m->cells[(size_t)c * (size_t)m->rows + (size_t)row];
}

/* Columns from @c on that have the same cell in a row, all of one kind. */
static uint32_t run_end(const struct ms_map *m, uint32_t c, int row)
{
	uint32_t end = c + 1;

	while (end < m->nr_columns && cell_at(m, end, row) == cell_at(m, c, row))
		end++;
	return end;
}

static bool same_run(const struct ms_map *m, uint32_t c, uint32_t end, int row, int kind)
{
	if (row >= m->rows || (c && cell_at(m, c - 1, row) == kind) ||
	    cell_at(m, c, row) != kind)
		return false;
	return run_end(m, c, row) == end;
}

/**
 * ms_map_put_cells() - a block of data for each kind of cell: rectangles, as large as they get
 * @out:	where to
 * @m:		the map, filled
 * @unit:	seconds of the axis's unit
 * @drawn:	by kind: there are some; left alone where there are none
 */
void ms_map_put_cells(FILE *out, const struct ms_map *m, double unit, bool *drawn)
{
	bool *done = ms_must(calloc((size_t)m->nr_columns + 1, (size_t)m->rows));

	for (int kind = MS_CELL_RESERVED; kind < MS_NR_CELLS; kind++) {
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
