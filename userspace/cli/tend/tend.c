// SPDX-License-Identifier: MIT
/* memstate tend, a group's pressure told to its programs: its command line. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"
#include "tend/loop.h"

static const char help[] =
	"usage: memstate tend [OPTION]... TARGET\n\n"
	"Tell the programs of a cgroup of its pressure and its limit, in their own languages,\n"
	"while they run, until the cgroup is gone or left by all. TARGET is as for\n"
	"'memstate limit'. Programs need no preparation: each is found, and spoken to as the\n"
	"user that it is, in its own network. What cannot be reached is said, once.\n\n"
	"  redis, valkey   limit: maxmemory becomes a share of it, unless it is less already\n"
	"                  (CONFIG SET); pressure: MEMORY PURGE\n"
	"  jvm             HotSpot; limit: free ratios of the heap, SoftMaxHeapSize of ZGC and\n"
	"                  Shenandoah; pressure: GC.run, System.trim_native_heap\n"
	"  any             that understands MEMORY_PRESSURE_WATCH: --socket\n\n"
	"  --not LANGUAGE         leave these alone (redis, jvm); may be repeated\n"
	"  --socket PATH          serve one there: a byte at pressure to each that is connected\n"
	"  --redis-share PERCENT  of the limit (default 75)\n"
	"  --redis-secret FILE    its password, and in a second line the user, if there is one\n"
	"  --pause SECONDS        no process is told of pressure again before (default 10)\n"
	"  --patience SECONDS     so long a process may take to answer (default 10)\n"
	"  --quiet                say only what cannot be reached\n"
	"  --help                 this text\n";

enum { OPT_SHARE = 256, OPT_SECRET, OPT_PAUSE, OPT_PATIENCE, OPT_SOCKET };

static const struct option options[] = {
	{ "not", required_argument, NULL, 'n' },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "redis-share", required_argument, NULL, OPT_SHARE },
	{ "redis-secret", required_argument, NULL, OPT_SECRET },
	{ "pause", required_argument, NULL, OPT_PAUSE },
	{ "patience", required_argument, NULL, OPT_PATIENCE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static struct tend_options opt = { .percent = 75, .pause_ms = 10000, .patience_ms = 10000 };

static int run(const char *target)
{
	struct tend_socket socket = { .fd = -1, .events = -1 };
	struct tend_group group;
	struct rlimit files;
	sigset_t ending;
	int signals, ret;

	if (tend_group_open(&group, target))
		return 1;
	ret = opt.socket ? tend_socket_open(&socket, opt.socket) : 0;
	if (ret) {
		ms_err("%s: %s", opt.socket, ms_error_text(-ret));
		tend_group_close(&group);
		return 1;
	}
	/* A descriptor for each process, and for each that listens. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	signals = signalfd(-1, &ending, SFD_CLOEXEC);
	if (signals < 0)
		ms_err("signalfd: %s", ms_error_text(errno));
	ret = signals < 0 ? 1 : tend_loop(&opt, &group, &socket, signals);
	tend_socket_close(&socket);
	tend_group_close(&group);
	if (signals >= 0)
		close(signals);
	return ret;
}

static bool leave_alone(const char *name)
{
	const char *names[TEND_TONGUES];
	int i;

	for (i = 0; i < TEND_TONGUES; i++)
		names[i] = tend_tongues[i]->name;
	i = ms_word_arg("tend", "--not", name, names, TEND_TONGUES);
	if (i >= 0)
		opt.without[i] = true;
	return i >= 0;
}

int memstate_cmd_tend(int argc, char **argv)
{
	double seconds;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":n:qh", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			if (!leave_alone(optarg))
				return EXIT_USAGE;
			break;
		case OPT_SHARE:
			if (ms_count_arg("tend", "--redis-share", 1, 99, &opt.percent))
				return EXIT_USAGE;
			break;
		case OPT_SECRET:
			opt.secret = optarg;
			if (access(optarg, R_OK)) {
				ms_err("%s: %s", optarg, ms_error_text(errno));
				return 1;
			}
			break;
		case OPT_SOCKET:
			opt.socket = optarg;
			break;
		case OPT_PAUSE:
			if (ms_seconds_arg("tend", "--pause", 0.01, 1e6, &seconds))
				return EXIT_USAGE;
			opt.pause_ms = (int64_t)(seconds * 1000);
			break;
		case OPT_PATIENCE:
			if (ms_seconds_arg("tend", "--patience", 0.01, 1e6, &seconds))
				return EXIT_USAGE;
			opt.patience_ms = (int64_t)(seconds * 1000);
			break;
		case 'q':
			opt.quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("tend", c, argv);
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("tend", "one target is needed");
	return run(argv[optind]);
}
