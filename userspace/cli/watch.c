// SPDX-License-Identifier: MIT
/* memstate watch: events of a group as they happen. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "refusal.h"
#include "rules.h"

static const char help[] =
	"usage: memstate watch [OPTION]... [TARGET]\n\n"
	"A line for each change of pressure and each event (high, max, denied, breach,\n"
	"drift) of a cgroup and all below it, until the cgroup is gone; with what is charged\n"
	"(enforced), and what is backed and committed by those that report nothing\n"
	"(observed), where they are observed; and who was refused, what he wanted, and what was\n"
	"left. TARGET is as for 'memstate limit'; without one, everything is watched.\n\n"
	"  --count N           end after N lines; the first tells how things are\n"
	"  --timeout SECONDS   end after so long\n"
	"  --json              a JSON document a line\n"
	"  --help              this text\n";

static const struct option options[] = {
	{ "count", required_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/**
 * struct moment - how things are
 * @limit:	what is enforced
 * @observe:	what is observed; zero where the module knows nothing of it
 * @refused:	how many of the group were refused, also by a limit above it
 */
struct moment {
	struct memstate_limit limit;
	struct memstate_observe observe;
	uint64_t refused;
};

/**
 * struct told - refusals that were told of
 * @root:	cgroup id of what is watched; 0: everything
 * @begun:	there was a line before
 * @before:	notes as they were at the line before
 * @now:	notes as they are
 */
struct told {
	uint64_t root;
	bool begun;
	struct ms_refusals before;
	struct ms_refusals now;
};

/* Was it refused since the line before, and is it not told of one below? */
static bool is_new(const struct told *t, const struct ms_refused *g)
{
	const struct ms_refused *old = ms_refusals_find(&t->before, g->group);

	return t->begun && g->refusal.nr && (!old || old->refusal.nr != g->refusal.nr) &&
	       (!t->root || ms_refusals_below(&t->now, g->group, t->root)) &&
	       ms_refusals_in(&t->now, g) == g->group;
}

static void print_refused(const struct told *t)
{
	const char *before = " refused: ";
	char text[MS_REFUSAL_WORDS];

	for (size_t i = 0; i < t->now.nr; i++) {
		const struct ms_refused *g = &t->now.list[i];

		if (!is_new(t, g))
			continue;
		ms_refusal_words(&g->refusal, t->root, g->group, text, sizeof(text));
		printf("%s%s", before, text);
		before = "; ";
	}
}

static struct json_object *json_refused(const struct told *t)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < t->now.nr; i++)
		if (is_new(t, &t->now.list[i]))
			json_object_array_add(list, ms_refusal_json(&t->now.list[i].refusal,
								    t->now.list[i].group));
	return list;
}

static void print_observed(const struct memstate_observe *w)
{
	if (!w->on)
		return;
	printf(" observed=%llu backed=%s commit=%s", (unsigned long long)w->spaces,
	       ms_size(w->backed), ms_size(w->commit));
	if (ms_is_unenforced(w))
		printf(" enforced=no");
}

static void print_change(const struct moment *m, const struct memstate_limit *before,
			 const struct told *told)
{
	const struct memstate_limit *now = &m->limit;
	char clock[32];
	time_t t = time(NULL);
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&t, &tm));
	printf("%s pressure=%s charged=%s high=%s max=%s", clock,
	       ms_pressure_name(now->pressure), ms_size(now->charged),
	       ms_limit_size(now->high), ms_limit_size(now->max));
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++)
		if (now->events[i] != before->events[i])
			printf(" %s=%llu(+%llu)", ms_event_names[i], now->events[i],
			       now->events[i] - before->events[i]);
	print_observed(&m->observe);
	print_refused(told);
	putchar('\n');
}

