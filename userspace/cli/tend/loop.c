// SPDX-License-Identifier: MIT
/*
 * The loop of memstate tend.
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
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "tend/loop.h"

const struct tend_tongue *const tend_tongues[TEND_TONGUES] = { &tend_redis, &tend_jvm };

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

/**
 * struct tending - all that goes on
 * @opt:	what was asked for
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
	const struct tend_options *opt;
	struct tend_group *group;
	struct memstate_limit limit;
	struct tend_socket *socket;
	int signals;
	int64_t walk_at;
	int64_t read_at;
	size_t next;
	unsigned int talks;
	struct tend_procs procs;
	struct pollfd polled[3 + TEND_PROCS];
};

static struct tending all;

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
		if (*r->text && !all.opt->quiet)
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
	for (size_t i = 0; i < TEND_TONGUES && !p->tongue; i++)
		if (!all.opt->without[i] && tend_tongues[i]->speaks(&peer))
			p->tongue = tend_tongues[i];
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
		.percent = (unsigned int)all.opt->percent,
		.found = p->found,
		.secret = all.opt->secret,
	};
	if (p->word.pressure) {
		p->pressed = false;
		p->press_at = now + all.opt->pause_ms;
	}
	ret = tend_talk_begin(&p->talk, p->tongue, peer, p->word, now + all.opt->patience_ms);
	if (!ret)
		return;
	if (!p->said)
		ms_err("%s[%d] was not spoken to: %s", p->name, p->pid, ms_error_text(-ret));
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
	tend_socket_tell(all.socket);
	for (size_t i = 0; i < all.procs.nr; i++)
		all.procs.all[i].pressed = true;
}

/* Return: 0 or a negative errno. */
static int read_group(bool first)
{
	struct memstate_limit before = all.limit;
	int ret = tend_group_read(all.group, &all.limit);
	bool more;

	if (ret)
		return ret;
	more = first ? is_pressed() : tend_is_news(&all.limit, &before);
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
		.fd = readable ? all.group->watch : -1, .events = POLLPRI,
	};
	all.polled[2] = (struct pollfd) { .fd = all.socket->events, .events = POLLIN };
	if (!readable && all.read_at < wake)
		wake = all.read_at;
	for (size_t i = 0; i < all.procs.nr; i++)
		if (all.procs.all[i].talk.pid)
			all.polled[nr++] = (struct pollfd) {
				.fd = all.procs.all[i].talk.fd, .events = POLLIN,
			};
	if (poll(all.polled, nr, wake > now ? (int)(wake - now) : 0) < 0 && errno != EINTR) {
		ms_err("poll: %s", ms_error_text(errno));
		return -errno;
	}
	return 0;
}

/* Return: exit status. */
static int loop(void)
{
	int ret = read_group(true);

	if (ret)
		return ms_limit_error(all.group->cg.dir, ret);
	for (;;) {
		int64_t now = ms_now_ms(), wake;

		if (now >= all.read_at) {
			ret = read_group(false);
			if (ret)
				return ms_limit_error(all.group->cg.dir, ret);
			all.read_at = now + READ_MS;
		}
		if (now >= all.walk_at) {
			if (!tend_procs_walk(&all.procs, all.group->cg.fd)) {
				if (!all.opt->quiet)
					printf("%s: nobody is there any more\n",
					       ms_name(all.group->cg.path));
				return 0;
			}
			for (size_t i = 0; i < all.procs.nr; i++)
				look(&all.procs.all[i]);
			tend_talk_reap();
			all.walk_at = now + WALK_MS;
		}
		tend_socket_serve(all.socket, is_pressed());
		wake = all.walk_at;
		see_talks(now, &wake);
		tell_all(now);
		if (wait_for(now, wake))
			return 1;
		if (all.polled[0].revents & POLLIN)
			return 0;
		if (all.polled[1].revents & POLLHUP) {
			if (!all.opt->quiet)
				printf("%s: the cgroup is gone\n", ms_name(all.group->cg.path));
			return 0;
		}
	}
}

/**
 * tend_loop() - tell the programs of a group, until it is gone or left, or a signal comes
 * @opt:	what was asked for
 * @group:	what is tended
 * @socket:	for those that have come to be told; or none
 * @signals:	readable when it is to end
 *
 * Return: the exit status.
 */
int tend_loop(const struct tend_options *opt, struct tend_group *group,
	      struct tend_socket *socket, int signals)
{
	int ret;

	all.opt = opt;
	all.group = group;
	all.socket = socket;
	all.signals = signals;
	ret = loop();
	tend_procs_forget(&all.procs);
	return ret;
}
