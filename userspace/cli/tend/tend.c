// SPDX-License-Identifier: MIT
/*
 * memstate tend: the loop.
 *
 * Model
 *
 *   One poll for all that may happen; a walk over the group's processes each second. A process
 *   that speaks a language is told the limit when it is new or the limit has changed, and of
 *   pressure when that has risen, or something was refused; not again before a pause, and not
 *   while it is being told something. Who has failed is tried again, later each time.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"
#include "tend/socket.h"
#include "tend/tend.h"

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
	"  --redis-share PERCENT  of the limit (75)\n"
	"  --redis-secret FILE    its password, and in a second line the user, if there is one\n"
	"  --pause SECONDS        no process is told of pressure again before (10)\n"
	"  --patience SECONDS     so long a process may take to answer (10)\n"
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

static const struct tend_tongue *const tongues[] = { &tend_redis, &tend_jvm };

#define NR_TONGUES	(sizeof(tongues) / sizeof(tongues[0]))

/* From one walk to the next, and from one reading of events to the next at least, ms. */
#define WALK_MS		1000
#define READ_MS		100

/* Who has failed is tried again after so long, and after twice as long; ms. */
#define FAILED_MS	2000
#define FAILED_DOUBLED	8

/* Talks at a time. */
#define TALKS_MAX	16

/* A process that speaks nothing is looked at again after twice as many walks, up to so many. */
#define LOOKS_APART	64

static struct {
	bool without[NR_TONGUES];
	unsigned long percent;
	const char *secret;
	const char *socket;
	int64_t pause_ms;
	int64_t patience_ms;
	bool quiet;
} opt = { .percent = 75, .pause_ms = 10000, .patience_ms = 10000 };

/**
 * struct tending - all that goes on
 * @group:	what is tended
 * @limit:	as it was read last
 * @socket:	for those that have come to be told; or none
 * @signals:	those that end it
 * @walk_at:	when the next walk is, ms
 * @read_at:	no reading before, ms
 * @next:	who is the first to be told next time
 * @talks:	how many go on
 * @procs:	who lives there
 * @polled:	room for poll(): signals, the group, the socket, talks
 */
struct tending {
	struct tend_group group;
	struct memstate_limit limit;
	struct tend_socket socket;
	int signals;
	int64_t walk_at;
	int64_t read_at;
	size_t next;
	unsigned int talks;
	struct tend_procs procs;
	struct pollfd polled[3 + TEND_PROCS];
};

static struct tending all = { .socket = { .fd = -1, .events = -1 } };

/* ---- what is said ---------------------------------------------------------------------- */

static void say(const struct tend_proc *p, const struct tend_result *r)
{
	char line[TEND_NAME + TEND_TEXT + 32];

	snprintf(line, sizeof(line), "%s[%d]: %s", p->name, p->pid, r->text);
	ms_name_clean(line);
	puts(line);
	fflush(stdout);
}

static void take_result(struct tend_proc *p, const struct tend_result *r, int64_t now)
{
	switch (r->verdict) {
	case TEND_TOLD:
		p->failures = 0;
		p->found = r->found;
		if (p->word.limit)
			p->told = p->word.max;
		if (*r->text && !opt.quiet)
			say(p, r);
		return;
	case TEND_OTHER:
		p->tongue = NULL;
		return;
	case TEND_LATER:
		p->talk_at = now + FAILED_MS;
		return;
	default:
		if (!p->said)
			ms_err("%s[%d] cannot be reached: %s", p->name, p->pid, r->text);
		p->said = true;
		if (r->verdict == TEND_NEVER) {
			p->tongue = NULL;
			p->look_at = UINT32_MAX;
		}
		p->talk_at = now + (FAILED_MS << p->failures);
		p->failures += p->failures < FAILED_DOUBLED;
	}
}

/* ---- who is told what ------------------------------------------------------------------ */

static bool is_pressed(void)
{
	return all.limit.pressure != MEMSTATE_PRESSURE_NONE;
}

