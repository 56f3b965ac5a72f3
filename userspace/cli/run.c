// SPDX-License-Identifier: MIT
/* memstate run: any program, observed and limited, or accounted by its own reports. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "launch.h"
#include "run.h"

static const char help[] =
	"usage: memstate run [OPTION]... -- COMMAND [ARGUMENT]...\n\n"
	"Run any program and say what memory it took, with all that it started: static ones,\n"
	"Go, setuid ones and those that go on as daemons, too. It runs in a cgroup of its own\n"
	"that is removed afterwards, or where none may be made in a job, and is observed there\n"
	"by the module; nothing is put into it. Where that cannot be (no module) it is said\n"
	"why, and the program reports: the observe shim is preloaded, and each process is told\n"
	"of by itself.\n\n"
	"The exit status is the program's, 128 + N if signal N ended it.\n\n"
	"With a limit it is refused what does not fit (ENOMEM), and nothing is killed. One that\n"
	"reports and has no cgroup is limited process by process, and it is said so.\n"
	"SIZE is as for memory.max: bytes, with K, M, G or T behind, or max; or as sizes are\n"
	"printed: 20MiB, 1.5 GiB. It may hear of pressure by MEMORY_PRESSURE_WATCH.\n\n"
	"  --max SIZE         over it memory does not become Ready: the program gets ENOMEM\n"
	"  --commit-max SIZE  what it could write to without asking again is never above it\n"
	"  --high SIZE        above it there is pressure\n"
	"  --adapt            with --max: runtimes are told of it by their own settings, unless\n"
	"                     those are set (memstate adapt shows which)\n"
	"  --workers N        so many processes alike share it, for --adapt\n"
	"  --reported         with the shim, so that it reports: figures of each process by state\n"
	"  --malloc           and with libmemstate-malloc in place of the program's own malloc:\n"
	"                     the heap is accounted exactly, and limited\n"
	"  --output FILE      figures to FILE instead\n"
	"  --json             figures as one JSON document, of each process that reports\n"
	"  --all              each process that reports in a line of its own\n"
	"  --quiet            no figures, and nothing of the back end\n"
	"  --help             this text\n";

enum { OPT_COMMIT = 256, OPT_REPORTED };

static const struct option options[] = {
	{ "malloc", no_argument, NULL, 'M' },
	{ "reported", no_argument, NULL, OPT_REPORTED },
	{ "max", required_argument, NULL, 'm' },
	{ "commit-max", required_argument, NULL, OPT_COMMIT },
	{ "high", required_argument, NULL, 'H' },
	{ "adapt", no_argument, NULL, 'A' },
	{ "workers", required_argument, NULL, 'w' },
	{ "output", required_argument, NULL, 'o' },
	{ "json", no_argument, NULL, 'j' },
	{ "all", no_argument, NULL, 'a' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/* Milliseconds from one look to the next: often at first, for programs that end at once. */
#define LOOK_FIRST	1
#define LOOK_LAST	250

/* So long it is waited for those that go on: a daemon may have held nothing yet. */
#define GRACE_MS	1000

static struct {
	const char *output;
	bool json;
	bool all;
	bool adapt;
	uint32_t workers;
} opt;

static struct ms_tally_reader tally = { .fd = -1, .sock = -1 };

static struct ms_unseen unseen;

static struct ms_launch launch;

static void pass_on(int sig)
{
	kill(launch.pid, sig);
}

static void wake_up(int sig)
{
	(void)sig;
}

/* Whether there can be pressure, in a place where it can be seen. */
static bool limited(void)
{
	return (launch.max || launch.high) && launch.place.there;
}

/* What happens meanwhile. */
static void look_about(void)
{
	ms_tally_sweep(&tally);
	if (launch.reported && tally.table)
		ms_unseen_look(&unseen);
	if (!launch.quiet || limited())
		ms_place_look(&launch.place);
	if (limited())
		ms_run_socket_look(&launch.place.limit);
}

/* @before: signals that are blocked anyway. Return: as waitpid() has it. */
static int wait_for(const sigset_t *before)
{
	struct sigaction forward = { .sa_handler = pass_on };
	unsigned int pause = LOOK_FIRST;
	sigset_t mask = *before;
	int status;
	pid_t pid;

	sigdelset(&mask, SIGCHLD);
	/* The terminal sends these to the program as well. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &forward, NULL);
	sigaction(SIGHUP, &forward, NULL);
	for (;;) {
		/* Those that have lost their parent are ours: see others_go_on(). */
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == launch.pid)
				return status;
		if (pid < 0)
			return W_EXITCODE(1, 0);
		ms_tally_wait(&tally, &mask, pause);
		look_about();
		pause = pause * 2 < LOOK_LAST ? pause * 2 : LOOK_LAST;
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What the program has started may still be at it. Return: it is, after a while. */
static bool others_go_on(const sigset_t *before)
{
	uint64_t end = now_ms() + GRACE_MS, now;
	sigset_t mask = *before;
	pid_t pid;

	/* Who is not patient gets the figures at once. */
	signal(SIGINT, wake_up);
	signal(SIGTERM, wake_up);
	signal(SIGHUP, wake_up);
	sigdelset(&mask, SIGCHLD);
	for (;;) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		now = now_ms();
		if (pid < 0 || now >= end)
			return !pid;
		ms_tally_wait(&tally, &mask, (unsigned int)(end - now));
		look_about();
	}
}

