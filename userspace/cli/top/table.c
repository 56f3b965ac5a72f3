// SPDX-License-Identifier: MIT
/*
 * Lines of a table, as text: the same for the screen and for --batch.
 *
 * A row is one line; where bytes by class are shown of all states it is one for each.
 */
#include <string.h>

#include "cli.h"
#include "rules.h"
#include "view.h"

#define NAME_MIN	12
/* Of history: what a name is given before bars are longer. */
#define NAME_ENOUGH	20
#define INDENT_MAX	(NAME_ROOM / 2)

static const char *const band_names[] = {
	[BAND_REPORTED] = "reported",
	[BAND_ENFORCED] = "enforced",
	[BAND_OBSERVED] = "observed",
	[BAND_COMPARED] = "compared",
};

/* From line to line of a row. */
static const unsigned int states[] = { MEMSTATE_READY, MEMSTATE_PREPARED, MEMSTATE_RESERVED };

/* ---- layout ------------------------------------------------------------------------ */

static int column_width(const struct top_layout *l, enum top_column c)
{
	return c == TOP_BARS ? l->bars + 1 : ms_top_column_width(c, l->wide);
}

static int columns_width(const struct top_view *view, const struct top_layout *l)
{
	int nr, width = 0;
	const enum top_column *columns = ms_top_columns(view, &nr);

	for (int i = 0; i < nr; i++)
		width += column_width(l, columns[i]);
	return width;
}

