// SPDX-License-Identifier: MIT
/* memstate top: groups as a tree and the tasks in them, live. The command line. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "view.h"

static const char help[] =
	"usage: memstate top [OPTION]...\n\n"
	"Groups (cgroups) as a tree, and the tasks in them, live. Figures of a group are\n"
	"those of all below it. RESERVED, PREPARED and READY are reported (the programs'\n"
	"word), or of a task marked (observed) or (other) the kernel's; CHARGED, HIGH, MAX\n"
	"and PRESSURE are enforced (the module's); OBSERVED is what the module sees of\n"
	"those that report nothing, ANON the kernel's own counter. COVERAGE is how much of\n"
	"ANON, and of what is swapped out, is reported or observed, UNACCOUNTED the rest.\n"
	"'-' is not known.\n\n"
	"  --all             all processes, also those that nobody reports or observes\n"
	"  --batch           as plain text to standard output\n"
	"  --delay SECONDS   from one reading to the next (default 2)\n"
	"  --iterations N    end after N readings\n"
	"  --no-tasks        only groups\n"
	"  --sort COLUMN     by this one, the highest first; names and numbers the lowest\n"
	"  --reverse         the other way round\n"
	"  --flat            no tree: all tasks in one list; groups, without tasks\n"
	"  --cgroup CGROUP   only this one and all below it: a path in the hierarchy, a\n"
	"                    directory of cgroupfs, a cgroup id, a container\n"
	"  --classes[=STATE] bytes by class, in Ready, Prepared, Reserved, or all of them\n"
	"  --history[=WHAT]  the last 60 readings of what was Ready, or charged, as bars\n"
	"  --help            this text\n\n"
	"Keys: q quit, ? what there is.\n\n";

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "batch", no_argument, NULL, 'b' },
	{ "delay", required_argument, NULL, 'd' },
	{ "iterations", required_argument, NULL, 'n' },
	{ "no-tasks", no_argument, NULL, 't' },
	{ "sort", required_argument, NULL, 's' },
	{ "reverse", no_argument, NULL, 'r' },
	{ "flat", no_argument, NULL, 'f' },
	{ "cgroup", required_argument, NULL, 'g' },
	{ "classes", optional_argument, NULL, 'c' },
	{ "history", optional_argument, NULL, 'y' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/**
 * struct settings - the command line
 * @run:	what was asked for
 * @batch:	as plain text
 * @classes:	one of two tables
 * @history:	the other
 * @cgroup:	NULL: all
 */
struct settings {
	struct top_run run;
	bool batch;
	bool classes;
	bool history;
	const char *cgroup;
};

/* ---- the command line -------------------------------------------------------------- */

/* The columns, in lines that begin alike: for people, and for completion. */
static void column_names(char *text, size_t size, const char *indent, int width)
{
	int used = width;

	*text = '\0';
	for (int c = 0; c < TOP_NR_SORTS; c++) {
		const char *name = ms_top_column_name((enum top_column)c);
		size_t n = strlen(text);

		if (used + (int)strlen(name) >= width) {
			snprintf(text + n, size - n, "%s%s", c ? "\n" : "", indent);
			used = (int)strlen(indent) - 1;
			n = strlen(text);
			snprintf(text + n, size - n, "%s", name);
		} else {
			snprintf(text + n, size - n, " %s", name);
		}
		used += (int)strlen(name) + 1;
	}
}

static void print_help(void)
{
	char names[512];

	column_names(names, sizeof(names), "  ", 80);
	fputs(help, stdout);
	printf("Columns to sort by:\n%s\n", names);
}

static int sort_option(struct top_view *view, const char *name)
{
	int column = ms_top_column_find(name);
	char names[512];

	if (column < 0) {
		column_names(names, sizeof(names), "", sizeof(names));
		return ms_usage_error("top", "option '--sort': '%s' is none of %s",
				      name, names);
	}
	view->sort = (enum top_column)column;
	return 0;
}

