// SPDX-License-Identifier: MIT
/* memstate top --batch: tables as plain text. */
#include <time.h>

#include "cli.h"
#include "view.h"

static void print_table(const struct top_data *data, const struct top_view *view,
			const struct top_list *list)
{
	char line[LINE_ROOM];
	struct top_layout l;

	ms_top_layout_all(view, list, &l);
	ms_top_title_line(data, view, false, line, sizeof(line));
	puts(line);
	ms_top_summary_line(data, line, sizeof(line));
	puts(line);
	ms_top_band_line(view, &l, line);
	puts(line);
	ms_top_heading_line(view, &l, line);
	puts(line);
	for (size_t i = 0; i < list->nr; i++) {
		for (int nr = 0; nr < ms_top_row_lines(view); nr++) {
			ms_top_row_line(view, &l, list->rows[i], nr, line);
			puts(line);
		}
	}
	ms_top_filter_say(&view->filter, line, sizeof(line));
	if (*line)
		printf("(%s)\n", line);
}

/**
 * ms_top_batch() - print tables
 * @run: what was asked for
 *
 * Return: the exit status.
 */
int ms_top_batch(struct top_run *run)
{
	struct top_history history = {};
	struct top_data data = {};
	struct top_list list = {};
	double next = ms_now();
	int status = 0, ret;

	for (unsigned long n = 0; !run->iterations || n < run->iterations; n++) {
		if (n) {
			struct timespec wait = ms_top_seconds(next - ms_now());

			nanosleep(&wait, NULL);
			putchar('\n');
		}
		next = ms_now() + run->delay;
		ret = ms_top_collect(run->paths, ms_top_wanted(&run->view) |
				     (run->view.no_tasks ? 0 : TOP_TASKS), &data);
		/* Bars are the only thing that history is for here. */
		if (!ret && (run->view.table == TABLE_HISTORY || run->view.sort == TOP_SCALE))
			ret = ms_top_history_add(&history, &data);
		if (!ret) {
			ms_top_filter_follow(&run->view.filter, run->paths, &data);
			ret = ms_top_arrange(&data, &run->view, &list);
		}
		if (ret) {
			status = ms_top_explain(run->paths, ret);
			break;
		}
		print_table(&data, &run->view, &list);
		status = ms_print_end();
		if (status)
			break;
	}
	ms_top_list_free(&list);
	ms_top_history_free(&history);
	ms_top_free(&data);
	return status;
}
