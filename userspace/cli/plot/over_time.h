/* SPDX-License-Identifier: MIT */
/*
 * Figures over time: states stacked (or Ready by class), with limits, pressure and events.
 *
 * Model
 *
 *   Samples become columns, and what there is of them decides what is shown where
 *   (time_columns.c). Layers are stacked so that what counts against a limit (Ready, what is
 *   observed to be backed, and what is lazy) is at the bottom: there the limits' lines can be
 *   compared with it. Reserved often is a thousand times the rest; where it would flatten that,
 *   it gets a panel of its own. gnuplot is given blocks of data (time_data.c), then panels that
 *   are drawn from them (time_panels.c); time.c puts these into the frame.
 */
#ifndef MS_PLOT_OVER_TIME_H
#define MS_PLOT_OVER_TIME_H

#include "plot.h"

#define MS_LAYERS_MAX	8
#define MS_TIME_COLUMNS	800

/* From the bottom up. */
enum ms_layer {
	MS_LAYER_READY,
	MS_LAYER_BACKED,
	MS_LAYER_RESERVED_LAZY,
	MS_LAYER_PREPARED_LAZY,
	MS_LAYER_PREPARED,
	MS_LAYER_COMMIT,
	MS_LAYER_RESERVED,
	MS_NR_LAYERS
};

/**
 * struct ms_layer_style - how a layer looks
 * @name:	for the legend
 * @colour:	rgb
 */
struct ms_layer_style {
	const char *name;
	unsigned int colour;
};

/**
 * struct ms_time_column - what is drawn of a moment
 * @t:		of the sample, in the axis's unit
 * @layer:	bytes
 * @charged:	bytes, NAN: not known
 * @high:	bytes, NAN: none
 * @max:	likewise
 * @pressure:	MEMSTATE_PRESSURE_*, the worst in it
 */
struct ms_time_column {
	double t;
	double layer[MS_LAYERS_MAX];
	double charged;
	double high;
	double max;
	unsigned int pressure;
};

/**
 * struct ms_time - what is drawn
 * @columns:	in order of time
 * @nr:		how many
 * @styles:	of layers
 * @nr_layers:	how many there are, from the bottom
 * @stacked:	how many are in the main panel
 * @peak:	of each layer, bytes
 * @reserved_panel: the last layer has a panel of its own
 * @top:	of the main panel's axis, bytes
 * @counts:	events by kind
 * @pressure:	there was some
 * @charged:	it is drawn
 * @steps:	samples stand where something has changed, and hold until the next
 * @unit:	seconds of the axis's unit
 * @first:	where the axis of time begins, in its unit
 * @last:	where it ends
 * @label:	what it is called
 */
struct ms_time {
	struct ms_time_column *columns;
	size_t nr;
	const struct ms_layer_style *styles;
	int nr_layers;
	int stacked;
	double peak[MS_LAYERS_MAX];
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

/* ---- time_columns.c: what is shown, and where ------------------------------------ */

double ms_time_limit(uint64_t own, uint64_t lowest);
void ms_time_columns(struct ms_time *p, const struct ms_recording *r, bool classes);
void ms_time_arrange(struct ms_time *p, const struct ms_picture *want);

/* ---- time_data.c: blocks of data -------------------------------------------------- */

void ms_time_put_data(FILE *out, struct ms_time *p, const struct ms_recording *r);

/* ---- time_panels.c: what is drawn of them ----------------------------------------- */

void ms_time_main_panel(struct ms_script *s, const struct ms_time *p,
			const struct ms_panel *panel, const char *label);
void ms_time_reserved_panel(struct ms_script *s, const struct ms_time *p,
			    const struct ms_panel *panel);
int ms_time_event_rows(const struct ms_time *p);
void ms_time_event_panel(struct ms_script *s, const struct ms_time *p,
			 const struct ms_panel *panel);

#endif /* MS_PLOT_OVER_TIME_H */
