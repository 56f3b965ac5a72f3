// SPDX-License-Identifier: MIT
/* memstate adapt: what runtimes are to be told of a limit, for a shell, an image or a pod. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "knobs.h"
#include "program.h"

static const char help[] =
	"usage: memstate adapt --max SIZE [OPTION]...\n\n"
	"Print the environment that tells runtimes to stay below a limit, each in its own\n"
	"words: JVM, Node, Go, .NET, Ruby, PHP, and malloc of glibc, jemalloc and tcmalloc.\n"
	"memstate run --adapt sets the same for one program. Put it where the program is\n"
	"started from:\n\n"
	"  eval \"$(memstate adapt --max 512M)\"\n"
	"  memstate adapt --max 512M --format env >/etc/default/service\n\n"
	"  --max SIZE      the limit: bytes, with K, M, G or T behind, or 1.5GiB\n"
	"  --workers N     so many processes alike share it (default 1)\n"
	"  --format FORM   sh (default): export NAME='VALUE'; env: NAME=VALUE, as systemd's\n"
	"                  EnvironmentFile and podman's --env-file read it; docker: ENV; pod:\n"
	"                  a list for a container of Kubernetes; json\n"
	"  --runtime NAME  only what this one reads, as --explain names it; may be repeated\n"
	"  --explain       in remarks: which share, and why\n"
	"  --help          this text\n";

static const struct option options[] = {
	{ "max", required_argument, NULL, 'm' },
	{ "workers", required_argument, NULL, 'w' },
	{ "format", required_argument, NULL, 'f' },
	{ "runtime", required_argument, NULL, 'r' },
	{ "explain", no_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

#define RUNTIMES_MAX	16

static struct {
	const char *format;
	const char *runtimes[RUNTIMES_MAX];
	int nr_runtimes;
	bool explain;
} opt = { .format = "sh" };

static bool is_format(const char *name)
{
	return !strcmp(opt.format, name);
}

static bool wanted(const struct ms_knob *k)
{
	for (int i = 0; i < opt.nr_runtimes; i++)
		if (!strcasecmp(opt.runtimes[i], k->runtime))
			return true;
	return !opt.nr_runtimes;
}

static bool is_runtime(const char *name)
{
	for (size_t i = 0; i < ms_knobs_nr; i++)
		if (!strcasecmp(ms_knobs_all[i].runtime, name))
			return true;
	return false;
}

/* No value of ours has a quote or a backslash in it: none is the user's. */
static void print_value(const struct ms_knob *k, const char *value)
{
	if (is_format("env"))
		printf("%s=%s\n", k->name, value);
	else if (is_format("docker"))
		printf("ENV %s=\"%s\"\n", k->name, value);
	else if (is_format("pod"))
		printf("- name: %s\n  value: \"%s\"\n", k->name, value);
	else
		printf("export %s='%s'\n", k->name, value);
}

static int print_all(const struct ms_adapt *a)
{
	struct json_object *list = is_format("json") ? json_object_new_array() : NULL;
	const char *runtime = "";
	char text[MS_KNOB_VALUE_MAX];
	int nr = 0;

	for (size_t i = 0; i < ms_knobs_nr; i++) {
		const struct ms_knob *k = &ms_knobs_all[i];
		bool set = wanted(k) && ms_knob_value(k, a, text, sizeof(text));
		struct json_object *o;

		if (!wanted(k))
			continue;
		nr += set;
		if (list) {
			if (!set)
				continue;
			o = json_object_new_object();
			json_object_object_add(o, "runtime", json_object_new_string(k->runtime));
			json_object_object_add(o, "name", json_object_new_string(k->name));
			json_object_object_add(o, "value", json_object_new_string(text));
			if (opt.explain)
				json_object_object_add(o, "why", json_object_new_string(k->why));
			json_object_object_add(o, "tested", json_object_new_boolean(!k->untested));
			json_object_array_add(list, o);
			continue;
		}
		if (opt.explain)
			printf("%s# %s: %s%s%s\n", *runtime && strcmp(runtime, k->runtime) ? "\n" : "",
			       k->runtime, k->why, k->untested ? " (untested)" : "",
			       set ? "" : "; nothing to set at this limit");
		runtime = k->runtime;
		if (set)
			print_value(k, text);
	}
	if (list)
		return ms_json_print(list);
	if (!nr)
		ms_err("a limit of %s for each process is too small for these runtimes",
		       ms_size(a->max / a->workers));
	return !nr;
}

