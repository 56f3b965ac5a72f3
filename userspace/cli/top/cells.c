// SPDX-License-Identifier: MIT
/* What stands in the cells of a table: sizes, shares, words. */
#include "cli.h"
#include "rules.h"
#include "view.h"

/* A size: "1.50 MiB", or, where there is little room, "1.50M". */
static void put_size(char *text, size_t size, uint64_t bytes, bool wide)
{
	const char *full = ms_size(bytes);
	size_t n = 0;

	if (bytes == TOP_UNKNOWN) {
		snprintf(text, size, "-");
	} else if (bytes == TOP_UNLIMITED) {
		snprintf(text, size, "max");
	} else if (wide) {
		snprintf(text, size, "%s", full);
	} else {
		for (; *full && n + 2 < size; full++) {
			if (*full == ' ')
				continue;
			text[n++] = *full;
			if (*full >= 'A')
				break;
		}
		text[n] = '\0';
	}
}

/**
 * ms_top_put_percent() - a share
 * @text:	where to put it
 * @size:	room
 * @percent:	of a hundred, or TOP_UNKNOWN
 */
void ms_top_put_percent(char *text, size_t size, uint64_t percent)
{
	if (percent == TOP_UNKNOWN)
		snprintf(text, size, "-");
	else if (percent > 999)
		snprintf(text, size, ">999%%");
	else
		snprintf(text, size, "%llu%%", (unsigned long long)percent);
}

static void put_pressure(char *text, size_t size, enum top_pressure pressure)
{
	static const char *const names[] = {
		[TOP_PRESSURE_UNKNOWN] = "-",
		[TOP_PRESSURE_NONE] = "none",
		[TOP_PRESSURE_HIGH] = "high",
		[TOP_PRESSURE_MAX] = "max",
	};

	snprintf(text, size, "%s", names[pressure]);
}

static void put_state(char *text, size_t size, unsigned int state, bool wide)
{
	static const char *const shorter[] = {
		[MEMSTATE_RESERVED] = "resrv",
		[MEMSTATE_PREPARED] = "prepd",
		[MEMSTATE_READY] = "ready",
	};

	snprintf(text, size, "%s", wide ? ms_state_names[state] : shorter[state]);
}

/**
 * ms_top_cell() - what a row has in a column, but for bars
 * @view:	the table; its state is that of the line
 * @row:	the row
 * @c:		the column
 * @wide:	sizes in full
 * @text:	where to put it
 * @size:	room
 */
void ms_top_cell(const struct top_view *view, const struct top_row *row, enum top_column c,
		 bool wide, char *text, size_t size)
{
	switch (c) {
	case TOP_PRESSURE:
		put_pressure(text, size, row->pressure);
		break;
	case TOP_COVERAGE:
		ms_top_put_percent(text, size, ms_top_coverage(row));
		break;
	case TOP_STATE:
		put_state(text, size, view->state, wide);
		break;
	default:
		put_size(text, size, ms_top_value(view, row, c), wide);
		break;
	}
}
