// SPDX-License-Identifier: MIT
/*
 * memstate shrink: a smaller limit for what runs, or the old one.
 *
 * Model
 *
 *   A limit that is written below what is in use is a wish. The kernel's memory.max fulfils it by
 *   reclaiming, and by killing if that is not enough; whoever writes it has no way back. Here
 *   max goes first: nothing more is granted, those who listen feel pressure, and nobody is
 *   killed. When what is charged has fallen below it memory.max follows, once what counts there
 *   fits as well: page cache is asked to go before, by memory.reclaim, which kills nobody
 *   either. What does not come about in time is undone, in the reverse order.
 *
 *   Kernels from 6.16 on do not reclaim at the write if it is made with O_NONBLOCK. Others do;
 *   by then there is next to nothing to reclaim.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "group.h"

static const char help[] =
	"usage: memstate shrink [OPTION]... --max SIZE TARGET\n\n"
	"Lower the limit of a cgroup that is in use, without killing anybody: max first, so\n"
	"that nothing more is granted and those who can give memory back do; then it is\n"
	"waited for what is charged to fall below it; then memory.max, if that is asked for.\n"
	"If it does not fall in time everything is as it was. TARGET and SIZE are as for\n"
	"'memstate limit'.\n\n"
	"  --max SIZE            what may be charged then\n"
	"  --memory-max[=SIZE]   lower memory.max as well (default: an eighth above max, at\n"
	"                        least 16 MiB above)\n"
	"  --timeout SECONDS     wait for so long at the most (default 30)\n"
	"  --json                the end as one JSON document\n"
	"  --help                this text\n";

static const struct option options[] = {
	{ "max", required_argument, NULL, 'm' },
	{ "memory-max", optional_argument, NULL, 'M' },
	{ "timeout", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/* How often is looked, and told, ms. */
#define LOOK_MS		100
#define TELL_MS		2000

/**
 * struct shrink - a limit on its way down
 * @cg:		whose
 * @max:	where to
 * @memory_max:	likewise of memory.max; 0: it stays
 * @memory_too:	@memory_max is to be made from @max
 * @timeout_ms:	for all of it
 * @end:	when that is
 * @told:	when the last word was said
 * @old:	how its limit was
 * @now:	how it is
 * @memory:	what the kernel counts now
 */
struct shrink {
	struct ms_cgroup cg;
	uint64_t max;
	uint64_t memory_max;
	bool memory_too;
	int64_t timeout_ms;
	int64_t end;
	int64_t told;
	struct memstate_limit old;
	struct ms_group_seen now;
	struct ms_cgroup_memory memory;
};

/* Return: a negative errno. */
static int set_max(const struct shrink *s, uint64_t max, bool observe)
{
	struct memstate_limit l = {
		.size = sizeof(l), .set = MEMSTATE_LIMIT_MAX, .max = max,
		.flags = observe ? 0 : MEMSTATE_LIMIT_REPORTS,
	};

	return memstate_limit_apply(s->cg.fd, &l);
}

static void tell(struct shrink *s, const char *what, uint64_t has, uint64_t wanted)
{
	int64_t now = ms_now_ms();

	if (now - s->told < TELL_MS)
		return;
	s->told = now;
	ms_err("%s %s, %s above; %lld s left", what, ms_size(has), ms_size(has - wanted),
	       (long long)(s->end - now + 999) / 1000);
}

/* Return: whether there is time left. */
static bool wait_some(const struct shrink *s, int watch)
{
	struct pollfd p = { .fd = watch, .events = POLLPRI };
	int64_t left = s->end - ms_now_ms();
	struct memstate_limit told;

	if (left <= 0 || ms_interrupted())
		return false;
	/* What it tells of now is looked at next; until it is asked it tells of it again. */
	if (poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS) > 0)
		memstate_watch_read(watch, &told);
	return !ms_interrupted();
}

/* Return: 0; -ETIMEDOUT; -EINTR; another negative errno. */
static int wait_charged(struct shrink *s, int watch)
{
	int ret;

	for (;;) {
		ret = ms_group_look(s->cg.fd, &s->now);
		if (ret || s->now.limit.charged <= s->max)
			return ret;
		tell(s, "charged", s->now.limit.charged, s->max);
		if (!wait_some(s, watch))
			return ms_interrupted() ? -EINTR : -ETIMEDOUT;
	}
}

