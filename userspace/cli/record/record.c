// SPDX-License-Identifier: MIT
/* memstate record, figures over time into a file: its command line. */
#include <limits.h>

#include "cli.h"
#include "recorder.h"

#define INTERVAL_MIN	0.001
#define DURATION_MAX	1e9
#define MAX_SIZE	((uint64_t)256 << 20)
#define MAX_SIZE_MIN	((uint64_t)64 << 10)
#define BUFFER		((uint64_t)4 << 20)
#define BUFFER_MIN	((uint64_t)4 << 10)
#define BUFFER_MAX	((uint64_t)1 << 30)

static const char help[] =
	"usage: memstate record -o FILE [OPTION]... [-p PID | -g TARGET | -- COMMAND [ARGUMENT]...]\n\n"
	"Write the figures of the system, a process, a cgroup and all below it, or of a\n"
	"program that is run as by 'memstate run --reported', to FILE at a fixed interval,\n"
	"until it ends, or SIGINT or SIGTERM. 'memstate plot FILE' makes pictures of it.\n"
	"TARGET is as for 'memstate limit'. With COMMAND the exit status is the program's.\n\n"
	"  -o, --output FILE      lines of JSON; compressed if its name ends in .gz\n"
	"  -p, --pid PID          a process\n"
	"  -g, --group TARGET     a cgroup\n"
	"  --interval SECONDS     from 0.001 (default 0.1)\n"
	"  --duration SECONDS     end after so long\n"
	"  --ranges N             also the ledger of the process (or of COMMAND's), at the\n"
	"                         first sample, then at each N-th, and at the last\n"
	"  --transitions          also every transition, from the tracepoints (root's)\n"
	"  --trace-buffer SIZE    per processor for transitions not yet read (default 4M)\n"
	"  --max-size SIZE        of FILE (default 256M); recording ends when it is reached\n"
	"  --malloc               COMMAND: as for 'memstate run'\n"
	"  --max SIZE             COMMAND: likewise\n"
	"  --high SIZE            COMMAND: likewise\n"
	"  --quiet                say nothing but errors\n"
	"  --help                 this text\n";

enum { OPT_RANGES = 256, OPT_TRANSITIONS, OPT_BUFFER, OPT_MAX_SIZE, OPT_MALLOC, OPT_MAX,
	OPT_HIGH };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "pid", required_argument, NULL, 'p' },
	{ "group", required_argument, NULL, 'g' },
	{ "interval", required_argument, NULL, 'i' },
	{ "duration", required_argument, NULL, 'd' },
	{ "ranges", required_argument, NULL, OPT_RANGES },
	{ "transitions", no_argument, NULL, OPT_TRANSITIONS },
	{ "trace-buffer", required_argument, NULL, OPT_BUFFER },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "malloc", no_argument, NULL, OPT_MALLOC },
	{ "max", required_argument, NULL, OPT_MAX },
	{ "high", required_argument, NULL, OPT_HIGH },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static int size_arg(const char *option, const char *text, uint64_t min, uint64_t max,
		    uint64_t *bytes)
{
	if (memstate_parse_bytes(text, bytes) || *bytes < min || *bytes > max)
		return ms_usage_error("record", "option '%s': '%s' is not a size from %s%s%s",
				      option, text, ms_size(min),
				      max == MEMSTATE_UNLIMITED ? "" : " to ",
				      max == MEMSTATE_UNLIMITED ? "" : ms_size(max));
	return 0;
}

/* An option's value. Return: 0, or the exit status after a message. */
static int option(struct ms_recorder *r, int c, char **argv)
{
	switch (c) {
	case 'o':
		r->path = optarg;
		return 0;
	case 'p':
		r->pid = ms_pid_arg("record", optarg);
		return r->pid < 0 ? EXIT_USAGE : 0;
	case 'g':
		r->target = optarg;
		return 0;
	case 'i':
		return ms_seconds_arg("record", "--interval", INTERVAL_MIN, MS_INTERVAL_MAX,
				      &r->interval);
	case 'd':
		return ms_seconds_arg("record", "--duration", INTERVAL_MIN, DURATION_MAX,
				      &r->duration);
	case OPT_RANGES:
		return ms_count_arg("record", "--ranges", 1, ULONG_MAX, &r->every);
	case OPT_TRANSITIONS:
		r->transitions = true;
		return 0;
	case OPT_BUFFER:
		return size_arg("--trace-buffer", ms_size_words(optarg, argv), BUFFER_MIN,
				BUFFER_MAX, &r->buffer_bytes);
	case OPT_MAX_SIZE:
		return size_arg("--max-size", ms_size_words(optarg, argv), MAX_SIZE_MIN,
				MEMSTATE_UNLIMITED, &r->max_bytes);
	case OPT_MALLOC:
		r->launch.malloc = true;
		return 0;
	case OPT_MAX:
		return ms_launch_size("record", "--max", argv, &r->launch.max);
	case OPT_HIGH:
		return ms_launch_size("record", "--high", argv, &r->launch.high);
	case 'q':
		r->quiet = true;
		return 0;
	default:
		return ms_option_error("record", c, argv);
	}
}

/* Options that do not go together. Return: as option(). */
static int check(const struct ms_recorder *r)
{
	if (!r->path || !*r->path)
		return ms_usage_error("record", "--output is needed");
	if (!!r->pid + !!r->target + !!r->argv > 1)
		return ms_usage_error("record", "only one of --pid, --group and a command");
	if (!r->argv && (r->launch.malloc || r->launch.max || r->launch.high))
		return ms_usage_error("record", "--malloc, --max and --high are for a command");
	if (r->every && !r->pid && !r->argv)
		return ms_usage_error("record", "--ranges is for a process: --pid, or a command");
	return 0;
}

int memstate_cmd_record(int argc, char **argv)
{
	static struct ms_recorder r = {
		.interval = 0.1,
		.buffer_bytes = BUFFER,
		.max_bytes = MAX_SIZE,
		.cgroup.fd = MEMSTATE_SYSTEM,
		.source.fd = -1,
		.status = -1,
	};
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:p:g:i:d:qh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		ret = option(&r, c, argv);
		if (ret)
			return ret;
	}
	if (optind < argc)
		r.argv = argv + optind;
	ret = check(&r);
	if (ret)
		return ret;
	r.launch.quiet = r.quiet;
	r.launch.reported = true;
	r.launch.grouped = true;
	return ms_recorder_run(&r);
}