static void look(struct tend_proc *p)
{
	struct tend_peer peer = { .pid = p->pid, .pidfd = p->pidfd };

	if (p->tongue || p->looks < p->look_at)
		return;
	p->look_at = p->looks + (p->looks < LOOKS_APART ? p->looks : LOOKS_APART);
	if (tend_peer_read(&peer))
		return;
	memcpy(p->name, peer.name, sizeof(p->name));
	for (size_t i = 0; i < NR_TONGUES && !p->tongue; i++)
		if (!opt.without[i] && tongues[i]->speaks(&peer))
			p->tongue = tongues[i];
	p->pressed = is_pressed();
}

static bool due(const struct tend_proc *p, int64_t now)
{
	if (!p->tongue || p->talk.pid || now < p->talk_at)
		return false;
	return p->told != all.limit.lowest_max || (p->pressed && now >= p->press_at);
}

static void tell(struct tend_proc *p, int64_t now)
{
	struct tend_peer peer = { .pid = p->pid, .pidfd = p->pidfd };
	int ret;

	p->word = (struct tend_word) {
		.limit = p->told != all.limit.lowest_max,
		.pressure = p->pressed && now >= p->press_at,
		.max = all.limit.lowest_max,
		.percent = (unsigned int)opt.percent,
		.found = p->found,
		.secret = opt.secret,
	};
	if (p->word.pressure) {
		p->pressed = false;
		p->press_at = now + opt.pause_ms;
	}
	ret = tend_talk_begin(&p->talk, p->tongue, peer, p->word, now + opt.patience_ms);
	if (!ret)
		return;
	if (!p->said)
		ms_err("%s[%d] was not spoken to: %s", p->name, p->pid, strerror(-ret));
	p->said = true;
	p->talk_at = now + FAILED_MS;
}

/* Those behind whoever was told last come first, so that nobody is left out by many. */
static void tell_all(int64_t now)
{
	size_t nr = all.procs.nr, first = all.next;

	for (size_t i = 0; i < nr && all.talks < TALKS_MAX; i++) {
		struct tend_proc *p = &all.procs.all[(first + i) % nr];

		if (!due(p, now))
			continue;
		tell(p, now);
		all.talks += p->talk.pid > 0;
		all.next = (first + i + 1) % nr;
	}
}

/* Ends those that take too long; sets @wake to when something is to be done next. */
static void see_talks(int64_t now, int64_t *wake)
{
	struct tend_result r;

	all.talks = 0;
	for (size_t i = 0; i < all.procs.nr; i++) {
		struct tend_proc *p = &all.procs.all[i];

		if (!p->talk.pid)
			continue;
		if (p->talk.end <= now)
			tend_talk_kill(&p->talk);
		if (tend_talk_end(&p->talk, &r)) {
			take_result(p, &r, now);
			continue;
		}
		/* One that was killed, and cannot die yet, takes nobody's place. */
		all.talks += p->talk.end != INT64_MAX;
		if (p->talk.end < *wake)
			*wake = p->talk.end;
	}
}

/* ---- the group ------------------------------------------------------------------------- */

static void press(void)
{
	tend_socket_tell(&all.socket);
	for (size_t i = 0; i < all.procs.nr; i++)
		all.procs.all[i].pressed = true;
}

/* Return: 0 or a negative errno. */
static int read_group(bool first)
{
	static const enum memstate_event refused[] = { MEMSTATE_EVENT_MAX, MEMSTATE_EVENT_DENIED };
	struct memstate_limit before = all.limit;
	int ret = tend_group_read(&all.group, &all.limit);
	bool more;

	if (ret)
		return ret;
	more = all.limit.pressure > (first ? 0 : before.pressure);
	for (size_t i = 0; !first && i < 2; i++)
		more |= all.limit.events[refused[i]] != before.events[refused[i]];
	if (more)
		press();
	/* Whoever has left by now is not told. */
	if (more || all.limit.lowest_max != before.lowest_max)
		all.walk_at = 0;
	return 0;
}