static int clamp(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

/**
 * ms_top_layout() - set a table for a width
 * @view:	the table
 * @width:	columns of the terminal
 * @l:		how it is set; a table may be wider than a terminal that is very narrow
 */
void ms_top_layout(const struct top_view *view, int width, struct top_layout *l)
{
	*l = (struct top_layout) { .wide = true };
	/* Bars of what is kept are worth more than figures in full. */
	if (view->table == TABLE_HISTORY)
		l->bars = TOP_READINGS;
	l->wide = width >= columns_width(view, l) + 2 * NAME_MIN;
	l->bars = 0;
	if (view->table == TABLE_HISTORY)
		l->bars = clamp(width - columns_width(view, l) - NAME_ENOUGH, 1, TOP_READINGS);
	l->name = clamp(width - columns_width(view, l), NAME_MIN, NAME_ROOM);
}

/* A name as it stands in the table: indented, groups with a slash at their end. */
static void row_name(const struct top_view *view, const struct top_layout *l,
		     const struct top_row *row, char *text, size_t size)
{
	unsigned int indent = view->flat ? 0 : row->depth * (l->wide ? 2 : 1);
	char path[PATH_MAX];

	if (indent > INDENT_MAX)
		indent = INDENT_MAX;
	if (row->task) {
		snprintf(text, size, "%*s%llu %s%s", (int)indent, "",
			 (unsigned long long)row->id, row->name,
			 row->observed ? " (observed)" : row->other ? " (other)" : "");
		/* Of a task that has lost its group it is not known. */
		if (!view->flat || !l->wide || !row->up)
			return;
		ms_top_path(row, path, sizeof(path));
		snprintf(text + strlen(text), size - strlen(text), "  %.*s", NAME_ROOM, path);
	} else if (view->flat) {
		ms_top_path(row, path, sizeof(path));
		ms_top_put_end(text, path, l->name);
	} else {
		snprintf(text, size, "%*s%s%s", (int)indent, "", row->name,
			 strcmp(row->name, "/") ? "/" : "");
	}
}

#define NAME_TEXT	(NAME_ROOM * MB_LEN_ROOM + 64)

/**
 * ms_top_layout_all() - set a table so that each name has room
 * @view:	the table
 * @list:	its rows
 * @l:		how it is set
 */
void ms_top_layout_all(const struct top_view *view, const struct top_list *list,
		       struct top_layout *l)
{
	char text[NAME_TEXT], line[LINE_ROOM];
	int most = 2 * NAME_MIN;

	*l = (struct top_layout) { .wide = true, .bars = TOP_READINGS, .name = NAME_ROOM };
	for (size_t i = 0; i < list->nr; i++) {
		int width;

		row_name(view, l, list->rows[i], text, sizeof(text));
		width = ms_top_put_text(line, text, NAME_ROOM);
		if (width > most)
			most = width;
	}
	l->name = most > NAME_ROOM ? NAME_ROOM : most;
}

/**
 * ms_top_row_lines() - how many lines a row takes
 * @view: the table
 *
 * Return: lines.
 */
int ms_top_row_lines(const struct top_view *view)
{
	bool all = view->table == TABLE_CLASSES && !view->state;

	return all ? TOP_NR_STATES : 1;
}

/* ---- rows -------------------------------------------------------------------------- */

static char *put_cell(const struct top_view *view, const struct top_layout *l,
		      const struct top_row *row, enum top_column c, char *line)
{
	int width = column_width(l, c) - 1;
	char text[32];

	if (width < 0)
		return line;
	if (c == TOP_BARS) {
		*line++ = ' ';
		return ms_top_history_bars(view, row, width, line);
	}
	ms_top_cell(view, row, c, l->wide, text, sizeof(text));
	return line + sprintf(line, " %*s", width, text);
}

/**
 * ms_top_row_line() - a line of a row
 * @view:	the table
 * @l:		how it is set
 * @row:	the row
 * @nr:		which of its lines
 * @line:	where to put it: LINE_ROOM
 */
void ms_top_row_line(const struct top_view *view, const struct top_layout *l,
		     const struct top_row *row, int nr, char *line)
{
	unsigned int state = view->state ? view->state : states[nr];
	int columns;
	const enum top_column *list = ms_top_columns(view, &columns);
	struct top_view one = {
		.table = view->table, .state = state, .charged = view->charged };
	char text[NAME_TEXT] = "";

	if (!nr)
		row_name(view, l, row, text, sizeof(text));
	ms_top_put_text(line, text, l->name);
	line += strlen(line);
	for (int i = 0; i < columns; i++)
		line = put_cell(&one, l, row, list[i], line);
}

/* ---- headings ---------------------------------------------------------------------- */

/**
 * ms_top_heading_line() - what each column is; the one that is sorted by is marked
 * @view:	the table
 * @l:		how it is set
 * @line:	where to put it: LINE_ROOM
 */
void ms_top_heading_line(const struct top_view *view, const struct top_layout *l, char *line)
{
	bool falls = ms_top_column_falls(view->sort) != view->reverse;
	const struct top_glyphs *glyphs = ms_top_glyphs();
	const char *mark = falls ? glyphs->falling : glyphs->rising;
	char text[64];
	int nr;
	const enum top_column *columns = ms_top_columns(view, &nr);

	snprintf(text, sizeof(text), "GROUP / TASK");
	if (view->sort == TOP_NAME || view->sort == TOP_PID)
		snprintf(text, sizeof(text), "GROUP / TASK %s%s", mark,
			 ms_top_column_name(view->sort));
	/* Where there is little room the mark comes first. */
	if (ms_top_put_text(line, text, l->name) > l->name) {
		snprintf(text, sizeof(text), "%s%s", mark, ms_top_column_name(view->sort));
		ms_top_put_text(line, text, l->name);
	}
	line += strlen(line);
	for (int i = 0; i < nr; i++) {
		const char *heading = ms_top_column_heading(columns[i], l->wide);
		int width = column_width(l, columns[i]);

		if (!width)
			continue;
		if (columns[i] == TOP_BARS) {
			*line++ = ' ';
			ms_top_put_text(line, view->charged ? "CHARGED OVER TIME" : "READY OVER TIME",
					width - 1);
			line += strlen(line);
			continue;
		}
		/* The blank before a heading is where the mark fits. */
		line += sprintf(line, "%*s%s%s", width - (int)strlen(heading) - 1, "",
				columns[i] == view->sort ? mark : " ", heading);
	}
}

/**
 * ms_top_band_line() - what the figures in each column are
 * @view:	the table
 * @l:		how it is set
 * @line:	where to put it: LINE_ROOM
 */
void ms_top_band_line(const struct top_view *view, const struct top_layout *l, char *line)
{
	int nr;
	const enum top_column *columns = ms_top_columns(view, &nr);

	ms_top_put_text(line, "", l->name);
	line += strlen(line);
	for (int i = 0; i < nr;) {
		enum top_band band = ms_top_column_band(view, columns[i]);
		int n = (int)strlen(band_names[band]), width = -1, dashes;

		for (; i < nr && ms_top_column_band(view, columns[i]) == band; i++)
			width += column_width(l, columns[i]);
		dashes = width - n;
		*line++ = ' ';
		memset(line, '-', (size_t)width);
		/* With a blank on either side, if there is room for them. */
		if (dashes >= 2) {
			line[dashes / 2 - 1] = ' ';
			line[dashes / 2 + n] = ' ';
		}
		memcpy(line + dashes / 2, band_names[band], (size_t)n);
		line += width;
	}
	*line = '\0';
}