static void print_json(const struct moment *now, const struct told *told)
{
	struct json_object *o = json_object_new_object();
	struct json_object *observed = json_object_new_object();

	json_object_object_add(o, "time", json_object_new_int64(time(NULL)));
	ms_json_limit(o, &now->limit);
	ms_json_observe(observed, &now->observe);
	json_object_object_add(o, "observed", observed);
	json_object_object_add(o, "refusals", json_refused(told));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

/* What is observed moves all the time; only whether it is, and whether limits hold, is told of. */
static bool changed(const struct moment *now, const struct moment *before)
{
	const struct memstate_limit *a = &now->limit, *b = &before->limit;

	if (now->observe.on != before->observe.on ||
	    ms_is_unenforced(&now->observe) != ms_is_unenforced(&before->observe))
		return true;
	return now->refused != before->refused || a->pressure != b->pressure ||
	       a->high != b->high || a->max != b->max ||
	       memcmp(a->events, b->events, sizeof(a->events)) != 0;
}

/* Return: 0 or a negative errno. */
static int read_moment(int fd, struct moment *m)
{
	struct ms_refusal refusal;

	m->observe = (struct memstate_observe) {
		.size = sizeof(m->observe), .scope = MEMSTATE_SCOPE_WATCHED,
	};
	if (ioctl(fd, MEMSTATE_IOC_OBSERVE, &m->observe))
		m->observe = (struct memstate_observe) {};
	ms_refusal_watched(fd, &refusal);
	m->refused = refusal.nr;
	return memstate_watch_read(fd, &m->limit);
}

/* What was refused before the first line is no event. */
static void read_refusals(struct told *t, bool first)
{
	ms_refusals_free(&t->before);
	t->before = t->now;
	t->begun = !first;
	ms_refusals_read(&t->now);
}

static int watch(int fd, unsigned long count, int64_t end, bool json, struct told *told)
{
	struct moment now, before;
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	bool first = true;
	int ret;

	memset(&before, 0, sizeof(before));
	for (;;) {
		int64_t left = end ? end - ms_now_ms() : -1;

		ret = read_moment(fd, &now);
		if (ret)
			return ms_limit_error("the group", ret);
		if (first || changed(&now, &before)) {
			if (first)
				before.limit = now.limit;
			read_refusals(told, first);
			if (json)
				print_json(&now, told);
			else
				print_change(&now, &before.limit, told);
			if (ms_print_end())
				return 1;
			if (count && !--count)
				return 0;
		}
		before = now;
		first = false;
		if (p.revents & POLLHUP) {
			ms_err("the cgroup is gone");
			return 0;
		}
		if (end && left <= 0)
			return 0;
		p.revents = 0;
		if (poll(&p, 1, end ? (int)left : -1) < 0 && errno != EINTR) {
			ms_err("poll: %s", ms_error_text(errno));
			return 1;
		}
	}
}

int memstate_cmd_watch(int argc, char **argv)
{
	struct ms_cgroup cg = { .fd = MEMSTATE_SYSTEM };
	struct told told = {};
	unsigned long count = 0;
	double timeout = 0;
	bool json = false;
	int c, fd, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":n:t:jh", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			if (ms_count_arg("watch", "--count", 1, ULONG_MAX, &count))
				return EXIT_USAGE;
			break;
		case 't':
			if (ms_seconds_arg("watch", "--timeout", 0.001, 1e9, &timeout))
				return EXIT_USAGE;
			break;
		default:
			ret = ms_last_options("watch", help, c, argv, &json);
			if (ret >= 0)
				return ret;
		}
	}
	if (optind + 1 < argc)
		return ms_usage_error("watch", "one target at the most");
	if (optind < argc && ms_cgroup_find("watch", argv[optind], &cg))
		return 1;
	fd = memstate_watch_open(cg.fd);
	told.root = cg.id;
	if (cg.fd >= 0)
		ms_cgroup_close(&cg);
	if (fd < 0)
		return ms_limit_error(optind < argc ? cg.dir : "the system", fd);
	ret = watch(fd, count, timeout > 0 ? ms_now_ms() + (int64_t)(timeout * 1000) : 0,
		    json, &told);
	ms_refusals_free(&told.before);
	ms_refusals_free(&told.now);
	close(fd);
	return ret;
}
