/* SPDX-License-Identifier: MIT */
/*
 * A map: the address space of a process over time, coloured by state.
 *
 * Model
 *
 *   The ledger is taken at as many moments as there are columns (map_columns.c). Addresses
 *   that no ledger has are left out, and what lies between two boundaries of ranges (a *piece*)
 *   is as high as the cube root of its size (map_rows.c): 64 GiB that are Reserved and 64 KiB
 *   that are Ready can both be seen. A cell of the picture has the state that most of it has
 *   (map_cells.c); so the picture's size does not depend on how many ranges there are. map.c
 *   draws all that.
 */
#ifndef MS_PLOT_MAP_H
#define MS_PLOT_MAP_H

#include "grown.h"
#include "plot.h"

/* What a cell is mostly. */
enum ms_cell {
	MS_CELL_EMPTY,
	MS_CELL_RESERVED,
	MS_CELL_RESERVED_LAZY,
	MS_CELL_PREPARED,
	MS_CELL_PREPARED_LAZY,
	MS_CELL_READY,
	MS_NR_CELLS
};

/**
 * struct ms_map_column - a ledger that is shown from a moment on
 * @t:		seconds
 * @ranges:	in order of addresses
 * @nr:		how many
 */
struct ms_map_column {
	double t;
	struct memstate_range *ranges;
	uint32_t nr;
};

/**
 * struct ms_map_region - addresses without a gap
 * @start:	first byte
 * @end:	one past the last
 * @bottom:	first row, from the bottom
 * @top:	one past the last
 */
struct ms_map_region {
	uint64_t start;
	uint64_t end;
	double bottom;
	double top;
};

/**
 * struct ms_map - what is drawn
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
 * @cells:	enum ms_cell by column and row
 */
struct ms_map {
	pid_t pid;
	struct ms_map_column *columns;
	uint32_t nr_columns;
	double end;
	bool whole;
	uint64_t *bounds;
	size_t nr_bounds;
	double *rows_at;
	struct ms_map_region *regions;
	size_t nr_regions;
	int rows;
	unsigned char *cells;
};

/* ---- map_columns.c: whose, and when -------------------------------------------- */

pid_t ms_map_pid(const struct ms_recording *r, pid_t wanted);
void ms_map_columns(struct ms_map *m, const struct ms_recording *r);

/* ---- map_rows.c: addresses ------------------------------------------------------ */

void ms_map_bounds(struct ms_map *m);
void ms_map_lay_out(struct ms_map *m);
double ms_map_row(const struct ms_map *m, uint64_t addr);
uint64_t ms_map_covered(const struct ms_map *m);

/* ---- map_cells.c: what is where ------------------------------------------------- */

void ms_map_fill(struct ms_map *m);
void ms_map_put_cells(FILE *out, const struct ms_map *m, double unit, bool *drawn);

#endif /* MS_PLOT_MAP_H */
