// SPDX-License-Identifier: MIT
/* What stands above a table: what is read and shown, and the whole system in words. */
#include "cli.h"
#include "view.h"

/* Of what is asked for: other things want to be seen in the line, too. */
#define FILTER_WIDTH	24

/**
 * ms_top_title_line() - what is read, and what of it is shown
 * @data:	what was read
 * @view:	what is shown
 * @paused:	no more readings
 * @line:	where to put it
 * @size:	room
 */
void ms_top_title_line(const struct top_data *data, const struct top_view *view,
		       bool paused, char *line, size_t size)
{
	uint64_t tasks = TOP_UNKNOWN;
	char clock[16] = "", only[FILTER_WIDTH * MB_LEN_ROOM + 1];
	struct tm tm;
	FILE *f = fmemopen(line, size, "w");

	*line = '\0';
	if (!f)
		return;
	for (size_t i = 0; i < data->nr; i++)
		if (!data->rows[i].task && !data->rows[i].parent)
			tasks = data->rows[i].nr_tasks;
	if (localtime_r(&data->when, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fprintf(f, "memstate top  %s  %zu groups", clock, data->groups);
	if (tasks != TOP_UNKNOWN)
		fprintf(f, ", %llu tasks", (unsigned long long)tasks);
	if (data->others)
		fprintf(f, ", %zu of others not shown", data->others);
	if (*view->filter.text) {
		ms_top_put_end(only, view->filter.text, FILTER_WIDTH);
		fprintf(f, "  only %s", only);
	}
	if (view->sort != TOP_PID || view->reverse)
		fprintf(f, "  by %s%s", ms_top_column_name(view->sort),
			view->reverse ? ", reversed" : "");
	fprintf(f, "%s%s", view->flat ? "  flat" : "", paused ? "  paused" : "");
	fclose(f);
}

/**
 * ms_top_summary_line() - of the whole system, in words
 * @data:	what was read
 * @line:	where to put it
 * @size:	room
 */
void ms_top_summary_line(const struct top_data *data, char *line, size_t size)
{
	const struct top_row *root = NULL;
	bool unenforced = false;
	char percent[16];

	for (size_t i = 0; i < data->groups; i++) {
		if (!root && !data->rows[i].parent)
			root = &data->rows[i];
		unenforced |= data->rows[i].unenforced;
	}
	if (unenforced) {
		snprintf(line, size, MS_UNENFORCED);
		return;
	}
	if (!root || root->anon == TOP_UNKNOWN) {
		snprintf(line, size,
			 "unaccounted -: no anon (observed) of the root cgroup's can be read");
		return;
	}
	ms_top_put_percent(percent, sizeof(percent), ms_top_coverage(root));
	if (root->observes && root->backed != TOP_UNKNOWN)
		snprintf(line, size, "unaccounted %s: anon %s, %s reported, %s observed (%s)",
			 ms_size(ms_top_unaccounted(root)), ms_size(root->anon),
			 ms_size(ms_top_reported(root)), ms_size(root->backed), percent);
	else
		snprintf(line, size, "unaccounted %s: anon %s observed, %s reported (%s)",
			 ms_size(ms_top_unaccounted(root)), ms_size(root->anon),
			 ms_size(ms_top_reported(root)), percent);
}