int memstate_cmd_adapt(int argc, char **argv)
{
	static const char *const formats[] = { "sh", "env", "docker", "pod", "json" };
	struct ms_adapt a = { .workers = 1, .phpdir = MS_PHPDIR };
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (ms_bytes_arg("adapt", "--max", argv, &a.max))
				return EXIT_USAGE;
			break;
		case 'w':
			if (ms_workers_arg("adapt", optarg, &a.workers))
				return EXIT_USAGE;
			break;
		case 'f':
			opt.format = optarg;
			if (ms_word_arg("adapt", "--format", optarg, formats, 5) < 0)
				return EXIT_USAGE;
			break;
		case 'r':
			if (!is_runtime(optarg))
				return ms_usage_error("adapt", "option '--runtime': nothing is known of '%s'; --explain has the names",
						      optarg);
			if (opt.nr_runtimes == RUNTIMES_MAX)
				return ms_usage_error("adapt", "option '--runtime': too many");
			opt.runtimes[opt.nr_runtimes++] = optarg;
			break;
		case 'e':
			opt.explain = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("adapt", c, argv);
		}
	}
	if (optind < argc)
		return ms_usage_error("adapt", "'%s' is one argument too many; a command is for memstate run --adapt",
				      argv[optind]);
	if (!a.max)
		return ms_usage_error("adapt", "--max is needed");
	return print_all(&a);
}

/* ---- for those who start programs ---------------------------------------------------- */

static const char *own(const char *name, void *arg)
{
	(void)arg;
	return getenv(name);
}

/**
 * ms_adapt_environment() - set what runtimes understand in our environment
 * @max:	the limit, bytes
 * @workers:	so many processes alike share it
 *
 * Return: 0; -ENOMEM.
 */
int ms_adapt_environment(uint64_t max, uint32_t workers)
{
	const struct ms_adapt a = {
		.max = max, .workers = workers, .get = own, .phpdir = MS_PHPDIR,
	};
	char text[MS_KNOB_VALUE_MAX];

	for (size_t i = 0; i < ms_knobs_nr; i++)
		if (ms_knob_value(&ms_knobs_all[i], &a, text, sizeof(text)) &&
		    setenv(ms_knobs_all[i].name, text, 1))
			return -ENOMEM;
	return 0;
}

/* How runtimes call themselves, their threads included: the beginnings of names. */
static const struct {
	const char *name;
	const char *runtime;
} callings[] = {
	{ "java", "JVM" }, { "GC Thread", "JVM" }, { "G1 ", "JVM" }, { "C1 Compiler", "JVM" },
	{ "C2 Compiler", "JVM" }, { "VM Thread", "JVM" }, { "VM Periodic", "JVM" },
	{ "node", "Node" }, { "MainThread", "Node" }, { "V8Worker", "Node" },
	{ "libuv-worker", "Node" }, { "dotnet", ".NET" }, { ".NET ", ".NET" }, { "ruby", "Ruby" },
	{ "php", "PHP" },
};

static const char *called(const char *name)
{
	for (size_t i = 0; i < sizeof(callings) / sizeof(callings[0]); i++)
		if (!strncmp(name, callings[i].name, strlen(callings[i].name)))
			return callings[i].runtime;
	return NULL;
}

/**
 * ms_adapt_runtime() - which runtime could be told of a limit, and is not
 * @command:	the program, as on the command line
 * @comm:	what the process that met the limit calls itself
 * @max:	the limit, bytes
 *
 * Return: its name; NULL: it is none that is known, or its owner has set it himself.
 */
const char *ms_adapt_runtime(const char *command, const char *comm, uint64_t max)
{
	const struct ms_adapt a = { .max = max, .workers = 1, .get = own, .phpdir = MS_PHPDIR };
	const char *base = strrchr(command, '/'), *runtime = called(comm);
	char text[MS_KNOB_VALUE_MAX];
	struct ms_program program;

	if (!runtime)
		runtime = called(base ? base + 1 : command);
	if (!runtime && ms_program_look(command, &program)) {
		base = strrchr(program.path, '/');
		runtime = program.go ? "Go" : called(base ? base + 1 : program.path);
	}
	for (size_t i = 0; runtime && i < ms_knobs_nr; i++)
		if (!strcmp(ms_knobs_all[i].runtime, runtime) &&
		    ms_knob_value(&ms_knobs_all[i], &a, text, sizeof(text)))
			return runtime;
	return NULL;
}

/**
 * ms_workers_arg() - how many processes alike share a limit, by the command line
 * @command:	for messages
 * @text:	the argument
 * @workers:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_workers_arg(const char *command, const char *text, uint32_t *workers)
{
	if (ms_workers_parse(text, workers))
		return 0;
	return ms_usage_error(command, "option '--workers': '%s' is not a number from 1 to %d",
			      text, MS_WORKERS_MAX);
}
