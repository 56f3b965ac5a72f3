// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How memstate top shows rows: their order by each column, in a tree and flat, what a
 * filter leaves, and the history of each, on rows that are made up here.
 */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "top/view.h"

#define MIB	(1ULL << 20)

static struct top_row rows[80];
static struct top_data data = { .rows = rows };
static const struct top_paths nowhere = { .sysfs = "/none", .mountinfo = "/none", .proc = "/none" };

static struct top_row *add(bool task, uint64_t id, uint64_t parent, const char *name)
{
	struct top_row *row = &rows[data.nr++];

	memset(row, 0, sizeof(*row));
	row->task = task;
	row->id = id;
	row->parent = parent;
	row->books = 1000 + id;
	row->high = TOP_UNLIMITED;
	row->max = TOP_UNLIMITED;
	row->pressure = TOP_PRESSURE_NONE;
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

/* Names in order, with a dot for each row above, in brackets what is only context. */
static const char *shown(struct top_view *view)
{
	static char text[2048];
	struct top_list list = {};
	size_t n = 0;

	*text = '\0';
	if (ms_top_arrange(&data, view, &list))
		return "out of memory";
	for (size_t i = 0; i < list.nr; i++) {
		const struct top_row *r = list.rows[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s%s%s%s", i ? " " : "",
				      view->flat ? 0 : (int)r->depth, "......",
				      r->context ? "(" : "", r->name, r->context ? ")" : "");
	}
	ms_top_list_free(&list);
	return text;
}

static void shows(struct top_view *view, const char *want, const char *name)
{
	const char *got = shown(view);
	bool good = !strcmp(got, want);

	tap_ok(good, "%s", name);
	if (!good)
		printf("# got  %s\n# want %s\n", got, want);
}

/* ---- order ------------------------------------------------------------------------ */

/* Give a row a value in a column; 0: it is not known. */
static void set(struct top_row *r, enum top_column c, uint64_t value)
{
	uint64_t bytes = value ? value * MIB : TOP_UNKNOWN;

	switch (c) {
	case TOP_RESERVED:
		r->reserved = bytes;
		break;
	case TOP_PREPARED:
		r->prepared = bytes;
		break;
	case TOP_READY:
		r->ready = bytes;
		break;
	case TOP_CHARGED:
		r->charged = bytes;
		break;
	case TOP_HIGH:
		r->high = bytes;
		break;
	case TOP_MAX:
		r->max = bytes;
		break;
	case TOP_PRESSURE:
		r->pressure = (enum top_pressure)value;
		break;
	case TOP_BACKED:
		r->backed = bytes;
		break;
	case TOP_ANON:
	case TOP_UNACCOUNTED:
		r->anon = bytes;
		break;
	case TOP_COVERAGE:
		r->anon = value ? 100 * MIB : TOP_UNKNOWN;
		r->ready = value * MIB;
		break;
	case TOP_SCALE:
		r->max = value ? bytes : TOP_UNLIMITED;
		break;
	case TOP_TOTAL:
		r->classes[MEMSTATE_READY - 1][MEMSTATE_STACK] = bytes;
		break;
	default:
		r->classes[MEMSTATE_READY - 1][c - TOP_HEAP] = bytes;
		break;
	}
}

/* Five siblings: two are equal, one is not known. */
static void by_each_column(void)
{
	static const uint64_t values[] = { 1, 2, 0, 3, 2 };
	char name[64];

	for (int c = TOP_RESERVED; c < TOP_NR_SORTS; c++) {
		struct top_view view = { .sort = (enum top_column)c };

		data.nr = 0;
		add(false, 1, 0, "/");
		for (int i = 0; i < 5; i++) {
			snprintf(name, sizeof(name), "%c", 'a' + i);
			set(add(true, (uint64_t)(20 + i), 1, name), (enum top_column)c,
			    values[i]);
		}
		snprintf(name, sizeof(name), "%s: the highest first, equal ones by number",
			 ms_top_column_name((enum top_column)c));
		shows(&view, "/ .d .b .e .a .c", name);
		view.reverse = true;
		snprintf(name, sizeof(name), "%s: reversed, what is not known is last still",
			 ms_top_column_name((enum top_column)c));
		shows(&view, "/ .a .b .e .d .c", name);
		view.flat = true;
		snprintf(name, sizeof(name), "%s: flat", ms_top_column_name((enum top_column)c));
		shows(&view, "a b e d c", name);
		tap_is(ms_top_column_find(ms_top_column_name((enum top_column)c)), c,
		       "%s: is found by its name", ms_top_column_name((enum top_column)c));
	}
	tap_is(ms_top_column_find("nonsense"), -1, "no column of another name");
	tap_is(ms_top_column_find(""), -1, "no column without a name");
}

/*
 *	/                     1
 *	+- 5 zeta
 *	+- Web                10
 *	|  +- 7 alpha
 *	|  `- redis           11
 *	|     `- 6 beta
 *	`- batch              12
 *	   `- web-jobs        13
 *	      `- 4 gamma
 *	9 stray, of a group that is not there
 */
static void small_tree(void)
{
	data.nr = 0;
	add(false, 11, 10, "redis")->ready = 30;
	add(true, 9, 99, "stray")->ready = 1;
	add(false, 13, 12, "web-jobs")->ready = 40;
	add(false, 12, 1, "batch")->ready = 40;
	add(true, 5, 1, "zeta")->ready = 35;
	add(false, 1, 0, "/")->ready = 200;
	add(true, 7, 10, "alpha")->ready = 60;
	add(false, 10, 1, "Web")->ready = 90;
	add(true, 6, 11, "beta")->ready = 30;
	add(true, 4, 13, "gamma")->ready = 40;
}

static void trees(void)
{
	struct top_view view = { .sort = TOP_PID };

	small_tree();
	shows(&view, "/ .zeta .Web ..alpha ..redis ...beta .batch ..web-jobs ...gamma stray",
	      "pid: tasks by number before groups by name");
	view.reverse = true;
	shows(&view, "/ .batch ..web-jobs ...gamma .Web ..redis ...beta ..alpha .zeta stray",
	      "pid: reversed");
	view = (struct top_view) { .sort = TOP_NAME };
	shows(&view, "/ .Web ..alpha ..redis ...beta .batch ..web-jobs ...gamma .zeta stray",
	      "name: tasks and groups alike");
	view.reverse = true;
	shows(&view, "/ .zeta .batch ..web-jobs ...gamma .Web ..redis ...beta ..alpha stray",
	      "name: reversed");
	view = (struct top_view) { .sort = TOP_READY };
	shows(&view, "/ .Web ..alpha ..redis ...beta .batch ..web-jobs ...gamma .zeta stray",
	      "ready: siblings are sorted, and children stay below their parent");
	view.no_tasks = true;
	shows(&view, "/ .Web ..redis .batch ..web-jobs", "without tasks");
	view.flat = true;
	shows(&view, "/ Web batch web-jobs redis", "flat without tasks: groups");
	view.no_tasks = false;
	shows(&view, "alpha gamma zeta beta stray", "flat: tasks of all groups");
	view.sort = TOP_PID;
	shows(&view, "gamma zeta beta alpha stray", "flat: tasks by number");
	view = (struct top_view) { .sort = TOP_MAX };
	rows[3].max = 5;	/* batch */
	rows[4].max = TOP_UNKNOWN;	/* zeta */
	shows(&view, "/ .Web ..alpha ..redis ...beta .batch ..web-jobs ...gamma .zeta stray",
	      "max: no limit is more than any, not known is last");
}

/* ---- filter ------------------------------------------------------------------------- */

static const char *said(const struct top_view *view)
{
	static char text[256];

	ms_top_filter_say(&view->filter, text, sizeof(text));
	return text;
}

static void filters(void)
{
	struct top_view view = { .sort = TOP_PID };

	small_tree();
	ms_top_filter_text(&view.filter, &nowhere, "redis");
	shows(&view, "(/) .(Web) ..redis ...beta", "filter: a group, all below it, context");
	tap_ok(!*said(&view), "filter: nothing to say");
	view.flat = true;
	shows(&view, "beta", "filter: flat has no context");
	view.no_tasks = true;
	shows(&view, "redis", "filter: flat without tasks: only what is asked for");
	view = (struct top_view) { .sort = TOP_PID };
	ms_top_filter_text(&view.filter, &nowhere, "WEB");
	shows(&view, "(/) .Web ..alpha ..redis ...beta .(batch) ..web-jobs ...gamma",
	      "filter: part of a path, in any case, several groups");
	view.no_tasks = true;
	shows(&view, "(/) .Web ..redis .(batch) ..web-jobs", "filter: without tasks");
	view.no_tasks = false;
	ms_top_filter_text(&view.filter, &nowhere, "/Web/re");
	shows(&view, "(/) .(Web) ..redis ...beta", "filter: the beginning of a path");
	ms_top_filter_text(&view.filter, &nowhere, "/redis");
	shows(&view, "", "filter: a path begins at the root");
	ms_top_filter_text(&view.filter, &nowhere, "tch/we");
	shows(&view, "(/) .(batch) ..web-jobs ...gamma", "filter: across a slash");
	ms_top_filter_text(&view.filter, &nowhere, "12");
	shows(&view, "(/) .batch ..web-jobs ...gamma", "filter: a cgroup id");
	ms_top_filter_text(&view.filter, &nowhere, "alpha");
	shows(&view, "", "filter: a task's name is no group's path");
	tap_ok(!strcmp(said(&view), "no group has 'alpha' in its path"), "filter: it says so");
	ms_top_filter_text(&view.filter, &nowhere, "/");
	shows(&view, "/ .zeta .Web ..alpha ..redis ...beta .batch ..web-jobs ...gamma",
	      "filter: all that has a path");
	ms_top_filter_text(&view.filter, &nowhere, "");
	shows(&view, "/ .zeta .Web ..alpha ..redis ...beta .batch ..web-jobs ...gamma stray",
	      "filter: empty shows all");
	tap_ok(!*said(&view), "filter: empty has nothing to say");

	ms_top_filter_text(&view.filter, &nowhere, "redis");
	shown(&view);
	rows[0].parent = rows[0].id = 500;
	strcpy(rows[0].name, "other");
	shown(&view);
	tap_ok(strstr(said(&view), "all groups with 'redis' in their path are gone since "),
	       "filter: what goes is said");
	tap_is(ms_top_filter_cgroup(&view.filter, &nowhere, "12"), -ENODEV,
	       "filter: one cgroup, nowhere");
	tap_ok(!strcmp(view.filter.text, "redis"), "filter: an error leaves it as it was");
}

/* ---- history ------------------------------------------------------------------------ */

static const char *bars(const struct top_view *view, const struct top_row *row, int width)
{
	static char text[TOP_READINGS * MB_LEN_ROOM + 1];

	ms_top_history_bars(view, row, width, text);
	return text;
}

static void read_again(struct top_history *h, uint64_t ready, uint64_t charged)
{
	rows[0].ready = ready;
	rows[0].charged = charged;
	if (ms_top_history_add(h, &data))
		exit(1);
}

static void histories(void)
{
	static const uint64_t series[] = { 0, 1, 10, 20, 30, 40, 50, 60, 70, 80 };
	struct top_view view = { .table = TABLE_HISTORY };
	struct top_history h = {};
	struct top_row swap;

	data.nr = 0;
	add(true, 7, 1, "one");
	tap_is(ms_top_history_scale(&view, &rows[0]), TOP_UNKNOWN, "history: none yet");
	tap_ok(!strcmp(bars(&view, &rows[0], 5), "     "), "history: no bars yet");
	for (size_t i = 0; i < sizeof(series) / sizeof(series[0]); i++)
		read_again(&h, series[i] * MIB, series[9 - i] * MIB);
	tap_ok(!strcmp(bars(&view, &rows[0], 12), "   ..:-=+*%#"),
	       "history: bars in ASCII, the last at the right, what is not nothing is seen");
	tap_is(ms_top_history_scale(&view, &rows[0]), 80 * MIB, "history: scaled to the highest");
	tap_ok(!strcmp(bars(&view, &rows[0], 4), "+*%#"), "history: the last that have room");
	view.charged = true;
	tap_ok(!strcmp(bars(&view, &rows[0], 12), "  #%*+=-:.. "), "history: of what was charged");
	view.charged = false;
	rows[0].max = 160 * MIB;
	tap_is(ms_top_history_scale(&view, &rows[0]), 160 * MIB, "history: scaled to the limit");
	tap_ok(!strcmp(bars(&view, &rows[0], 10), " ...::--=="), "history: half as high then");
	rows[0].max = 40 * MIB;
	tap_ok(!strcmp(bars(&view, &rows[0], 5), "#####"), "history: above the limit is full");
	rows[0].max = TOP_UNLIMITED;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		exit(1);
	tap_ok(!strcmp(bars(&view, &rows[0], 10), " ▁▁▂▃▄▅▆▇█"), "history: bars in Unicode");
	setlocale(LC_CTYPE, "C");

	/* Another row, and another place in the list: each keeps its own. */
	add(false, 7, 0, "two")->ready = 8 * MIB;
	read_again(&h, 40 * MIB, TOP_UNKNOWN);
	swap = rows[0];
	rows[0] = rows[1];
	rows[1] = swap;
	ms_top_history_join(&h, &data);
	tap_ok(!strcmp(bars(&view, &rows[1], 3), "%#=") && !strcmp(bars(&view, &rows[0], 3), "  #"),
	       "history: goes with its row, wherever that stands");
	view.charged = true;
	tap_ok(!strcmp(bars(&view, &rows[1], 3), ".  "), "history: what was not known is blank");
	view.charged = false;
	tap_is(h.nr, 2, "history: of each row one");

	/* Books of another process with the same number. */
	data.nr = 1;
	rows[0] = swap;
	rows[0].books++;
	read_again(&h, 5 * MIB, 0);
	tap_ok(!strcmp(bars(&view, &rows[0], 4), "   #"), "history: another process begins anew");
	tap_is(h.nr, 1, "history: what is gone is forgotten");
	data.nr = 0;
	ms_top_history_add(&h, &data);
	tap_is(h.nr, 0, "history: of nothing nothing");
	data.nr = 1;
	read_again(&h, 80 * MIB, 0);
	tap_ok(!strcmp(bars(&view, &rows[0], 4), "   #"), "history: what comes back begins anew");

	for (int i = 0; i < TOP_READINGS - 1; i++)
		read_again(&h, 10 * MIB, 0);
	tap_ok(bars(&view, &rows[0], TOP_READINGS)[0] == '#' &&
	       ms_top_history_scale(&view, &rows[0]) == 80 * MIB, "history: as long as it is kept");
	read_again(&h, 10 * MIB, 0);
	tap_ok(strspn(bars(&view, &rows[0], TOP_READINGS), "#") == TOP_READINGS &&
	       ms_top_history_scale(&view, &rows[0]) == 10 * MIB,
	       "history: the oldest goes, and the scale with it");
	ms_top_history_free(&h);
}

/* ---- text --------------------------------------------------------------------------- */

static void ends(const char *text, int width, const char *want, int columns, const char *name)
{
	char line[80 * MB_LEN_ROOM];
	int got = ms_top_put_end(line, text, width);

	tap_ok(!strcmp(line, want) && got == columns, "text: %s", name);
	if (strcmp(line, want) || got != columns)
		printf("# '%s', %d columns\n", line, got);
}

static void texts(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	ends("abcdef", 4, "~def", 4, "its end, with a mark");
	ends("abc", 3, "abc", 3, "all of it");
	ends("", 3, "", 0, "nothing");
	ends("水水水", 4, "~水", 3, "wide characters are not halved");
	ends("a\xff\x1b", 3, "a??", 3, "what cannot be shown");
	setlocale(LC_CTYPE, "C");
	ends("水", 9, "???", 3, "of another locale");
}

int main(void)
{
	by_each_column();
	trees();
	filters();
	histories();
	texts();
	return tap_end();
}
