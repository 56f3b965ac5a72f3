// SPDX-License-Identifier: MIT
/* memstate run: a program that does not know of memstate, accounted. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "launch.h"

static const char help[] =
	"usage: memstate run [OPTION]... -- COMMAND [ARGUMENT]...\n\n"
	"Run a program with the observe shim preloaded, so that its memory is accounted.\n"
	"Where the module is not loaded each process keeps its books itself (embedded).\n"
	"When it has ended the last figures of its processes are printed to standard error;\n"
	"one that was killed leaves none. The exit status is the program's, 128 + N if\n"
	"signal N ended it.\n\n"
	"With a limit the program runs in a cgroup of its own that is removed afterwards,\n"
	"where one may make it; else each of its processes is limited by itself. It says\n"
	"which. SIZE is as for memory.max: bytes, with K, M, G or T behind, or max.\n\n"
	"  --malloc        with libmemstate-malloc in place of the program's own malloc:\n"
	"                  the heap is accounted, too, and limited\n"
	"  --max SIZE      over it memory does not become Ready: the program gets ENOMEM\n"
	"  --high SIZE     above it there is pressure\n"
	"  --output FILE   figures to FILE instead\n"
	"  --json          figures as one JSON document\n"
	"  --quiet         no figures, and nothing of the back end\n"
	"  --help          this text\n";

static const struct option options[] = {
	{ "malloc", no_argument, NULL, 'M' },
	{ "max", required_argument, NULL, 'm' },
	{ "high", required_argument, NULL, 'H' },
	{ "output", required_argument, NULL, 'o' },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static struct {
	const char *output;
	bool json;
} opt;

static struct ms_launch launch;

static void pass_on(int sig)
{
	kill(launch.pid, sig);
}

static int wait_for(void)
{
	struct sigaction forward = { .sa_handler = pass_on };
	int status;

	/* The terminal sends these to the program as well. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &forward, NULL);
	sigaction(SIGHUP, &forward, NULL);
	while (waitpid(launch.pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return ms_launch_status(status);
}

static uint64_t get(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_uint64(v) : 0;
}

static const char *get_text(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) :
						       "?";
}

static void print_report(FILE *out, struct json_object *list)
{
	size_t nr = json_object_array_length(list);

	fprintf(out, "%-8s %-16s %-9s %11s %11s %11s %11s %12s   reported\n", "PID",
		"COMMAND", "BACK END", "RESERVED", "PREPARED", "READY", "PEAK READY",
		"TRANSITIONS");
	for (size_t i = 0; i < nr; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		fprintf(out, "%-8llu %-16s %-9s %11s %11s %11s %11s %12llu\n",
			(unsigned long long)get(o, "pid"), get_text(o, "comm"),
			get_text(o, "backend"), ms_size(get(o, "reserved")),
			ms_size(get(o, "prepared")), ms_size(get(o, "ready")),
			ms_size(get(o, "peak_ready")),
			(unsigned long long)get(o, "transitions"));
	}
	if (!nr)
		fprintf(out, "no process of the program left figures\n");
}

static int report(const char *path)
{
	struct json_object *list = json_object_new_array(), *doc;
	FILE *in = fopen(path, "re"), *out = stderr;
	char *line = NULL;
	size_t size = 0;

	while (in && getline(&line, &size, in) > 0) {
		struct json_object *o = json_tokener_parse(line);

		if (o)
			json_object_array_add(list, o);
	}
	free(line);
	if (in)
		fclose(in);
	if (opt.output) {
		out = fopen(opt.output, "we");
		if (!out) {
			ms_err("%s: %s", opt.output, strerror(errno));
			json_object_put(list);
			return 1;
		}
	}
	if (opt.json) {
		doc = json_object_new_object();
		json_object_object_add(doc, "source",
				       json_object_new_string("reported"));
		json_object_object_add(doc, "processes", list);
		fprintf(out, "%s\n",
			json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY));
		json_object_put(doc);
	} else {
		print_report(out, list);
		json_object_put(list);
	}
	if (out != stderr)
		fclose(out);
	return 0;
}

int memstate_cmd_run(int argc, char **argv)
{
	char file[] = "/tmp/memstate-run-XXXXXX";
	int c, fd, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:jqh", options, NULL)) != -1) {
		switch (c) {
		case 'M':
			launch.malloc = true;
			break;
		case 'm':
			if (ms_launch_size("run", "--max", optarg))
				return EXIT_USAGE;
			launch.max = optarg;
			break;
		case 'H':
			if (ms_launch_size("run", "--high", optarg))
				return EXIT_USAGE;
			launch.high = optarg;
			break;
		case 'o':
			opt.output = optarg;
			break;
		case 'j':
			opt.json = true;
			break;
		case 'q':
			launch.quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("run", c, argv);
		}
	}
	if (optind == argc)
		return ms_usage_error("run", "a command is needed");
	fd = mkstemp(file);
	if (fd < 0) {
		ms_err("%s: %s", file, strerror(errno));
		return 1;
	}
	close(fd);
	launch.report = launch.quiet ? NULL : file;
	if (ms_launch_prepare(&launch)) {
		unlink(file);
		return 1;
	}
	if (ms_launch_start(&launch, argv + optind)) {
		ms_launch_finish(&launch);
		unlink(file);
		return 1;
	}
	status = wait_for();
	ms_launch_finish(&launch);
	if (!launch.quiet && report(file) && !status)
		status = 1;
	unlink(file);
	return status;
}
