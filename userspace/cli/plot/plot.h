/* SPDX-License-Identifier: MIT */
/*
 * Pictures of recordings.
 *
 * Model
 *
 *   A recording is read whole (read.c, lines.c). A picture is a program for gnuplot with its
 *   data in it (time.c, map.c, on top of script.c), which gnuplot.c gives to gnuplot. What a
 *   picture's parts share is in a header of its own (over_time.h, map.h).
 */
#ifndef MS_PLOT_H
#define MS_PLOT_H

#include "rangemap.h"
#include "record/record.h"

/* ---- read.c --------------------------------------------------------------------- */

/**
 * struct ms_mark - something that happened
 * @t:		seconds since the start
 * @event:	enum memstate_event
 * @by:		how often
 */
struct ms_mark {
	double t;
	int event;
	uint64_t by;
};

/**
 * struct ms_ledger - a ledger at a moment
 * @t:		seconds since the start
 * @pid:	whose
 * @ranges:	its ranges, in order of addresses
 * @nr:		how many
 * @at:		how many transitions stand before it in the recording
 */
struct ms_ledger {
	double t;
	pid_t pid;
	struct memstate_range *ranges;
	uint32_t nr;
	size_t at;
};

/**
 * struct ms_recording - a recording in memory
 * @name:	what was recorded, for people
 * @start:	when, or NULL
 * @interval:	seconds between samples, 0: not known
 * @calls:	times are not seconds, but lines of a log
 * @pid:	the process, 0: none
 * @samples:	in order of time
 * @nr_samples:	how many
 * @marks:	events
 * @nr_marks:	how many
 * @ledgers:	of processes
 * @nr_ledgers:	how many
 * @steps:	transitions, unmappings, beginnings and ends of books
 * @nr_steps:	how many
 * @lost:	transitions that are missing
 * @cut:	its end is missing
 * @end:	the last time in it
 */
struct ms_recording {
	char *name;
	char *start;
	double interval;
	bool calls;
	pid_t pid;
	struct ms_sample *samples;
	size_t nr_samples;
	struct ms_mark *marks;
	size_t nr_marks;
	struct ms_ledger *ledgers;
	size_t nr_ledgers;
	struct ms_trace_event *steps;
	size_t nr_steps;
	uint64_t lost;
	bool cut;
	double end;
};

int ms_recording_read(struct ms_recording *r, const char *path);
void ms_recording_free(struct ms_recording *r);

/* ---- books.c -------------------------------------------------------------------- */

void ms_steps_apply(struct ms_rangemap *books, struct memstate_totals *totals,
		    const struct ms_trace_event *e);
void ms_steps_load(struct ms_rangemap *books, struct memstate_totals *totals,
		   const struct ms_ledger *l);

/* ---- script.c ------------------------------------------------------------------- */

enum ms_plot_theme { MS_THEME_AUTO, MS_THEME_LIGHT, MS_THEME_DARK };

/**
 * struct ms_theme - colours of what is not data
 * @background:	rgb
 * @text:	rgb
 * @muted:	text of less weight, rgb
 * @border:	rgb
 * @grid:	rgb
 */
struct ms_theme {
	unsigned int background;
	unsigned int text;
	unsigned int muted;
	unsigned int border;
	unsigned int grid;
};

extern const struct ms_theme ms_themes[];	/* light, dark */

/**
 * struct ms_script - a program for gnuplot, under way
 * @out:	where it goes
 * @theme:	colours
 * @width:	pixels
 * @height:	pixels
 * @points:	size of marks, as gnuplot counts it for this kind of picture
 * @objects:	tags given to labels and objects
 * @legend_x:	where the next entry goes, pixels from the left
 * @legend_y:	likewise from the top
 */
struct ms_script {
	FILE *out;
	const struct ms_theme *theme;
	int width;
	int height;
	double points;
	int objects;
	int legend_x;
	int legend_y;
};

/**
 * struct ms_panel - a part of the picture, pixels from the left and the top
 * @left:	first column
 * @right:	one past the last
 * @top:	first row
 * @bottom:	one past the last
 */
struct ms_panel {
	int left;
	int right;
	int top;
	int bottom;
};

/* The colours of states: for the colour-blind too, and on light and dark. */
#define MS_COLOUR_READY		0x0072b2
#define MS_COLOUR_PREPARED	0x56b4e9
#define MS_COLOUR_PREPARED_LAZY	0x009e73
#define MS_COLOUR_RESERVED	0x9a9fa6
#define MS_COLOUR_RESERVED_LAZY	0xcc79a7
#define MS_COLOUR_BACKED	0x8c6bb1
#define MS_COLOUR_COMMIT	0xc8b6dc
#define MS_COLOUR_HIGH		0xe69f00
#define MS_COLOUR_MAX		0xd55e00

enum ms_swatch { MS_SWATCH_AREA, MS_SWATCH_LINE, MS_SWATCH_NONE };

void ms_script_begin(struct ms_script *s, const char *title, const char *subtitle);
void ms_script_text(struct ms_script *s, double x, double y, const char *align,
		    unsigned int colour, int size, const char *text);
void ms_script_legend(struct ms_script *s, enum ms_swatch swatch, unsigned int colour,
		      const char *text);
int ms_script_legend_end(struct ms_script *s);
void ms_script_axis(struct ms_script *s, const struct ms_panel *p, const char *text);
void ms_script_time(struct ms_script *s, const struct ms_panel *p, const char *text);
void ms_script_panel(struct ms_script *s, const struct ms_panel *p);
void ms_script_reset(struct ms_script *s);
void ms_script_quote(FILE *out, const char *text);
void ms_script_bytes(struct ms_script *s, double max, int pixels);
double ms_time_scale(const struct ms_recording *r, double span, const char **label);

/* ---- pictures -------------------------------------------------------------------------- */

/**
 * struct ms_picture - what is wanted
 * @title:	instead of the recording's, or NULL
 * @classes:	Ready by class instead of states
 * @reserved:	0: where it fits; 1: stacked; 2: a panel of its own; 3: not at all
 * @pid:	whose map, 0: the recording's, or the one of which there is most
 */
struct ms_picture {
	const char *title;
	bool classes;
	int reserved;
	pid_t pid;
};

int ms_plot_time(struct ms_script *s, const struct ms_recording *r, const struct ms_picture *p);
int ms_plot_map(struct ms_script *s, const struct ms_recording *r, const struct ms_picture *p);

/* ---- svg.c, gnuplot.c: from a script to a picture ----------------------------------------- */

/* In the order of what a picture's name ends in. */
enum ms_plot_format { MS_FORMAT_SVG, MS_FORMAT_PNG, MS_FORMAT_SCRIPT };
enum ms_plot_kind { MS_KIND_TIME, MS_KIND_CLASSES, MS_KIND_MAP };

/**
 * struct ms_plotter - the picture that is asked for
 * @output:	its file
 * @format:	what it is
 * @kind:	what it shows
 * @theme:	its colours
 * @width:	pixels
 * @height:	pixels
 * @want:	the rest
 */
struct ms_plotter {
	const char *output;
	enum ms_plot_format format;
	enum ms_plot_kind kind;
	enum ms_plot_theme theme;
	int width;
	int height;
	struct ms_picture want;
};

void ms_svg_copy(FILE *in, FILE *out, const char *title, bool follows);
int ms_plotter_draw(const struct ms_plotter *p, const struct ms_recording *r);

#endif /* MS_PLOT_H */
