// SPDX-License-Identifier: MIT
/* The picture of figures over time: panels in a frame, with a legend. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "over_time.h"

#define LEFT		92
#define RIGHT		106
#define BOTTOM		52
#define GAP		16
#define EVENT_ROW	18

static const struct ms_layer_style state_styles[MS_NR_LAYERS] = {
	{ "Ready", MS_COLOUR_READY },
	{ "Ready (observed)", MS_COLOUR_BACKED },
	{ "Reserved (lazy)", MS_COLOUR_RESERVED_LAZY },
	{ "Prepared (lazy)", MS_COLOUR_PREPARED_LAZY },
	{ "Prepared", MS_COLOUR_PREPARED },
	{ "Prepared (observed)", MS_COLOUR_COMMIT },
	{ "Reserved", MS_COLOUR_RESERVED },
};

static const struct ms_layer_style class_styles[MEMSTATE_NR_CLASSES] = {
	{ "heap", 0x0072b2 }, { "stack", 0xcc79a7 }, { "metadata", 0x009e73 },
	{ "code", 0xb8a800 }, { "other", 0x9a9fa6 }, { "user1", 0x56b4e9 },
	{ "user2", 0x8c6bb1 }, { "user3", 0xa0522d },
};

static void put_legend(struct ms_script *s, const struct ms_time *p, const struct ms_recording *r)
{
	const struct ms_sample *last = &r->samples[r->nr_samples - 1];
	double limit;
	char text[64];

	for (int l = 0; l < p->nr_layers; l++) {
		if (p->peak[l] <= 0 || (l >= p->stacked && !p->reserved_panel))
			continue;
		snprintf(text, sizeof(text), "%s, peak %s", p->styles[l].name,
			 ms_size((uint64_t)p->peak[l]));
		ms_script_legend(s, MS_SWATCH_AREA, p->styles[l].colour, text);
	}
	if (p->charged)
		ms_script_legend(s, MS_SWATCH_LINE, s->theme->text, "charged");
	if (p->pressure) {
		ms_script_legend(s, MS_SWATCH_AREA, MS_COLOUR_HIGH, "pressure: high");
		ms_script_legend(s, MS_SWATCH_AREA, MS_COLOUR_MAX, "pressure: max");
	}
	/* Limits that are out of sight. */
	for (int max = 0; last->limited && max < 2; max++) {
		limit = max ? ms_time_limit(last->limit.max, last->limit.lowest_max) :
			      ms_time_limit(last->limit.high, last->limit.lowest_high);
		if (!(limit > p->top))
			continue;
		snprintf(text, sizeof(text), "(%s %s is above the axis)", max ? "max" : "high",
			 ms_size((uint64_t)limit));
		ms_script_legend(s, MS_SWATCH_NONE, 0, text);
	}
}

static void put_subtitle(char *text, size_t size, const struct ms_recording *r)
{
	int n = snprintf(text, size, "%zu samples", r->nr_samples);

	if (r->interval > 0)
		n += snprintf(text + n, size - (size_t)n, ", one each %g s", r->interval);
	if (r->start)
		n += snprintf(text + n, size - (size_t)n, ", from %s", r->start);
	if (r->cut)
		n += snprintf(text + n, size - (size_t)n, "; the recording is cut off");
	if (r->lost)
		snprintf(text + n, size - (size_t)n, "; %llu transitions were lost",
			 (unsigned long long)r->lost);
}

static const char *main_label(const struct ms_time *p, bool classes)
{
	if (classes)
		return "Ready, by class";
	return p->stacked == MS_NR_LAYERS ? "Memory by state" : "Ready and Prepared";
}

/**
 * ms_plot_time() - figures over time
 * @s:		the script, its first members set
 * @r:		the recording
 * @want:	what is wanted
 *
 * Return: 0; 1 after a message: there is nothing to show.
 */
int ms_plot_time(struct ms_script *s, const struct ms_recording *r, const struct ms_picture *want)
{
	struct ms_time p = {
		.styles = want->classes ? class_styles : state_styles,
		.nr_layers = want->classes ? MEMSTATE_NR_CLASSES : MS_NR_LAYERS,
	};
	struct ms_panel panel = { .left = LEFT, .right = s->width - RIGHT };
	char subtitle[256], title[256];
	int rows, space, bottom;
	double span;

	if (!r->nr_samples) {
		ms_err("the recording has no samples: there is nothing to plot");
		return 1;
	}
	span = r->samples[r->nr_samples - 1].t - r->samples[0].t;
	p.unit = ms_time_scale(r, span, &p.label);
	p.first = r->samples[0].t / p.unit;
	p.last = r->samples[r->nr_samples - 1].t / p.unit;
	p.steps = r->interval <= 0;
	/* A single sample is a moment; it is shown as one of some width. */
	if (p.last <= p.first)
		p.last = p.first + (r->interval > 0 ? r->interval / p.unit : 1);
	ms_time_columns(&p, r, want->classes);
	if (p.nr == 1) {
		p.columns[1] = p.columns[0];
		p.columns[p.nr++].t = p.last;
	}
	ms_time_arrange(&p, want);
	ms_time_put_data(s->out, &p, r);

	snprintf(title, sizeof(title), "%s: %s", want->title ? want->title : r->name ? r->name : "?",
		 want->classes ? "Ready memory by class" : "memory by state");
	put_subtitle(subtitle, sizeof(subtitle), r);
	ms_script_begin(s, want->title ? want->title : title, subtitle);
	put_legend(s, &p, r);
	fprintf(s->out, "set xrange [%.9g:%.9g]\nset format x ''\n", p.first, p.last);

	rows = ms_time_event_rows(&p);
	bottom = s->height - BOTTOM;
	panel.top = ms_script_legend_end(s);
	space = bottom - panel.top - (rows ? rows * EVENT_ROW + GAP : 0);
	panel.bottom = panel.top + (p.reserved_panel ? (space - GAP) * 7 / 10 : space);
	if (!rows && !p.reserved_panel)
		ms_script_time(s, &panel, p.label);
	ms_time_main_panel(s, &p, &panel, main_label(&p, want->classes));
	if (p.reserved_panel) {
		panel.top = panel.bottom + GAP;
		panel.bottom = bottom - (rows ? rows * EVENT_ROW + GAP : 0);
		if (!rows)
			ms_script_time(s, &panel, p.label);
		ms_time_reserved_panel(s, &p, &panel);
	}
	if (rows) {
		panel.top = panel.bottom + GAP;
		panel.bottom = bottom;
		ms_script_time(s, &panel, p.label);
		ms_time_event_panel(s, &p, &panel);
	}
	fputs("unset multiplot\n", s->out);
	free(p.columns);
	return 0;
}
