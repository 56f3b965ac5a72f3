// SPDX-License-Identifier: MIT
/*
 * A container agent: watches many cgroups, tells of each event, and may act.
 *
 *	agent [--below] [--uring] [--raise PERCENT] DIRECTORY... [-- COMMAND [ARGUMENT]...]
 *
 * Model
 *
 *   A group is watched by a descriptor of its own, which is readable in the sense of
 *   EPOLLPRI when its pressure or one of its counts has changed, and in that of EPOLLHUP
 *   when the cgroup has been removed. Counts only grow: who is late, or is told once of
 *   several events, loses none of them. How to wait and to ask is in agent_epoll.c
 *   and agent_uring.c, which call back with what they have got; agent_tree.c finds the
 *   cgroups below a directory, likewise; agent_say.c has the words.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <search.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* Commands that run at a time: a storm of events is not to become one of processes. */
#define COMMANDS_MAX	16

static const struct way *way = &agent_epoll;
static bool below;
static unsigned int raise_percent;
static char **command;
static bool stop;

static int signal_fd = -1;

/* By path. */
static void *groups;
static unsigned long nr_groups;

/* ---- acting ---------------------------------------------------------------------- */

/* Give a group some more room below its max, when it has passed high. */
static void raise_high(const struct group *group)
{
	uint64_t high = group->limit.high;
	uint64_t more = high / 100 * raise_percent + high % 100 * raise_percent / 100;
	char text[MEMSTATE_BYTES_MAX];
	int fd, ret;

	if (group->limit.events_local[MEMSTATE_EVENT_HIGH] ==
	    group->before.events_local[MEMSTATE_EVENT_HIGH] || high == MEMSTATE_UNLIMITED)
		return;
	high = more < group->limit.max - high ? high + more : group->limit.max;
	if (group->limit.high >= group->limit.max)
		return;
	fd = open(group->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = fd < 0 ? -errno : memstate_limit_set(fd, MEMSTATE_LIMIT_HIGH, high, 0);
	if (fd >= 0)
		close(fd);
	if (ret && ret != -ENOENT)
		agent_complain("%s: high is not raised: %s", group->path, strerror(-ret));
	else if (!ret)
		printf("%s: high raised to %s\n", group->path, agent_size(text, high));
}

/* The command, without a shell: what it is about stands in its environment. */
static void run_command(const struct group *group, const char *what)
{
	static int running;
	char number[24];
	sigset_t none;
	posix_spawnattr_t attr;
	pid_t pid;
	int ret;

	while (running && waitpid(-1, NULL, running < COMMANDS_MAX ? WNOHANG : 0) > 0)
		running--;
	setenv("MEMSTATE_GROUP", group->path, 1);
	setenv("MEMSTATE_WHAT", what, 1);
	snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)group->limit.charged);
	setenv("MEMSTATE_CHARGED", number, 1);
	setenv("MEMSTATE_PRESSURE", agent_pressure(group->limit.pressure), 1);
	/* The agent has signals blocked, which come by a descriptor. */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	ret = posix_spawnp(&pid, command[0], NULL, &attr, command, environ);
	posix_spawnattr_destroy(&attr);
	if (ret)
		agent_complain("%s: %s", command[0], strerror(ret));
	else
		running++;
}

static void answered(struct group *group, int error)
{
	char what[256];

	/* Removed between the event and the question: that will be told. */
	if (error) {
		if (error != -ENOENT && error != -ECANCELED)
			agent_complain("%s: %s", group->path, strerror(-error));
		return;
	}
	if (!group->known) {
		agent_tell(group, "watched");
	} else {
		agent_describe(group, what, sizeof(what));
		if (*what) {
			agent_tell(group, what);
			if (raise_percent)
				raise_high(group);
			if (command)
				run_command(group, what);
		}
	}
	group->known = true;
	group->before = group->limit;
}

/* ---- which groups there are ------------------------------------------------------ */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->path, ((const struct group *)b)->path);
}

static void group_free(struct group *group)
{
	if (group->fd >= 0)
		close(group->fd);
	free(group->path);
	free(group);
}

