// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * fuzz: runs rounds of programs against /dev/memstate, and tells the first thing that is
 * wrong. See README.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/sched.h>

#include "actor.h"
#include "corpus.h"
#include "coverage.h"
#include "outside.h"
#include "world.h"

#define ROUND_MS	4000	/* then its processes are killed */
#define SLOW_MS		14000	/* whoever lives still is shown */
#define KILLED_S	120	/* and must be dead after that */
#define RELOAD		24	/* rounds, about, between two loads of the module */

static struct options {
	u64 seed;
	u32 seconds, steps, times, blocks;
	const char *round, *module, *reports, *coverage;
	char parameters[256];
	bool fixed;
} options = { .times = 1 };

static time_t began;
static u32 step;
static char why[512], ran_with[256];

/* ---- one round --------------------------------------------------------------- */

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* fork() into a cgroup: to move there takes the time of a grace period. */
static void start(u32 index, const struct program *p)
{
	char path[64];
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };

	snprintf(path, sizeof(path), CGROUP "%s",
		 cgroups[index < ACTORS / 2 ? index : CGROUPS_DELEGATED + index - ACTORS / 2]);
	args.cgroup = open(path, O_RDONLY | O_CLOEXEC);
	if (!syscall(SYS_clone3, &args, sizeof(args)))
		actor_run(index, p);
	close(args.cgroup);
}

static void print_stacks(void)
{
	fflush(stdout);
	if (system("cd /proc; for t in [0-9]*/task/*; do [ \"$(cat $t/comm)\" = fuzz ] || continue;"
		   " echo \"# $t\"; sed 's/^/#   /' $t/stack; done 2>&1"))
		printf("# no stacks\n");
}

/* Until all have ended, whom it has killed if need be; false where they do not. */
static bool all_end(void)
{
	u64 from = now_ms(), passed;
	bool told = false;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) >= 0) {
		if (pid)
			continue;
		usleep(10000);
		passed = now_ms() - from;
		if (passed < ROUND_MS)
			continue;
		world_kill_all();
		/* Who has died in the kernel may have others wait for what it held. */
		if (console_has_report(why, sizeof(why)))
			return false;
		if (passed > SLOW_MS && !told) {
			told = true;
			printf("# round %u: not dead %u s after it was killed:\n", step,
			       (SLOW_MS - ROUND_MS) / 1000);
			print_stacks();
		}
		if (passed > KILLED_S * 1000) {
			snprintf(why, sizeof(why), "processes live %u s after they were killed", KILLED_S);
			return false;
		}
	}
	return true;
}

static bool run_round(const struct round *round)
{
	int pair[2], i;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return false;
	for (i = 0; i < 2; i++) {
		dup2(pair[i], SOCKET_FD + i);
		close(pair[i]);
	}
	coverage_begin();
	for (i = 0; i < ACTORS; i++)
		start(i, &round->programs[i]);
	/* What is on its way in them goes when the last one closes them, of whom this is not one. */
	close(SOCKET_FD);
	close(SOCKET_FD + 1);
	return all_end();
}

/* Is there anything that must not be? */
static bool is_good(struct board *board)
{
	bool rests = soon_within(SETTLES_S, world_is_at_rest, why, sizeof(why));

	/* What the kernel says is nearer to the cause. */
	if (console_has_report(why, sizeof(why)))
		return false;
	if (board->broken[0]) {
		strcpy(why, board->broken);
		return false;
	}
	return rests;
}

static bool reload(u64 *seed)
{
	if (!soon_within(SETTLES_S, module_is_gone, why, sizeof(why)))
		return false;
	if (!options.fixed)
		module_pick_parameters(options.parameters, sizeof(options.parameters), seed);
	/* What does not go together is refused; that is part of it. */
	if (module_load(options.module, options.parameters)) {
		options.parameters[0] = '\0';
		if (module_load(options.module, "")) {
			snprintf(why, sizeof(why), "the module does not load");
			return false;
		}
	}
	return true;
}

/* Parameters that may be changed are as they were. */
static void restore_parameters(void)
{
	static const char *const names[] = { "ranges_max", "tasks_max", "groups_max" };
	char path[128], value[32];
	const char *at;
	u32 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		strcpy(value, "65536");
		at = strstr(options.parameters, names[i]);
		if (at)
			sscanf(at + strlen(names[i]), "=%31[0-9]", value);
		snprintf(path, sizeof(path), PARAMETERS "%s", names[i]);
		write_text(path, value);
	}
}

/* ---- what is told ---------------------------------------------------------------- */

static void print_types(const struct board *b)
{
	u32 i;

	for (i = 0; i < nr_call_types; i++)
		printf("#   %-14s %8llu made %8llu succeeded\n", call_types[i].name,
		       (unsigned long long)b->by_type[i].made, (unsigned long long)b->by_type[i].succeeded);
}

