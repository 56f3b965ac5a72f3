// SPDX-License-Identifier: MIT
/* memstate run: a program that does not know of memstate, accounted. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"

#define SHIM	"libmemstate-observe.so"
#define MALLOC	"libmemstate-malloc.so.0"

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
	bool quiet;
	bool malloc;
	const char *max;
	const char *high;
} opt;

static pid_t child;

/* The cgroup made for the program; fd below 0: none. */
static struct ms_cgroup own = { .fd = -1 };

/* Libraries are beside this program (a build tree), or where they were installed, in @dir. */
static bool find_library(const char *dir, const char *name, char *path, size_t size)
{
	static const char *const places[] = { "", "../lib/" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[1] = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(path, size, "%s%s%s", self, places[i], name);
		if (!access(path, R_OK))
			return true;
	}
	snprintf(path, size, "%s/%s", dir, name);
	if (!access(path, R_OK))
		return true;
	ms_err("%s is neither beside this program nor in %s", name, dir);
	return false;
}

/* What LD_PRELOAD is to be: ours before the program's own. Return: NULL: something is missing. */
static char *preloads(void)
{
	char shim[2 * PATH_MAX], allocator[2 * PATH_MAX] = "", *value;
	const char *others = getenv("LD_PRELOAD");

	if (!find_library(MS_PRELOADDIR, SHIM, shim, sizeof(shim)) ||
	    (opt.malloc && !find_library(MS_LIBDIR, MALLOC, allocator, sizeof(allocator))))
		return NULL;
	if (asprintf(&value, "%s%s%s%s%s", shim, *allocator ? ":" : "", allocator,
		     others && *others ? ":" : "", others ? others : "") < 0)
		return NULL;
	return value;
}

static void pass_on(int sig)
{
	kill(child, sig);
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
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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

/* ---- limits -------------------------------------------------------------------- */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;

	if (opt.quiet)
		return;
	fputs("memstate: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* A cgroup below one's own, with the limits set. Why not: in @why. */
static bool make_cgroup(const char **why)
{
	char path[PATH_MAX - 64], below[PATH_MAX];
	unsigned int set = (opt.max ? MEMSTATE_LIMIT_MAX : 0) |
			   (opt.high ? MEMSTATE_LIMIT_HIGH : 0);
	uint64_t max = MEMSTATE_UNLIMITED, high = MEMSTATE_UNLIMITED;
	char dir[2 * PATH_MAX];
	int ret;

	*why = "no cgroup v2 hierarchy";
	if (!ms_cgroup_root() || ms_cgroup_of_pid(0, path, sizeof(path)))
		return false;
	snprintf(below, sizeof(below), "%s/memstate-run-%d", path, getpid());
	snprintf(dir, sizeof(dir), "%s%s", ms_cgroup_root(), below);
	if (mkdir(dir, 0755)) {
		*why = strerror(errno);
		return false;
	}
	if (opt.max)
		memstate_parse_bytes(opt.max, &max);
	if (opt.high)
		memstate_parse_bytes(opt.high, &high);
	ret = ms_cgroup_open(&own, below);
	if (!ret)
		ret = memstate_limit_set(own.fd, set, high, max);
	if (!ret)
		return true;
	*why = strerror(-ret);
	ms_cgroup_close(&own);
	rmdir(dir);
	return false;
}

static void limit_itself(const char *why)
{
	if (opt.max)
		setenv("MEMSTATE_MAX", opt.max, 1);
	if (opt.high)
		setenv("MEMSTATE_HIGH", opt.high, 1);
	say("no cgroup of its own (%s): each process is limited by itself", why);
}

static void set_limits(void)
{
	const char *why = "no device";

	if (!opt.max && !opt.high)
		return;
	if (memstate_backend() == MEMSTATE_BACKEND_DEVICE && make_cgroup(&why))
		say("limited in cgroup %s", own.path);
	else
		limit_itself(why);
}

static bool enter_cgroup(void)
{
	char file[3 * PATH_MAX];
	FILE *f;

	if (own.fd < 0)
		return true;
	snprintf(file, sizeof(file), "%s/cgroup.procs", own.dir);
	f = fopen(file, "we");
	if (f && fputs("0", f) >= 0 && !fclose(f))
		return true;
	ms_err("%s: %s", file, strerror(errno));
	return false;
}

/* The limits' own last figures; then the cgroup goes, if nobody is left in it. */
static void leave_cgroup(void)
{
	struct memstate_limit l;

	if (own.fd < 0)
		return;
	if (!memstate_limit_get(own.fd, &l))
		say("enforced: max %s, high %s, peak %s, denied %llu, passed high %llu, breaches %llu",
		    ms_limit_size(l.max), ms_limit_size(l.high), ms_size(l.peak),
		    l.events[MEMSTATE_EVENT_DENIED], l.events[MEMSTATE_EVENT_HIGH],
		    l.events[MEMSTATE_EVENT_BREACH]);
	ms_cgroup_close(&own);
	for (int i = 0; i < 50; i++) {
		if (!rmdir(own.dir))
			return;
		/* Who has just died is not out of it at once. */
		usleep(20000);
	}
	ms_err("processes of the program go on in %s; its limits stay", own.dir);
}

static int size_arg(const char *option, const char *text)
{
	uint64_t bytes;

	if (!memstate_parse_bytes(text, &bytes))
		return 0;
	return ms_usage_error("run", "option '%s': '%s' is not a size (as 512M, or max)",
			      option, text);
}

int memstate_cmd_run(int argc, char **argv)
{
	char file[] = "/tmp/memstate-run-XXXXXX", *preload;
	int c, fd, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:jqh", options, NULL)) != -1) {
		switch (c) {
		case 'M':
			opt.malloc = true;
			break;
		case 'm':
			if (size_arg("--max", optarg))
				return EXIT_USAGE;
			opt.max = optarg;
			break;
		case 'H':
			if (size_arg("--high", optarg))
				return EXIT_USAGE;
			opt.high = optarg;
			break;
		case 'o':
			opt.output = optarg;
			break;
		case 'j':
			opt.json = true;
			break;
		case 'q':
			opt.quiet = true;
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
	preload = preloads();
	if (!preload)
		return 1;
	if (memstate_backend() == MEMSTATE_BACKEND_NONE) {
		ms_err("no back end: %s", memstate_error());
		return 1;
	}
	if (!opt.quiet)
		fprintf(stderr, "memstate: back end %s%s%s%s\n",
			memstate_backend_name(), *memstate_error() ? " (" : "",
			memstate_error(), *memstate_error() ? ")" : "");
	fd = mkstemp(file);
	if (fd < 0) {
		ms_err("%s: %s", file, strerror(errno));
		return 1;
	}
	close(fd);
	set_limits();

	child = fork();
	if (child < 0) {
		ms_err("fork: %s", strerror(errno));
		leave_cgroup();
		unlink(file);
		return 1;
	}
	if (!child) {
		if (!enter_cgroup())
			_exit(126);
		if (!opt.quiet)
			setenv("MEMSTATE_REPORT", file, 1);
		if (!setenv("LD_PRELOAD", preload, 1))
			execvp(argv[optind], argv + optind);
		ms_err("%s: %s", argv[optind], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	free(preload);
	status = wait_for();
	leave_cgroup();
	if (!opt.quiet && report(file) && !status)
		status = 1;
	unlink(file);
	return status;
}