/* Where figures go: opened before, so that a program has not run for nothing. */
static FILE *output(void)
{
	FILE *out = opt.output ? fopen(opt.output, "we") : stderr;

	if (!out)
		ms_err("%s: %s", opt.output, ms_error_text(errno));
	return out;
}

/* Return: false after a message. */
static bool report(FILE *out, const char *command, int status, bool others)
{
	const struct ms_run_end end = {
		.command = command,
		.status = status,
		.tally = &tally,
		.place = &launch.place,
		.unseen = &unseen,
		.reported = launch.reported,
		.all = opt.all,
		.adapted = opt.adapt,
		.others = others,
	};
	bool written;

	ms_tally_collect(&tally);
	if (opt.json)
		ms_run_json(out, &end);
	else
		ms_run_table(out, &end);
	written = !ferror(out);
	if (!(opt.output ? fclose(out) : fflush(out)) && written)
		return true;
	ms_err("%s: %s", opt.output ? opt.output : "standard error", ms_error_text(errno));
	return false;
}

/* Return: 0, or the exit status after a message. */
static int adapt(void)
{
	uint64_t max;

	if (opt.workers && !opt.adapt)
		return ms_usage_error("run", "--workers is for --adapt");
	if (!opt.adapt)
		return 0;
	if (!launch.max || memstate_parse_bytes(launch.max, &max) || max == MEMSTATE_UNLIMITED)
		return ms_usage_error("run", "--adapt needs --max");
	if (!ms_adapt_environment(max, opt.workers ? opt.workers : 1))
		return 0;
	ms_err("environment: %s", strerror(ENOMEM));
	return 1;
}

int memstate_cmd_run(int argc, char **argv)
{
	int c, ret, status = 0;
	sigset_t child, before;
	bool others = false;
	FILE *out = stderr;
	char why[256];

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:jaqh", options, NULL)) != -1) {
		switch (c) {
		case 'M':
			launch.malloc = true;
			break;
		case OPT_REPORTED:
			launch.reported = true;
			break;
		case OPT_COMMIT:
			if (ms_launch_size("run", "--commit-max", argv, &launch.commit_max))
				return EXIT_USAGE;
			break;
		case 'm':
			if (ms_launch_size("run", "--max", argv, &launch.max))
				return EXIT_USAGE;
			break;
		case 'H':
			if (ms_launch_size("run", "--high", argv, &launch.high))
				return EXIT_USAGE;
			break;
		case 'A':
			opt.adapt = true;
			break;
		case 'w':
			if (ms_workers_arg("run", optarg, &opt.workers))
				return EXIT_USAGE;
			break;
		case 'o':
			opt.output = optarg;
			break;
		case 'j':
			opt.json = true;
			break;
		case 'a':
			opt.all = true;
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
	ret = adapt();
	if (ret)
		return ret;
	if (!launch.quiet) {
		out = output();
		if (!out)
			return 1;
		/* No reason not to run it. */
		ret = ms_tally_make(&tally);
		if (ret)
			ms_err("there will be no figures: %s", ms_error_text(-ret));
		else
			launch.tally = &tally;
	}
	/* From here on it is seen only while it is waited for. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	signal(SIGCHLD, wake_up);
	launch.mask = &before;
	launch.command = argv[optind];
	ret = ms_launch_prepare(&launch);
	if (!ret) {
		if (launch.reported && tally.table)
			prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (limited() && !ms_run_socket_begin(why, sizeof(why)) && !launch.quiet)
			ms_err("it will not be told of pressure (MEMORY_PRESSURE_WATCH): %s", why);
		ret = ms_launch_start(&launch, argv + optind);
		if (!ret) {
			status = wait_for(&before);
			ret = ms_launch_status(status);
			others = launch.started && launch.reported && tally.table &&
				 others_go_on(&before);
		}
		ms_run_socket_end();
		ms_launch_finish(&launch);
		if (launch.started && !launch.quiet &&
		    !report(out, argv[optind], status, others) && !ret)
			ret = 1;
	}
	ms_tally_free(&tally);
	ms_unseen_free(&unseen);
	return ret;
}