static int group_watch(struct group *group)
{
	int dir = open(group->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	if (dir < 0)
		return -errno;
	group->fd = memstate_watch_open(dir);
	close(dir);
	if (group->fd < 0)
		return group->fd;
	ret = way->add(group);
	return ret;
}

/* 0; 1: it is there already; a negative errno. */
static int group_add(const char *path)
{
	struct group *group = agent_must(calloc(1, sizeof(*group))), **found;
	int ret;

	group->path = agent_must(strdup(path));
	group->fd = -1;
	found = agent_must(tsearch(group, &groups, by_path));
	if (*found != group) {
		group_free(group);
		return 1;
	}
	ret = group_watch(group);
	if (!ret) {
		nr_groups++;
		return 0;
	}
	tdelete(group, &groups, by_path);
	group_free(group);
	return ret;
}

static void add(const char *path)
{
	int ret = group_add(path);

	/* It has been removed meanwhile. */
	if (ret >= 0 || ret == -ENOENT)
		return;
	agent_complain("%s: not watched: %s", path,
		       ret == -ENFILE ? "too many groups" : strerror(-ret));
}

static void gone(struct group *group)
{
	char *path = group->path;

	printf("%s: gone\n", path);
	fflush(stdout);
	tdelete(group, &groups, by_path);
	nr_groups--;
	group->path = NULL;
	group_free(group);
	/* It may have been made anew before this was known. */
	if (below && !access(path, F_OK)) {
		add(path);
		tree_scan(path);
	}
	free(path);
}

static void readable(int fd)
{
	if (fd == signal_fd)
		stop = true;
	else
		tree_read();
}

static const struct way_user user = {
	.readable = readable, .answered = answered, .gone = gone,
};

/* ---- main -------------------------------------------------------------------------- */

static const struct option options[] = {
	{ "below", no_argument, NULL, 'b' },
	{ "uring", no_argument, NULL, 'u' },
	{ "raise", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static void usage(FILE *out)
{
	fputs("usage: agent [OPTION]... DIRECTORY... [-- COMMAND [ARGUMENT]...]\n\n"
	      "A line for each event of the cgroups DIRECTORY; for each one COMMAND runs with\n"
	      "MEMSTATE_GROUP, MEMSTATE_WHAT, MEMSTATE_CHARGED (bytes) and MEMSTATE_PRESSURE.\n\n"
	      "  --below          and all cgroups below them\n"
	      "  --uring          by io_uring, where there is one\n"
	      "  --raise PERCENT  raise high by so much when it has been passed, up to max\n"
	      "  --help           this text\n", out);
}

static int choose_way(bool uring)
{
	const char *why;
	int ret;

#ifdef HAVE_URING
	if (uring) {
		ret = agent_uring.open(&user, &why);
		if (!ret) {
			way = &agent_uring;
			return 0;
		}
		agent_complain("no io_uring: %s: %s; so by epoll", why, strerror(-ret));
	}
#else
	if (uring)
		agent_complain("no io_uring: built without liburing; so by epoll");
#endif
	ret = way->open(&user, &why);
	if (ret)
		agent_complain("%s: %s", why, strerror(-ret));
	return ret;
}

static int begin(void)
{
	struct rlimit files;
	sigset_t signals;
	int tree_fd;

	/* A descriptor for each group. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	tree_fd = tree_open(add);
	if (signal_fd < 0 || tree_fd < 0)
		return -errno;
	return way->add_fd(signal_fd) ?: way->add_fd(tree_fd);
}

int main(int argc, char **argv)
{
	bool uring = false;
	char *end;
	int c, ret;

	while ((c = getopt_long(argc, argv, "+bur:h", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			below = true;
			break;
		case 'u':
			uring = true;
			break;
		case 'r':
			raise_percent = (unsigned int)strtoul(optarg, &end, 10);
			if (*end || *optarg < '0' || *optarg > '9' || !raise_percent ||
			    raise_percent > 1000) {
				agent_complain("--raise: '%s' is not a percentage from 1 to 1000",
					       optarg);
				return 2;
			}
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	for (c = optind; c < argc && strcmp(argv[c], "--"); c++)
		;
	if (c < argc && c + 1 == argc) {
		agent_complain("a command is missing after --");
		return 2;
	}
	command = c < argc ? argv + c + 1 : NULL;
	argc = c;
	/* getopt has taken the first "--", if that comes before all directories. */
	if (optind == argc) {
		agent_complain("a cgroup's directory is needed");
		usage(stderr);
		return 2;
	}
	ret = choose_way(uring);
	if (ret)
		return 1;
	ret = begin();
	for (c = optind; !ret && c < argc; c++) {
		size_t n = strlen(argv[c]);

		while (n > 1 && argv[c][n - 1] == '/')
			argv[c][--n] = '\0';
		ret = group_add(argv[c]);
		if (ret < 0) {
			agent_complain("%s: %s", argv[c], ret == -EBADF ?
				       "not a cgroup's directory" : strerror(-ret));
			return 1;
		}
		ret = 0;
		if (below)
			tree_scan(argv[c]);
	}
	while (!ret && !stop && (nr_groups || below))
		ret = way->wait();
	way->close();
	if (ret)
		agent_complain("%s: %s", way->name, strerror(-ret));
	return ret ? 1 : 0;
}