/* Write a file of the cgroup. Return: 0 or a negative errno. */
static int put(const struct shrink *s, const char *name, uint64_t value, int flags)
{
	char path[3 * PATH_MAX], text[32];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", s->cg.dir, name);
	if (value == UINT64_MAX)
		snprintf(text, sizeof(text), "max");
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* As wait_charged(), of what counts against memory.max. */
static int wait_current(struct shrink *s, int watch)
{
	for (;;) {
		ms_cgroup_memory(&s->cg, &s->memory);
		if (s->memory.current < 0)
			return -ENODATA;
		if ((uint64_t)s->memory.current <= s->memory_max)
			return 0;
		tell(s, "memory.current", (uint64_t)s->memory.current, s->memory_max);
		/* Page cache; there is no such file before 5.19, and it may find less. */
		put(s, "memory.reclaim", (uint64_t)s->memory.current - s->memory_max, 0);
		if (!wait_some(s, watch))
			return ms_interrupted() ? -EINTR : -ETIMEDOUT;
	}
}

/* Return: 0, or a negative errno; what was too much stands in @s. */
static int shrink(struct shrink *s, int watch)
{
	int ret = wait_charged(s, watch);

	if (ret || !s->memory_max)
		return ret;
	ret = wait_current(s, watch);
	return ret ? ret : put(s, "memory.max", s->memory_max, O_NONBLOCK);
}

/* All is as it was, and said. @observed: it was observed before. */
static void undo(const struct shrink *s, int why, bool observed)
{
	char left[128] = "";
	int ret;

	if (s->now.limit.charged > s->max)
		snprintf(left, sizeof(left), "; %s are charged", ms_size(s->now.limit.charged));
	else if (s->memory_max)
		snprintf(left, sizeof(left), "; memory.current is %s", s->memory.current < 0 ?
			 "not known" : ms_size((uint64_t)s->memory.current));
	ret = set_max(s, s->old.max, observed || s->old.max == MEMSTATE_UNLIMITED);
	if (ret)
		ms_err("%s: max could not be set back to %s: %s", s->cg.dir,
		       ms_limit_size(s->old.max), ms_error_text(-ret));
	ms_err("%s: %s%s: max is %s, as it was", s->cg.dir,
	       why == -ETIMEDOUT ? "it did not fall in time" :
	       why == -EINTR ? "interrupted" :
	       why == -ENODATA ? "the memory controller is not enabled there" :
	       ms_error_text(-why), left, ms_limit_size(ret ? s->max : s->old.max));
}

static int print(const struct shrink *s, int64_t began, bool json)
{
	struct json_object *doc;

	if (json) {
		doc = json_object_new_object();
		ms_json_add_text(doc, "path", s->cg.path);
		ms_json_add(doc, "max", s->max);
		ms_json_add(doc, "charged", s->now.limit.charged);
		json_object_object_add(doc, "memory_max", s->memory_max ?
				       ms_json_u64(s->memory_max) : NULL);
		json_object_object_add(doc, "took_ms", json_object_new_int64(ms_now_ms() - began));
		return ms_json_print(doc);
	}
	printf("%s: max %s, of which %s are charged", ms_name(s->cg.path), ms_limit_size(s->max),
	       ms_size(s->now.limit.charged));
	if (s->memory_max)
		printf("; memory.max %s", ms_size(s->memory_max));
	printf("\n");
	return ms_print_end();
}

/* Return: exit status. */
static int run(struct shrink *s, bool json)
{
	int64_t began = ms_now_ms();
	int watch, ret = ms_group_look(s->cg.fd, &s->now);
	bool observed;

	if (ret)
		return ms_limit_error(s->cg.dir, ret);
	s->old = s->now.limit;
	observed = s->now.observe.on;
	watch = memstate_watch_open(s->cg.fd);
	if (watch < 0)
		return ms_limit_error(s->cg.dir, watch);
	s->end = began + s->timeout_ms;
	s->told = began;
	ms_interrupt_catch();
	/* A limit that held for what reports alone stays one. */
	ret = set_max(s, s->max, observed || s->old.max == MEMSTATE_UNLIMITED);
	if (ret) {
		close(watch);
		return ms_limit_error(s->cg.dir, ret);
	}
	ret = shrink(s, watch);
	close(watch);
	if (!ret)
		return print(s, began, json);
	undo(s, ret, observed);
	return 1;
}

int memstate_cmd_shrink(int argc, char **argv)
{
	struct shrink s = { .timeout_ms = 30000 };
	bool json = false;
	double seconds;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":m:t:jh", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (ms_bytes_arg("shrink", "--max", argv, &s.max))
				return EXIT_USAGE;
			break;
		case 'M':
			s.memory_too = !optarg;
			if (optarg && ms_bytes_arg("shrink", "--memory-max", argv, &s.memory_max))
				return EXIT_USAGE;
			break;
		case 't':
			if (ms_seconds_arg("shrink", "--timeout", 0.001, 1e6, &seconds))
				return EXIT_USAGE;
			s.timeout_ms = (int64_t)(seconds * 1000);
			break;
		default:
			ret = ms_last_options("shrink", help, c, argv, &json);
			if (ret >= 0)
				return ret;
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("shrink", "one target is needed");
	if (!s.max)
		return ms_usage_error("shrink", "--max is needed");
	if (s.memory_too)
		s.memory_max = s.max + ms_room_beside(s.max);
	if (s.memory_max && s.memory_max < s.max)
		return ms_usage_error("shrink", "memory.max below max would kill what max lets live");
	if (ms_cgroup_find("shrink", argv[optind], &s.cg))
		return 1;
	ret = ms_cgroup_is_whole(&s.cg, argv[optind]) ? 1 : run(&s, json);
	ms_cgroup_close(&s.cg);
	return ret;
}