static int wait_for(int64_t now, int64_t wake)
{
	bool readable = now >= all.read_at;
	nfds_t nr = 3;

	all.polled[0] = (struct pollfd) { .fd = all.signals, .events = POLLIN };
	all.polled[1] = (struct pollfd) {
		.fd = readable ? all.group.watch : -1, .events = POLLPRI,
	};
	all.polled[2] = (struct pollfd) { .fd = all.socket.events, .events = POLLIN };
	if (!readable && all.read_at < wake)
		wake = all.read_at;
	for (size_t i = 0; i < all.procs.nr; i++)
		if (all.procs.all[i].talk.pid)
			all.polled[nr++] = (struct pollfd) {
				.fd = all.procs.all[i].talk.fd, .events = POLLIN,
			};
	if (poll(all.polled, nr, wake > now ? (int)(wake - now) : 0) < 0 && errno != EINTR) {
		ms_err("poll: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

/* Return: exit status. */
static int tend(void)
{
	int ret = read_group(true);

	if (ret)
		return ms_limit_error(all.group.cg.dir, ret);
	for (;;) {
		int64_t now = ms_now_ms(), wake;

		if (now >= all.read_at) {
			ret = read_group(false);
			if (ret)
				return ms_limit_error(all.group.cg.dir, ret);
			all.read_at = now + READ_MS;
		}
		if (now >= all.walk_at) {
			if (!tend_procs_walk(&all.procs, all.group.cg.fd)) {
				if (!opt.quiet)
					printf("%s: nobody is there any more\n",
					       ms_name(all.group.cg.path));
				return 0;
			}
			for (size_t i = 0; i < all.procs.nr; i++)
				look(&all.procs.all[i]);
			tend_talk_reap();
			all.walk_at = now + WALK_MS;
		}
		tend_socket_serve(&all.socket, is_pressed());
		wake = all.walk_at;
		see_talks(now, &wake);
		tell_all(now);
		if (wait_for(now, wake))
			return 1;
		if (all.polled[0].revents & POLLIN)
			return 0;
		if (all.polled[1].revents & POLLHUP) {
			if (!opt.quiet)
				printf("%s: the cgroup is gone\n", ms_name(all.group.cg.path));
			return 0;
		}
	}
}

static int run(const char *target)
{
	struct rlimit files;
	sigset_t ending;
	int ret;

	if (tend_group_open(&all.group, target))
		return 1;
	ret = opt.socket ? tend_socket_open(&all.socket, opt.socket) : 0;
	if (ret) {
		ms_err("%s: %s", opt.socket, strerror(-ret));
		tend_group_close(&all.group);
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
	all.signals = signalfd(-1, &ending, SFD_CLOEXEC);
	if (all.signals < 0)
		ms_err("signalfd: %s", strerror(errno));
	ret = all.signals < 0 ? 1 : tend();
	tend_procs_forget(&all.procs);
	tend_socket_close(&all.socket);
	tend_group_close(&all.group);
	if (all.signals >= 0)
		close(all.signals);
	return ret;
}

/* ---- the command line ------------------------------------------------------------------ */

static bool leave_alone(const char *name)
{
	for (size_t i = 0; i < NR_TONGUES; i++)
		if (!strcmp(tongues[i]->name, name)) {
			opt.without[i] = true;
			return true;
		}
	return false;
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
				return ms_usage_error("tend", "option '--not': '%s' is no language that is spoken here",
						      optarg);
			break;
		case OPT_SHARE:
			if (ms_count_arg("tend", "--redis-share", 1, 99, &opt.percent))
				return EXIT_USAGE;
			break;
		case OPT_SECRET:
			opt.secret = optarg;
			if (access(optarg, R_OK)) {
				ms_err("%s: %s", optarg, strerror(errno));
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
