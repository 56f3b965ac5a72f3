// SPDX-License-Identifier: MIT
/*
 * memstate advise: which limits would have been right.
 *
 * Model
 *
 *   People guess a limit from RSS, which has neither what was granted and not touched, nor
 *   what was only kept. Two numbers are read off a recording, or off a group while it is looked
 *   at: the most that was charged (with that as max nothing would have been refused), and the
 *   most that was in use, without what was Prepared (with that as max those who keep it for
 *   later would have had to give it back). Looking at moments misses what is between
 *   them: so an eighth is added, unless the module has kept the peak itself.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "group.h"
#include "grown.h"
#include "plot/plot.h"
#include "rules.h"

static const char help[] =
	"usage: memstate advise [OPTION]... FILE\n"
	"       memstate advise [OPTION]... TARGET\n\n"
	"Say which limits would be right: from a recording (memstate record), or by looking\n"
	"at a cgroup, which TARGET names as for 'memstate limit', for some time or until\n"
	"interrupted. Nothing is set.\n\n"
	"  --duration SECONDS  look at a TARGET for so long (default 60)\n"
	"  --workers N         so many processes alike share the limit, for what runtimes are told\n"
	"                      (default 1)\n"
	"  --json              one JSON document\n"
	"  --help              this text\n";

static const struct option options[] = {
	{ "duration", required_argument, NULL, 'd' },
	{ "workers", required_argument, NULL, 'w' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

#define LOOK_US		100000
#define MIB		((uint64_t)1 << 20)

/**
 * struct seen - what was seen
 * @looks:	how often
 * @span:	seconds
 * @charged:	the most that was held: Ready, or granted, or kept though it was given up
 * @charged_at:	when, seconds since the start
 * @used:	the most that was Ready, or backed
 * @near:	looks at which as much as nine tenths of @charged were held
 * @exact:	@charged is a peak that the module has kept
 * @uncounted:	what counts in memory.max alone: shared memory, the kernel's own
 * @refused:	requests that were refused meanwhile
 * @lines:	times are lines of a log, not seconds
 */
struct seen {
	uint64_t looks;
	double span;
	uint64_t charged;
	double charged_at;
	uint64_t used;
	uint64_t near;
	bool exact;
	uint64_t uncounted;
	uint64_t refused;
	bool lines;
};

/* What one moment says. */
struct moment {
	double t;
	uint64_t charged;
	uint64_t used;
};

static struct moment moment_of(double t, const struct memstate_totals *totals, uint64_t backed,
			       uint64_t charged)
{
	uint64_t ready = ms_totals_state(totals, MEMSTATE_READY);
	uint64_t lazy = totals->reserved_lazy + totals->prepared_lazy;
	struct moment m = {
		.t = t,
		.charged = ready + lazy + backed,
		.used = ready + backed,
	};

	/* With the credit that was taken, and what was granted. */
	if (charged > m.charged)
		m.charged = charged;
	return m;
}

static void see(struct seen *s, const struct moment *m)
{
	s->looks++;
	s->span = m->t;
	if (m->charged > s->charged) {
		s->charged = m->charged;
		s->charged_at = m->t;
	}
	if (m->used > s->used)
		s->used = m->used;
}

/* ---- a recording ----------------------------------------------------------------------- */

static struct moment of_sample(const struct ms_sample *s)
{
	return moment_of(s->t, &s->totals, s->observed.backed, s->limited ? s->limit.charged : 0);
}

/* Return: 0, or the exit status after a message. */
static int see_recording(struct seen *s, const char *path)
{
	struct ms_recording r = {};
	int ret = ms_recording_read(&r, path);

	if (ret)
		return 1;
	s->lines = r.calls;
	for (size_t i = 0; i < r.nr_samples; i++) {
		struct moment m = of_sample(&r.samples[i]);

		see(s, &m);
	}
	for (size_t i = 0; i < r.nr_samples; i++)
		s->near += of_sample(&r.samples[i]).charged >= s->charged / 10 * 9;
	for (size_t i = 0; i < r.nr_marks; i++)
		if (r.marks[i].event == MEMSTATE_EVENT_DENIED)
			s->refused += r.marks[i].by;
	ms_recording_free(&r);
	return 0;
}

/* ---- a group --------------------------------------------------------------------------- */

/* Return: 0, or the exit status after a message. */
static int see_group(struct seen *s, const char *target, double duration)
{
	uint64_t denied_before = 0;
	struct ms_group_seen seen;
	struct ms_cgroup_memory memory;
	double start = ms_now();
	struct moment *all = NULL;
	struct ms_cgroup cg;
	int ret;

	if (ms_cgroup_find("advise", target, &cg))
		return 1;
	ms_interrupt_catch();
	do {
		uint64_t other;

		ret = ms_group_look(cg.fd, &seen);
		if (ret)
			break;
		if (!s->looks)
			denied_before = seen.limit.events[MEMSTATE_EVENT_DENIED];
		all = ms_grown(all, s->looks, sizeof(*all));
		all[s->looks] = moment_of(ms_now() - start, &seen.totals, seen.observe.backed,
					  seen.limit.charged);
		see(s, &all[s->looks]);
		ms_cgroup_memory(&cg, &memory);
		other = ms_cgroup_uncounted(&memory);
		if (other > s->uncounted)
			s->uncounted = other;
		if (s->span < duration && !ms_interrupted())
			usleep(LOOK_US);
	} while (s->span < duration && !ms_interrupted());
	if (!ret) {
		/* Of all time: where it is more, it was before. */
		if (seen.limit.peak > s->charged)
			s->charged = seen.limit.peak;
		s->exact = true;
		s->refused = seen.limit.events[MEMSTATE_EVENT_DENIED] - denied_before;
	}
	for (uint64_t i = 0; i < s->looks; i++)
		s->near += all[i].charged >= s->charged / 10 * 9;
	free(all);
	if (ret)
		ms_limit_error(cg.dir, ret);
	ms_cgroup_close(&cg);
	return ret ? 1 : 0;
}