static void print_summary(const struct board *b, const char *what)
{
	printf("# fuzz: %s%ld s, seed %llu, %u rounds, %llu calls, coverage %u", what,
	       (long)(time(NULL) - began), (unsigned long long)options.seed, step,
	       (unsigned long long)b->calls, coverage_blocks());
	if (options.blocks)
		printf(" of %u", options.blocks);
	printf(" blocks, corpus %u\n", corpus_size());
	fflush(stdout);
}

static void print_finding(const struct round *round, const struct found *parent)
{
	printf("FINDING: %s\n# again: run.sh --seed %llu --round %s", why,
	       (unsigned long long)options.seed, options.round ? options.round : "");
	if (!options.round)
		printf("%u", step);
	for (; parent; parent = parent->parent)
		printf(".%u", parent->step);
	printf(" --times 1000 --parameters '%s'\n", ran_with);
	round_print(round, stdout);
	fflush(stdout);
}

/* ---- all of it --------------------------------------------------------------------- */

static bool goes_on(void)
{
	if (options.round)
		return step < options.times;
	return (!options.steps || step < options.steps) &&
	       (!options.seconds || time(NULL) - began < options.seconds);
}

/* Returns whether nothing was found. */
static bool fuzz(struct board *board)
{
	static struct round round;
	const struct found *parent = NULL;
	time_t told = time(NULL);
	u64 seed;
	bool good = true;

	while (good && goes_on()) {
		step++;
		seed = corpus_seed(options.seed, step);
		if (options.round) {
			corpus_again(&round, options.seed, options.round);
		} else {
			u64 choice = seed ^ ~0U;

			parent = corpus_pick(&choice);
			if (parent) {
				round = parent->round;
				round_mutate(&round, seed);
			} else {
				round_generate(&round, seed);
			}
		}
		restore_parameters();
		board->bounds_moved = 0;
		strcpy(ran_with, options.parameters);
		good = world_prepare() == 0 && run_round(&round);
		if (good && coverage_end() && !options.round)
			corpus_keep(step, &round, parent);
		if (good && options.module && rnd_once(&seed, RELOAD))
			good = reload(&seed);
		good = good && is_good(board);
		if (good && rnd_once(&seed, 6))
			world_remove_cgroups();
		if (time(NULL) - told >= 10) {
			told = time(NULL);
			print_summary(board, "after ");
		}
	}
	if (!good)
		print_finding(&round, parent);
	return good;
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", 1, NULL, 's' }, { "seconds", 1, NULL, 't' }, { "steps", 1, NULL, 'n' },
		{ "round", 1, NULL, 'r' }, { "times", 1, NULL, 'm' }, { "module", 1, NULL, 'o' },
		{ "parameters", 1, NULL, 'p' }, { "reports", 1, NULL, 'e' },
		{ "coverage", 1, NULL, 'c' }, { "blocks", 1, NULL, 'b' }, {},
	};
	int c;

	options.seed = time(NULL);
	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			options.seconds = atoi(optarg);
			break;
		case 'n':
			options.steps = atoi(optarg);
			break;
		case 'r':
			options.round = optarg;
			break;
		case 'm':
			options.times = atoi(optarg);
			break;
		case 'o':
			options.module = optarg;
			break;
		case 'p':
			snprintf(options.parameters, sizeof(options.parameters), "%s", optarg);
			options.fixed = true;
			break;
		case 'e':
			options.reports = optarg;
			break;
		case 'c':
			options.coverage = optarg;
			break;
		case 'b':
			options.blocks = atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
}

static struct board *make_board(void)
{
	struct board *b;
	int fd = memfd_create("board", 0);

	if (ftruncate(fd, sizeof(*b)) || dup2(fd, BOARD_FD) < 0)
		return NULL;
	close(fd);
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, BOARD_FD, 0);
	return b == MAP_FAILED ? NULL : b;
}

/* Without this, allocations that may sleep do not fail; where there is no such thing, none do. */
static void enable_faults(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128];
	u32 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		write_text(path, "N");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		write_text(path, "0");
	}
	write_text("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

int main(int argc, char **argv)
{
	struct board *board;
	bool good;

	if (argc == 4 && !strcmp(argv[1], "--after-exec"))
		actor_run_after_exec(atoi(argv[2]), strtoull(argv[3], NULL, 10));
	parse(argc, argv);
	began = time(NULL);
	board = make_board();
	setlinebuf(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	enable_faults();
	if (coverage_init())
		printf("# fuzz: without coverage, each round is new\n");
	if (!board || (options.reports && console_init(options.reports)) ||
	    (options.module && module_load(options.module, options.parameters)) ||
	    world_prepare()) {
		perror("fuzz: not here: it takes root, cgroup v2 and the module");
		return 2;
	}
	coverage_module_loaded();
	actor_init();
	printf("# fuzz: seed %llu\n", (unsigned long long)options.seed);
	good = fuzz(board);
	if (good && options.module && !soon_within(SETTLES_S, module_is_gone, why, sizeof(why))) {
		printf("FINDING: %s\n", why);
		good = false;
	}
	if (options.coverage)
		coverage_write(options.coverage);
	print_types(board);
	print_summary(board, good ? "no finding in " : "a finding after ");
	return !good;
}
