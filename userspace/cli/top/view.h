/* SPDX-License-Identifier: MIT */
/* How memstate top shows what it has read: columns, order, filter, history, text. */
#ifndef MS_CLI_TOP_VIEW_H
#define MS_CLI_TOP_VIEW_H

#include <limits.h>
#include <stdio.h>

#include "top.h"

/* ---- columns.c: what can be a column ------------------------------------------ */

/* Columns that rows can be sorted by, then those that are only shown. */
enum top_column {
	TOP_PID,
	TOP_NAME,
	TOP_RESERVED,
	TOP_PREPARED,
	TOP_READY,
	TOP_CHARGED,
	TOP_HIGH,
	TOP_MAX,
	TOP_PRESSURE,
	TOP_BACKED,
	TOP_ANON,
	TOP_COVERAGE,
	TOP_UNACCOUNTED,
	TOP_SCALE,
	TOP_HEAP,	/* the first of MEMSTATE_NR_CLASSES */
	TOP_TOTAL = TOP_HEAP + MEMSTATE_NR_CLASSES,
	TOP_NR_SORTS,
	TOP_STATE = TOP_NR_SORTS,
	TOP_BARS,
	TOP_NR_COLUMNS
};

enum top_band { BAND_REPORTED, BAND_ENFORCED, BAND_OBSERVED, BAND_COMPARED, NR_BANDS };

/* The tables there are, each with columns of its own. */
enum top_table { TABLE_FIGURES, TABLE_CLASSES, TABLE_HISTORY };

/**
 * struct top_filter - which groups are shown, with all that is below them
 * @text:	what was asked for, empty: all
 * @exact:	one cgroup, else each that @text is found in the path of
 * @id:		of one: its cgroup id
 * @path:	of one that is @named: its path below the mount
 * @named:	of one: its path is known, and another cgroup may be made there; else @id
 *		is all there is to go by
 * @seen:	there was such a group
 * @found:	there is one
 * @when:	when there was none any more
 */
struct top_filter {
	char text[PATH_MAX];
	bool exact;
	uint64_t id;
	char path[PATH_MAX];
	bool named;
	bool seen;
	bool found;
	time_t when;
};

/**
 * struct top_view - what is shown of all that was read, and in which order
 * @table:	enum top_table
 * @state:	of TABLE_CLASSES: MEMSTATE_READY and so on, 0: each in a line of its own
 * @charged:	of TABLE_HISTORY: what was charged, else what was Ready
 * @sort:	by which column
 * @reverse:	the other way round than the column is sorted by itself
 * @flat:	no tree: tasks only, or groups only with @no_tasks
 * @no_tasks:	groups only
 * @all:	all processes, not only those that report or are observed
 * @filter:	which of them
 */
struct top_view {
	enum top_table table;
	unsigned int state;
	bool charged;
	enum top_column sort;
	bool reverse;
	bool flat;
	bool no_tasks;
	bool all;
	struct top_filter filter;
};

const char *ms_top_column_name(enum top_column c);
int ms_top_column_find(const char *name);
bool ms_top_column_falls(enum top_column c);
enum top_band ms_top_column_band(const struct top_view *view, enum top_column c);
const char *ms_top_column_heading(enum top_column c, bool wide);
int ms_top_column_width(enum top_column c, bool wide);
const enum top_column *ms_top_columns(const struct top_view *view, int *nr);
const enum top_column *ms_top_sorts(const struct top_view *view, int *nr);
uint64_t ms_top_value(const struct top_view *view, const struct top_row *row,
		      enum top_column c);
unsigned int ms_top_wanted(const struct top_view *view);

/* ---- text.c: text of so many columns -------------------------------------------- */

/* The room that a name can take, the longest character, and a line of both and more. */
#define NAME_ROOM	160
#define MB_LEN_ROOM	8
#define LINE_ROOM	(NAME_ROOM * MB_LEN_ROOM + 512)

/* How high a bar can be, not counting nothing. */
#define TOP_BAR_LEVELS	8

/**
 * struct top_glyphs - what can be drawn in this locale
 * @falling:	beside the heading that is sorted by, the highest first
 * @rising:	likewise, the lowest first
 * @bars:	bars, the lowest is blank
 */
