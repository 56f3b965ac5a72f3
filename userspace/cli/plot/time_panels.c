// SPDX-License-Identifier: MIT
/* Figures over time: the panels, one below the other. */
#include <math.h>

#include "cli.h"
#include "over_time.h"

static const unsigned int event_colours[MEMSTATE_NR_EVENTS] = {
	MS_COLOUR_HIGH, MS_COLOUR_MAX, 0xcc3311, 0xcc79a7, 0x56b4e9,
};

/* Triangle up, diamond, triangle down, square, circle: none by its colour alone. */
static const int event_points[MEMSTATE_NR_EVENTS] = { 9, 13, 11, 5, 7 };

/* The plot commands of layers first to last - 1, the highest first, as it is drawn below. */
static void plot_layers(FILE *out, const struct ms_time *p, int first, int last)
{
	const char *comma = "plot ";

	for (int l = last - 1; l >= first; l--) {
		if (p->peak[l] <= 0)
			continue;
		fprintf(out, "%s$samples using 1:%d with %s fs solid 1 noborder lc rgb '#%06x'",
			comma, 3 + l, p->steps ? "fillsteps" : "filledcurves y1=0",
			p->styles[l].colour);
		comma = ", ";
	}
	/* Nothing but zeros. */
	if (*comma == 'p')
		fprintf(out, "plot $samples using 1:3 with lines lc rgb '#%06x'",
			p->styles[first].colour);
}

/* The last value of a limit that can be seen. */
static double last_limit(const struct ms_time *p, bool max)
{
	double limit = NAN;

	for (size_t i = 0; i < p->nr; i++) {
		double value = max ? p->columns[i].max : p->columns[i].high;

		if (value <= p->top)
			limit = value;
	}
	return limit;
}

/* Beside the panel, so that no data is behind it; two that are near give way. */
static void label_limits(struct ms_script *s, const struct ms_time *p, const struct ms_panel *panel)
{
	double limits[2] = { last_limit(p, false), last_limit(p, true) }, y[2];
	static const char *const names[2] = { "high", "max" };
	char text[40];

	for (int i = 0; i < 2; i++)
		y[i] = panel->bottom - limits[i] / p->top * (panel->bottom - panel->top);
	if (fabs(y[0] - y[1]) < 15) {
		double middle = (y[0] + y[1]) / 2, up = limits[0] > limits[1] ? -7.5 : 7.5;

		y[0] = middle + up;
		y[1] = middle - up;
	}
	for (int i = 0; i < 2; i++) {
		if (isnan(limits[i]))
			continue;
		snprintf(text, sizeof(text), "%s %s", names[i], ms_size((uint64_t)limits[i]));
		ms_script_text(s, panel->right + 6, y[i], "left", s->theme->text, 12, text);
	}
}

/**
 * ms_time_main_panel() - what is stacked, with limits and what is charged
 * @s:		the script
 * @p:		the picture
 * @panel:	where
 * @label:	of its axis
 */
void ms_time_main_panel(struct ms_script *s, const struct ms_time *p,
			const struct ms_panel *panel, const char *label)
{
	FILE *out = s->out;

	ms_script_panel(s, panel);
	label_limits(s, p, panel);
	ms_script_bytes(s, p->top, panel->bottom - panel->top);
	ms_script_axis(s, panel, label);
	plot_layers(out, p, 0, p->stacked);
	if (p->charged)
		fprintf(out, ", $samples using 1:2 with lines lw 1.3 dt (8,5) lc rgb '#%06x'",
			s->theme->text);
	if (!isnan(last_limit(p, false)))
		fprintf(out, ", $limit_high using 1:2 with lines lw 2 lc rgb '#%06x'",
			MS_COLOUR_HIGH);
	if (!isnan(last_limit(p, true)))
		fprintf(out, ", $limit_max using 1:2 with lines lw 2 lc rgb '#%06x'",
			MS_COLOUR_MAX);
	fputc('\n', out);
	ms_script_reset(s);
}

/**
 * ms_time_reserved_panel() - Reserved, where it would flatten the rest
 * @s:		the script
 * @p:		the picture
 * @panel:	where
 */
void ms_time_reserved_panel(struct ms_script *s, const struct ms_time *p,
			    const struct ms_panel *panel)
{
	ms_script_panel(s, panel);
	ms_script_bytes(s, p->peak[MS_LAYER_RESERVED] * 1.06, panel->bottom - panel->top);
	ms_script_axis(s, panel, "Reserved");
	plot_layers(s->out, p, MS_LAYER_RESERVED, MS_LAYER_RESERVED + 1);
	fputc('\n', s->out);
	ms_script_reset(s);
}

/**
 * ms_time_event_rows() - how many kinds of events there are to be seen
 * @p: the picture, with its data
 *
 * Return: rows of their panel.
 */
int ms_time_event_rows(const struct ms_time *p)
{
	int rows = p->pressure;

	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++)
		rows += p->counts[e] != 0;
	return rows;
}

/**
 * ms_time_event_panel() - a row for each kind of event, named at the left, counted at the right
 * @s:		the script
 * @p:		the picture
 * @panel:	where
 */
void ms_time_event_panel(struct ms_script *s, const struct ms_time *p,
			 const struct ms_panel *panel)
{
	int rows = ms_time_event_rows(p), row = rows;
	const char *comma = "plot ";
	FILE *out = s->out;
	char text[32];

	ms_script_panel(s, panel);
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		if (!p->counts[e])
			continue;
		row--;
		snprintf(text, sizeof(text), "%llu times", (unsigned long long)p->counts[e]);
		ms_script_text(s, panel->right + 6,
			       panel->bottom - (row + 0.5) * (panel->bottom - panel->top) / rows,
			       "left", s->theme->muted, 12, p->counts[e] == 1 ? "once" : text);
	}
	fprintf(out, "set yrange [0:%d]\nset ytics (", rows);
	row = rows;
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		if (!p->counts[e])
			continue;
		fprintf(out, "%s'%s' %.1f", row == rows ? "" : ", ", ms_event_names[e],
			row - 0.5);
		row--;
	}
	if (p->pressure)
		fprintf(out, "%s'pressure' 0.5", row == rows ? "" : ", ");
	fputs(")\nset grid noxtics ytics\n", out);
	row = rows;
	for (int e = 0; e < MEMSTATE_NR_EVENTS; e++) {
		if (!p->counts[e])
			continue;
		fprintf(out, "%s$%s using 1:(%.1f) with points pt %d ps %.2f lc rgb '#%06x'", comma,
			ms_event_names[e], --row + 0.5, event_points[e], s->points,
			event_colours[e]);
		comma = ", ";
	}
	if (p->pressure) {
		fprintf(out, "%s$pressure_high using 1:(0.5):1:2:(0.2):(0.8) with boxxyerror fs solid 1 noborder lc rgb '#%06x'",
			comma, MS_COLOUR_HIGH);
		fprintf(out, ", $pressure_max using 1:(0.5):1:2:(0.2):(0.8) with boxxyerror fs solid 1 noborder lc rgb '#%06x'",
			MS_COLOUR_MAX);
	}
	fputc('\n', out);
	ms_script_reset(s);
}
