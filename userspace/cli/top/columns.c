// SPDX-License-Identifier: MIT
/*
 * What can be a column: its name, its heading, what it is of a row.
 *
 * Columns stand in bands that say what a figure is: reported, enforced, observed, or the
 * first against the last. The table is of figures, of bytes by class, or of history.
 */
#include <string.h>

#include "rules.h"
#include "view.h"

/* Headings and widths, the blank before them included: [0] narrow, [1] wide. */
static const struct {
	const char *name;
	enum top_band band;
	const char *heading[2];
	int width[2];
} columns[TOP_NR_COLUMNS] = {
	[TOP_PID] = { "pid", BAND_REPORTED, { "", "" }, { 0, 0 } },
	[TOP_NAME] = { "name", BAND_REPORTED, { "", "" }, { 0, 0 } },
	[TOP_RESERVED] = { "reserved", BAND_REPORTED, { "RESRV", "RESERVED" }, { 6, 9 } },
	[TOP_PREPARED] = { "prepared", BAND_REPORTED, { "PREPD", "PREPARED" }, { 6, 9 } },
	[TOP_READY] = { "ready", BAND_REPORTED, { "READY", "READY" }, { 6, 9 } },
	[TOP_CHARGED] = { "charged", BAND_ENFORCED, { "CHRGD", "CHARGED" }, { 6, 9 } },
	[TOP_HIGH] = { "high", BAND_ENFORCED, { "HIGH", "HIGH" }, { 6, 9 } },
	[TOP_MAX] = { "max", BAND_ENFORCED, { "MAX", "MAX" }, { 6, 9 } },
	[TOP_PRESSURE] = { "pressure", BAND_ENFORCED, { "PRES", "PRESSURE" }, { 5, 9 } },
	/* Only where there is room for it. */
	[TOP_BACKED] = { "observed", BAND_OBSERVED, { "", "OBSERVED" }, { 0, 9 } },
	[TOP_ANON] = { "anon", BAND_OBSERVED, { "ANON", "ANON" }, { 9, 9 } },
	[TOP_COVERAGE] = { "coverage", BAND_COMPARED, { "COVER", "COVERAGE" }, { 6, 9 } },
	[TOP_UNACCOUNTED] = { "unaccounted", BAND_COMPARED, { "UNACC", "UNACCOUNTED" },
			      { 6, 12 } },
	[TOP_SCALE] = { "scale", BAND_REPORTED, { "SCALE", "SCALE" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_HEAP] = { "heap", BAND_REPORTED, { "HEAP", "HEAP" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_STACK] = { "stack", BAND_REPORTED, { "STACK", "STACK" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_METADATA] = { "metadata", BAND_REPORTED, { "META", "METADATA" },
					   { 6, 9 } },
	[TOP_HEAP + MEMSTATE_CODE] = { "code", BAND_REPORTED, { "CODE", "CODE" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_OTHER] = { "other", BAND_REPORTED, { "OTHER", "OTHER" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_USER1] = { "user1", BAND_REPORTED, { "USER1", "USER1" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_USER2] = { "user2", BAND_REPORTED, { "USER2", "USER2" }, { 6, 9 } },
	[TOP_HEAP + MEMSTATE_USER3] = { "user3", BAND_REPORTED, { "USER3", "USER3" }, { 6, 9 } },
	[TOP_TOTAL] = { "total", BAND_REPORTED, { "TOTAL", "TOTAL" }, { 6, 9 } },
	[TOP_STATE] = { NULL, BAND_REPORTED, { "STATE", "STATE" }, { 6, 9 } },
	[TOP_BARS] = { NULL, BAND_REPORTED, { "", "" }, { 0, 0 } },
};

/* What can be sorted by, from left to right: each table has a name, then its columns. */
static const enum top_column figures[] = {
	TOP_PID, TOP_NAME, TOP_RESERVED, TOP_PREPARED, TOP_READY, TOP_CHARGED, TOP_HIGH,
	TOP_MAX, TOP_PRESSURE, TOP_BACKED, TOP_ANON, TOP_COVERAGE, TOP_UNACCOUNTED,
};

static const enum top_column classes[] = {
	TOP_PID, TOP_NAME, TOP_HEAP + MEMSTATE_HEAP, TOP_HEAP + MEMSTATE_STACK,
	TOP_HEAP + MEMSTATE_METADATA, TOP_HEAP + MEMSTATE_CODE, TOP_HEAP + MEMSTATE_OTHER,
	TOP_HEAP + MEMSTATE_USER1, TOP_HEAP + MEMSTATE_USER2, TOP_HEAP + MEMSTATE_USER3,
	TOP_TOTAL,
};

static const enum top_column classes_shown[] = {
	TOP_STATE, TOP_HEAP + MEMSTATE_HEAP, TOP_HEAP + MEMSTATE_STACK,
	TOP_HEAP + MEMSTATE_METADATA, TOP_HEAP + MEMSTATE_CODE, TOP_HEAP + MEMSTATE_OTHER,
	TOP_HEAP + MEMSTATE_USER1, TOP_HEAP + MEMSTATE_USER2, TOP_HEAP + MEMSTATE_USER3,
	TOP_TOTAL,
};

static const enum top_column ready_history[] = {
	TOP_PID, TOP_NAME, TOP_CHARGED, TOP_MAX, TOP_PRESSURE, TOP_READY, TOP_SCALE, TOP_BARS,
};

static const enum top_column charged_history[] = {
	TOP_PID, TOP_NAME, TOP_PREPARED, TOP_READY, TOP_CHARGED, TOP_MAX, TOP_PRESSURE,
	TOP_SCALE, TOP_BARS,
};

#define NR_UNSHOWN	2
#define NR(array)	((int)(sizeof(array) / sizeof((array)[0])))

/**
 * ms_top_column_name() - what one sorts by
 * @c: below TOP_NR_SORTS
 *
 * Return: its name.
 */
const char *ms_top_column_name(enum top_column c)
{
	return columns[c].name;
}

/**
 * ms_top_column_find() - a column by its name
 * @name: any text
 *
 * Return: enum top_column, or -1.
 */
int ms_top_column_find(const char *name)
{
	for (int c = 0; c < TOP_NR_SORTS; c++)
		if (!strcmp(columns[c].name, name))
			return c;
	return -1;
}

/**
 * ms_top_column_falls() - which way a column is sorted unless one wants it otherwise
 * @c: the column
 *
 * Return: true: the highest first.
 */
bool ms_top_column_falls(enum top_column c)
{
	return c > TOP_NAME;
}

/**
 * ms_top_column_band() - what a column's figures are
 * @view:	what is shown: bars can be of either
 * @c:		the column
 *
 * Return: enum top_band.
 */
enum top_band ms_top_column_band(const struct top_view *view, enum top_column c)
{
	if (view->charged && (c == TOP_SCALE || c == TOP_BARS))
		return BAND_ENFORCED;
	return columns[c].band;
}

const char *ms_top_column_heading(enum top_column c, bool wide)
{
	return columns[c].heading[wide];
}

int ms_top_column_width(enum top_column c, bool wide)
{
	return columns[c].width[wide];
}

/**
 * ms_top_sorts() - what the table that is shown can be sorted by, from left to right
 * @view:	the table
 * @nr:		how many
 *
 * Return: the columns.
 */
const enum top_column *ms_top_sorts(const struct top_view *view, int *nr)
{
	switch (view->table) {
	case TABLE_CLASSES:
		*nr = NR(classes);
		return classes;
	case TABLE_HISTORY:
		/* All but the bars. */
		*nr = (view->charged ? NR(charged_history) : NR(ready_history)) - 1;
		return view->charged ? charged_history : ready_history;
	default:
		*nr = NR(figures);
		return figures;
	}
}

/**
 * ms_top_columns() - the columns of the table that is shown, behind the name
 * @view:	the table
 * @nr:		how many
 *
 * Return: the columns.
 */
const enum top_column *ms_top_columns(const struct top_view *view, int *nr)
{
	const enum top_column *list = ms_top_sorts(view, nr);

	if (view->table == TABLE_CLASSES) {
		*nr = NR(classes_shown);
		return classes_shown;
	}
	*nr += view->table == TABLE_HISTORY;
	*nr -= NR_UNSHOWN;
	return list + NR_UNSHOWN;
}

/* Bytes of a class, or of all, in the state that is shown: Ready if all are. */
static uint64_t class_bytes(const struct top_view *view, const struct top_row *row,
			    enum top_column c)
{
	unsigned int state = view->state ? view->state : MEMSTATE_READY;
	const uint64_t *classes = row->classes[state - MEMSTATE_RESERVED];
	uint64_t sum = 0;

	if (c != TOP_TOTAL)
		return classes[c - TOP_HEAP];
	for (int i = 0; i < MEMSTATE_NR_CLASSES; i++) {
		if (classes[i] == TOP_UNKNOWN)
			return TOP_UNKNOWN;
		sum += classes[i];
	}
	return sum;
}

/**
 * ms_top_value() - what a column is of a row
 * @view:	what is shown
 * @row:	the row
 * @c:		the column, one with a number
 *
 * Return: bytes; percent; enum top_pressure; TOP_UNKNOWN; of a limit also TOP_UNLIMITED.
 */
uint64_t ms_top_value(const struct top_view *view, const struct top_row *row,
		      enum top_column c)
{
	switch (c) {
	case TOP_PID:
		return row->id;
	case TOP_RESERVED:
		return row->reserved;
	case TOP_PREPARED:
		return row->prepared;
	case TOP_READY:
		return row->ready;
	case TOP_CHARGED:
		return row->charged;
	case TOP_HIGH:
		return row->high;
	case TOP_MAX:
		return row->max;
	case TOP_PRESSURE:
		return row->pressure == TOP_PRESSURE_UNKNOWN ? TOP_UNKNOWN : row->pressure;
	case TOP_BACKED:
		return row->backed;
	case TOP_ANON:
		return row->anon;
	case TOP_COVERAGE:
		return ms_top_coverage(row);
	case TOP_UNACCOUNTED:
		return ms_top_unaccounted(row);
	case TOP_SCALE:
		return ms_top_history_scale(view, row);
	default:
		return class_bytes(view, row, c);
	}
}

/**
 * ms_top_wanted() - what has to be read for what is shown
 * @view: what is shown
 *
 * Return: TOP_CLASSES, TOP_OTHERS; tasks are another matter.
 */
unsigned int ms_top_wanted(const struct top_view *view)
{
	bool by_class = view->sort >= TOP_HEAP && view->sort <= TOP_TOTAL;

	return (by_class || view->table == TABLE_CLASSES ? TOP_CLASSES : 0) |
	       (view->all ? TOP_OTHERS : 0);
}
