// SPDX-License-Identifier: MIT
/* memstate(1): finds the command and runs it. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "stat", memstate_cmd_stat, "totals of the system or of processes" },
	{ "top", memstate_cmd_top, "groups and tasks, live" },
	{ "run", memstate_cmd_run, "run any program and tell what memory it took" },
	{ "adapt", memstate_cmd_adapt, "tell runtimes of a limit, by their own settings" },
	{ "limit", memstate_cmd_limit, "show or set the limits of a cgroup" },
	{ "shrink", memstate_cmd_shrink, "lower the limit of what runs, or leave it" },
	{ "tend", memstate_cmd_tend, "tell programs of limit and pressure, while they run" },
	{ "advise", memstate_cmd_advise, "which limits would be right" },
	{ "observe", memstate_cmd_observe, "have programs that report nothing observed" },
	{ "watch", memstate_cmd_watch, "events of a cgroup as they happen" },
	{ "export", memstate_cmd_export, "figures for Prometheus" },
	{ "ranges", memstate_cmd_ranges, "the ledger of a process" },
	{ "audit", memstate_cmd_audit, "where ledger and mappings differ" },
	{ "scan", memstate_cmd_scan, "estimate for a process that does not report" },
	{ "record", memstate_cmd_record, "figures over time, into a file" },
	{ "plot", memstate_cmd_plot, "pictures of a recording" },
	{ "replay", memstate_cmd_replay, "the same books from an strace log" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *f)
{
	fprintf(f, "usage: memstate COMMAND [OPTION]... [ARGUMENT]...\n\n");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(f, "\nmemstate help COMMAND tells more; memstate --version.\n");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	ms_err("no command '%s'; 'memstate help' lists them", name);
	return NULL;
}

/* Of a command: what it says itself. */
static int help(int argc, char **argv)
{
	char option[] = "--help";
	char *words[] = { NULL, option, NULL };
	const struct command *command;

	if (argc < 2 || !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	command = find(argv[1]);
	if (!command)
		return EXIT_USAGE;
	words[0] = argv[1];
	return command->run(2, words);
}

/* The core's port wants one for programs; the tools only use pure parts. */
void ms_warn(const char *cond, const char *file, int line);
void ms_warn(const char *cond, const char *file, int line)
{
	fprintf(stderr, "memstate: %s:%d: %s\n", file, line, cond);
	abort();
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("memstate %s\n", MS_VERSION);
		return 0;
	}
	command = find(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : EXIT_USAGE;
}