/* ---- what follows ----------------------------------------------------------------------- */

static uint64_t whole(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB * MIB;
}

/**
 * struct advice - limits, bytes
 * @max:	would have refused nothing
 * @tight:	would have had what is only kept given back; @max: that is nothing to speak of
 * @memory_max:	beside @max
 */
struct advice {
	uint64_t max;
	uint64_t tight;
	uint64_t memory_max;
};

static struct advice follow(const struct seen *s)
{
	struct advice a = { .max = whole(s->charged + (s->exact ? MIB : s->charged / 8)) };

	a.tight = whole(s->used + s->used / 8);
	if (a.tight > a.max / 10 * 9)
		a.tight = a.max;
	a.memory_max = whole(a.max + ms_room_beside(a.max) + s->uncounted);
	return a;
}

static const char *when(const struct seen *s, double t, char *text, size_t size)
{
	if (s->lines)
		snprintf(text, size, "%.0f lines", t);
	else
		snprintf(text, size, "%.1f s", t);
	return text;
}

static void print(const struct seen *s, const struct advice *a, const char *what, bool file,
		  uint32_t workers)
{
	unsigned int percent = (unsigned int)(100 * s->near / s->looks);
	unsigned long long mib = a->max / MIB;
	char at[48];

	printf("%-14s %12s   the most that was held was %s", "max", ms_size(a->max),
	       ms_size(s->charged));
	if (s->exact)
		printf(", by the module's own count: this would have refused nothing\n");
	else
		printf(", after %s: this would have refused nothing that was seen\n",
		       when(s, s->charged_at, at, sizeof(at)));
	if (a->tight < a->max)
		printf("%-14s %12s   or so: in use were never more than %s, the rest was kept for later\n",
		       "", ms_size(a->tight), ms_size(s->used));
	printf("%-14s %12s   beside it, for what does not count in max%s\n", "memory.max",
	       ms_size(a->memory_max), s->uncounted ? "" : " (shared memory: not seen here)");
	printf("seen %llu times in %s, %u %% of them within a tenth of the most%s\n",
	       (unsigned long long)s->looks, when(s, s->span, at, sizeof(at)), percent,
	       percent < 5 ? ": a peak; if it can be refused, less will do" : "");
	if (s->refused)
		printf("%llu requests were refused meanwhile: more was wanted than was seen\n",
		       (unsigned long long)s->refused);
	printf("what runtimes are to be told: memstate adapt --max %lluM", mib);
	if (workers > 1)
		printf(" --workers %u", workers);
	printf("\n");
	if (file)
		printf("with the lines in it: memstate plot %s --max %lluM\n", ms_name(what), mib);
	else
		printf("to set it: memstate limit %s --max %lluM\n", ms_name(what), mib);
}

static int print_json(const struct seen *s, const struct advice *a)
{
	struct json_object *doc = json_object_new_object();

	ms_json_add(doc, "max", a->max);
	ms_json_add(doc, "max_without_kept", a->tight);
	ms_json_add(doc, "memory_max", a->memory_max);
	ms_json_add(doc, "held", s->charged);
	ms_json_add(doc, "used", s->used);
	ms_json_add(doc, "uncounted", s->uncounted);
	json_object_object_add(doc, "exact", json_object_new_boolean(s->exact));
	ms_json_add(doc, "looks", s->looks);
	ms_json_add(doc, "looks_near", s->near);
	ms_json_add(doc, "denied", s->refused);
	return ms_json_print(doc);
}

int memstate_cmd_advise(int argc, char **argv)
{
	double duration = 60;
	uint32_t workers = 1;
	struct seen s = {};
	struct advice a;
	bool json = false, file;
	struct stat st;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":d:w:jh", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			if (ms_seconds_arg("advise", "--duration", 0, 1e7, &duration))
				return EXIT_USAGE;
			break;
		case 'w':
			if (ms_workers_arg("advise", optarg, &workers))
				return EXIT_USAGE;
			break;
		default:
			ret = ms_last_options("advise", help, c, argv, &json);
			if (ret >= 0)
				return ret;
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("advise", "one recording or target is needed");
	file = !stat(argv[optind], &st) && !S_ISDIR(st.st_mode);
	ret = file ? see_recording(&s, argv[optind]) : see_group(&s, argv[optind], duration);
	if (ret)
		return ret;
	if (!s.charged) {
		ms_err("%s: nothing was held by anybody who reports or is observed",
		       ms_name(argv[optind]));
		return 1;
	}
	a = follow(&s);
	if (json)
		return print_json(&s, &a);
	print(&s, &a, argv[optind], file, workers);
	return 0;
}