static int classes_option(struct top_view *view, const char *state)
{
	static const char *const words[] = { "ready", "prepared", "reserved", "all" };
	static const unsigned int states[] = {
		MEMSTATE_READY, MEMSTATE_PREPARED, MEMSTATE_RESERVED, 0,
	};
	int i = state ? ms_word_arg("top", "--classes", state, words, 4) : 3;

	if (i < 0)
		return EXIT_USAGE;
	view->table = TABLE_CLASSES;
	view->state = states[i];
	return 0;
}

static int history_option(struct top_view *view, const char *what)
{
	static const char *const words[] = { "ready", "charged" };
	int i = what ? ms_word_arg("top", "--history", what, words, 2) : 0;

	if (i < 0)
		return EXIT_USAGE;
	view->table = TABLE_HISTORY;
	view->charged = i;
	return 0;
}

/* Return: 0, or the exit status. */
static int take_option(struct settings *set, int c, char **argv)
{
	switch (c) {
	case 'a':
		set->run.view.all = true;
		return 0;
	case 'b':
		set->batch = true;
		return 0;
	case 'd':
		return ms_seconds_arg("top", "--delay", 0.1, 86400, &set->run.delay);
	case 'n':
		return ms_count_arg("top", "--iterations", 1, ULONG_MAX, &set->run.iterations);
	case 't':
		set->run.view.no_tasks = true;
		return 0;
	case 's':
		return sort_option(&set->run.view, optarg);
	case 'r':
		set->run.view.reverse = true;
		return 0;
	case 'f':
		set->run.view.flat = true;
		return 0;
	case 'g':
		set->cgroup = optarg;
		return 0;
	case 'c':
		set->classes = true;
		return classes_option(&set->run.view, optarg);
	case 'y':
		set->history = true;
		return history_option(&set->run.view, optarg);
	default:
		return ms_option_error("top", c, argv);
	}
}

/* Return: 0, or the exit status after a message. */
static int choose_cgroup(struct settings *set)
{
	int ret = ms_top_filter_cgroup(&set->run.view.filter, set->run.paths, set->cgroup);

	if (ret == -ENODEV)
		ms_err("option '--cgroup': no cgroup v2 hierarchy is mounted");
	else if (ret == -ENOTUNIQ)
		ms_err("option '--cgroup': '%s': more than one cgroup has this name; give its path",
		       set->cgroup);
	else if (ret)
		ms_err("option '--cgroup': '%s' is neither a cgroup, nor a cgroup's id, nor a container",
		       set->cgroup);
	return ret ? 1 : 0;
}

/**
 * ms_top() - the command, on figures from anywhere
 * @paths:	where from
 * @argc:	as main has it
 * @argv:	likewise
 *
 * Return: the exit status.
 */
int ms_top(const struct top_paths *paths, int argc, char **argv)
{
	/* Two paths of a filter: not for the stack. */
	static struct settings set;
	int c, status;

	memset(&set, 0, sizeof(set));
	set.run.paths = paths;
	set.run.delay = 2;
	set.run.view.sort = TOP_PID;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":abd:n:h", options, NULL)) != -1) {
		if (c == 'h') {
			print_help();
			return 0;
		}
		status = take_option(&set, c, argv);
		if (status)
			return status;
	}
	if (optind < argc)
		return ms_usage_error("top", "'%s' is one argument too many",
				      argv[optind]);
	if (set.classes && set.history)
		return ms_usage_error("top", "--classes and --history are two tables; ask for one");
	/* For the width of what names are made of; figures keep their point. */
	setlocale(LC_CTYPE, "");
	status = set.cgroup ? choose_cgroup(&set) : 0;
	if (status)
		return status;
	return set.batch ? ms_top_batch(&set.run) : ms_top_live(&set.run);
}

int memstate_cmd_top(int argc, char **argv)
{
	static const struct top_paths paths = {
		.sysfs = SYSFS_DIR,
		.mountinfo = "/proc/self/mountinfo",
		.proc = "/proc",
		.fresh = ms_files_fresh,
	};

	return ms_top(&paths, argc, argv);
}