struct top_glyphs {
	const char *falling;
	const char *rising;
	const char *bars[TOP_BAR_LEVELS + 1];
};

const struct top_glyphs *ms_top_glyphs(void);
int ms_top_put_text(char *line, const char *text, int width);
int ms_top_put_end(char *to, const char *text, int width);

/* ---- tree.c: rows in order ------------------------------------------------------ */

/**
 * struct top_list - the rows that are shown
 * @rows:	in order, each below its parent if it is a tree
 * @nr:		how many
 * @room:	for how many
 */
struct top_list {
	struct top_row **rows;
	size_t nr;
	size_t room;
};

int ms_top_arrange(struct top_data *data, struct top_view *view, struct top_list *list);
void ms_top_list_free(struct top_list *list);
void ms_top_path(const struct top_row *row, char *path, size_t size);

/* ---- filter.c: groups that are asked for ---------------------------------------- */

int ms_top_filter_cgroup(struct top_filter *f, const struct top_paths *paths,
			 const char *name);
void ms_top_filter_text(struct top_filter *f, const struct top_paths *paths,
			const char *text);
void ms_top_filter_follow(struct top_filter *f, const struct top_paths *paths,
			  const struct top_data *data);
bool ms_top_filter_matches(const struct top_filter *f, const struct top_row *row);
void ms_top_filter_found(struct top_filter *f, bool found, time_t when);
void ms_top_filter_say(const struct top_filter *f, char *text, size_t size);

/* ---- history.c: earlier readings -------------------------------------------------- */

/* Readings that are kept of each row. */
#define TOP_READINGS	60

/**
 * struct top_history - what was read before, of the rows that are still there
 * @pasts:	by the books that they are of
 * @nr:		how many
 */
struct top_history {
	struct top_past **pasts;
	size_t nr;
};

int ms_top_history_add(struct top_history *h, struct top_data *data);
void ms_top_history_join(const struct top_history *h, struct top_data *data);
void ms_top_history_free(struct top_history *h);
uint64_t ms_top_history_scale(const struct top_view *view, const struct top_row *row);
char *ms_top_history_bars(const struct top_view *view, const struct top_row *row, int width,
			  char *line);

/* ---- cells.c: what stands in a table ----------------------------------------------- */

void ms_top_cell(const struct top_view *view, const struct top_row *row, enum top_column c,
		 bool wide, char *text, size_t size);
void ms_top_put_percent(char *text, size_t size, uint64_t percent);

/* ---- table.c: lines of a table ---------------------------------------------------- */

/**
 * struct top_layout - how a table is set
 * @wide:	headings and sizes in full
 * @name:	columns for the name
 * @bars:	columns for bars
 */
struct top_layout {
	bool wide;
	int name;
	int bars;
};

void ms_top_layout(const struct top_view *view, int width, struct top_layout *l);
void ms_top_layout_all(const struct top_view *view, const struct top_list *list,
		       struct top_layout *l);
int ms_top_row_lines(const struct top_view *view);
void ms_top_band_line(const struct top_view *view, const struct top_layout *l, char *line);
void ms_top_heading_line(const struct top_view *view, const struct top_layout *l, char *line);
void ms_top_row_line(const struct top_view *view, const struct top_layout *l,
		     const struct top_row *row, int nr, char *line);

/* ---- summary.c: what stands above it ----------------------------------------------- */

void ms_top_title_line(const struct top_data *data, const struct top_view *view,
		       bool paused, char *line, size_t size);
void ms_top_summary_line(const struct top_data *data, char *line, size_t size);

/* ---- reading.c, batch.c, terminal.c ---------------------------------------- */

/**
 * struct top_run - what was asked for
 * @paths:	where figures come from
 * @view:	what is shown at first
 * @delay:	seconds from one reading to the next
 * @iterations:	how many readings, 0: no end
 */
struct top_run {
	const struct top_paths *paths;
	struct top_view view;
	double delay;
	unsigned long iterations;
};

struct timespec ms_top_seconds(double value);
int ms_top_explain(const struct top_paths *paths, int ret);
int ms_top_batch(struct top_run *run);
int ms_top_live(struct top_run *run);

#endif /* MS_CLI_TOP_VIEW_H */
