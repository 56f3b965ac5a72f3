// SPDX-License-Identifier: MIT
/* memstate limit: show or set the limits of a cgroup. */
#include <errno.h>

#include "cgroup.h"
#include "cli.h"
#include "files.h"
#include "group.h"
#include "refusal.h"
#include "rules.h"

static const char help[] =
	"usage: memstate limit TARGET [OPTION]...\n\n"
	"Show or set the limits of a cgroup and all below it, at once and for any program.\n"
	"TARGET is a directory of cgroupfs, a path in the hierarchy, a process id, the name\n"
	"or id of a container, or a unit of systemd. To set them takes CAP_SYS_RESOURCE, or\n"
	"the right to write to the directory above. SIZE is as for memory.max: bytes, with\n"
	"K, M, G or T behind, or max for none; or as sizes are printed: 20MiB, 1.5 GiB. Over\n"
	"max memory does not become Ready: the program gets an error; nothing is killed.\n\n"
	"What counts is what programs report as Ready, and of those that report nothing\n"
	"what is backed or was granted to them. What does not: shared memory, page cache,\n"
	"the kernel's own; memory.max, somewhat higher, holds these.\n\n"
	"  --max SIZE             what may be charged\n"
	"  --commit-max SIZE      what all programs could write to without asking again, ever\n"
	"  --high SIZE            above it there is pressure: allocators give back what they can\n"
	"  --overcommit PERCENT   of max, what may be granted as long as it is not touched (default 100)\n"
	"  --reports-only         limit only what reports; do not observe the others\n"
	"  --trust-reports        charge who reports what he says, not more if more is seen\n"
	"  --json                 one JSON document\n"
	"  --help                 this text\n";

enum { OPT_REPORTS_ONLY = 256, OPT_TRUST, OPT_COMMIT };

static const struct option options[] = {
	{ "max", required_argument, NULL, 'm' },
	{ "commit-max", required_argument, NULL, OPT_COMMIT },
	{ "high", required_argument, NULL, 'H' },
	{ "overcommit", required_argument, NULL, 'o' },
	{ "reports-only", no_argument, NULL, OPT_REPORTS_ONLY },
	{ "trust-reports", no_argument, NULL, OPT_TRUST },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/**
 * struct shown - a group, and what is known of it
 * @cg:		its cgroup
 * @seen:	what the module says
 * @memory:	what the kernel counts
 * @refusal:	the last one, empty: there was none, or it may not be read
 */
struct shown {
	struct ms_cgroup cg;
	struct ms_group_seen seen;
	struct ms_cgroup_memory memory;
	char refusal[MS_REFUSAL_TEXT];
};

/*
 * What memory.max should be beside max, so that nothing is killed that keeps to it: what is
 * not counted now, and room for what is not counted later: those who look around in a full
 * group, page tables, the pages of a child that it writes to.
 */
static uint64_t advised(const struct shown *s)
{
	const uint64_t mib = 1 << 20;
	uint64_t max = s->seen.limit.max;
	uint64_t room = ms_room_beside(max) + ms_cgroup_uncounted(&s->memory);

	if (max > UINT64_MAX - room - mib)
		return UINT64_MAX;
	return (max + room + mib - 1) / mib * mib;
}

static void print_memory_max(const struct shown *s)
{
	uint64_t advice = advised(s);

	if (s->memory.current < 0) {
		printf("%-14s %12s   the memory controller is not enabled here: nothing else holds what is not counted\n",
		       "memory.max", "-");
		return;
	}
	printf("%-14s %12s   the kernel's own, which kills", "memory.max",
	       s->memory.max == UINT64_MAX ? "max" : ms_size(s->memory.max));
	if (s->seen.limit.max == MEMSTATE_UNLIMITED || advice == UINT64_MAX)
		printf("\n");
	else if (s->memory.max < advice)
		printf("; too low beside max: %s would do\n", ms_size(advice));
	else if (s->memory.max == UINT64_MAX)
		printf("; beside max %s would do, for what is not counted\n", ms_size(advice));
	else
		printf(" what is not counted\n");
}

static void print_observed(const struct shown *s)
{
	const struct memstate_observe *w = &s->seen.observe;

	printf("%-14s %12s   reported: Ready, by %llu process%s\n", "Reported",
	       ms_size(ms_totals_state(&s->seen.totals, MEMSTATE_READY)),
	       (unsigned long long)s->seen.totals.tasks, s->seen.totals.tasks == 1 ? "" : "es");
	if (!w->on) {
		printf("%-14s %12s   programs that report nothing are not limited; try: memstate observe %s\n",
		       "Observed", "-", ms_name(s->cg.path));
		return;
	}
	if (ms_is_unenforced(w))
		printf("%-14s %12s   " MS_UNENFORCED "\n", "Enforced", "no");
	printf("%-14s %12s   observed: backed, of %llu process%s that report%s nothing\n",
	       "Observed", ms_size(w->backed - w->inherited), (unsigned long long)w->spaces,
	       w->spaces == 1 ? "" : "es", w->spaces == 1 ? "s" : "");
	printf("%-14s %12s   granted to them, and not backed yet (overcommit %u %%)\n", "Pending",
	       ms_size(w->pending), w->overcommit);
	if (w->excess)
		printf("%-14s %12s   observed of those that report, beyond what they report\n",
		       "Excess", ms_size(w->excess));
	if (w->trust)
		printf("%-14s %12s   who reports is believed\n", "Trust", "yes");
}

static void print_limit(const struct shown *s)
{
	const struct memstate_limit *l = &s->seen.limit;

	printf("%-14s %12s   cgroup id %llu\n", "GROUP", ms_name(s->cg.path),
	       (unsigned long long)l->group);
	printf("%-14s %12s   enforced (peak %s)\n", "Charged", ms_size(l->charged),
	       ms_size(l->peak));
	printf("%-14s %12s   enforced: pressure above it\n", "High",
	       ms_limit_size(l->high));
	printf("%-14s %12s   enforced: nothing gets Ready above it\n", "Max",
	       ms_limit_size(l->max));
	printf("%-14s %12s   in force, with the groups above\n", "Lowest max",
	       ms_limit_size(l->lowest_max));
	if (ms_commit_max(&s->seen.observe) != MEMSTATE_UNLIMITED)
		printf("%-14s %12s   enforced: of all that could be written to\n", "Commit max",
		       ms_size(s->seen.observe.commit_max));
	printf("%-14s %12s\n", "Pressure", ms_pressure_name(l->pressure));
	print_observed(s);
	if (s->memory.shmem >= 0)
		printf("%-14s %12s   observed by the kernel, and not counted\n", "Shared",
		       ms_size((uint64_t)s->memory.shmem));
	print_memory_max(s);
	if (*s->refusal)
		printf("last refusal: %s\n", s->refusal);
	printf("events high %llu, max %llu, denied %llu, breach %llu, drift %llu\n",
	       l->events[0], l->events[1], l->events[2], l->events[3], l->events[4]);
}

static int print_json(const struct shown *s)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *observed = json_object_new_object();
	struct json_object *memory = json_object_new_object();
	struct ms_refusal refusal;

	json_object_object_add(doc, "source", json_object_new_string("enforced"));
	ms_json_add_text(doc, "path", s->cg.path);
	ms_json_limit(doc, &s->seen.limit);
	ms_json_add_limit(doc, "commit_max", ms_commit_max(&s->seen.observe));
	ms_json_add(doc, "reported_ready", ms_totals_state(&s->seen.totals, MEMSTATE_READY));
	ms_json_observe(observed, &s->seen.observe);
	json_object_object_add(doc, "observed", observed);
	ms_json_memory(memory, &s->memory);
	ms_json_add_limit(memory, "advised_max", advised(s));
	json_object_object_add(doc, "memory", memory);
	ms_refusal_parse(s->refusal, &refusal);
	json_object_object_add(doc, "last_refusal", ms_refusal_json(&refusal, 0));
	return ms_json_print(doc);
}

/**
 * struct wish - what is to be set
 * @set:	MEMSTATE_LIMIT_*
 * @high:	bytes
 * @max:	bytes
 * @overcommit:	percent, 0: as it is
 * @reports_only: do not observe
 * @trust:	who reports is believed
 * @commit:	set @commit_max, too
 * @commit_max:	bytes
 */
struct wish {
	unsigned int set;
	uint64_t high;
	uint64_t max;
	uint32_t overcommit;
	bool reports_only;
	bool trust;
	bool commit;
	uint64_t commit_max;
};

/* Whether a max is to hold for programs that report nothing. */
static bool holds_for_all(const struct wish *w)
{
	return w->set & MEMSTATE_LIMIT_MAX && w->max != MEMSTATE_UNLIMITED && !w->reports_only;
}

/* Return: 0, or the exit status after a message, with nothing set. */
static int may_be_set(const struct wish *w, const struct ms_cgroup *cg)
{
	if (!holds_for_all(w) || ms_observe_can())
		return 0;
	ms_observe_error(cg->dir, -EOPNOTSUPP);
	ms_err("so the limit would hold only for what reports; with --reports-only it is set for that");
	return 1;
}

/* Return: 0 or a negative errno. */
static int set_limits(const struct wish *w, const struct ms_cgroup *cg)
{
	struct memstate_limit l = {
		.size = sizeof(l),
		.flags = w->reports_only ? MEMSTATE_LIMIT_REPORTS : 0,
		.set = w->set,
		.high = w->high,
		.max = w->max,
	};

	return w->set ? memstate_limit_apply(cg->fd, &l) : 0;
}

/* Return: 0, or the exit status after a message. */
static int set(const struct wish *w, const struct ms_cgroup *cg)
{
	struct memstate_observe now = { .size = sizeof(now) };
	struct memstate_observe o = { .size = sizeof(o), .overcommit = w->overcommit };
	int ret = set_limits(w, cg);

	if (ret)
		return ms_limit_error(cg->dir, ret);
	if (w->overcommit)
		o.set |= MEMSTATE_OBSERVE_OVERCOMMIT;
	if (w->trust) {
		o.set |= MEMSTATE_OBSERVE_TRUST;
		o.trust = 1;
	}
	/* A max turns it on, unless it was turned off before; this is the later word. */
	if (w->reports_only ||
	    (holds_for_all(w) && !memstate_group_observe(cg->fd, &now) && !now.on)) {
		o.set |= MEMSTATE_OBSERVE_ON;
		o.on = !w->reports_only;
	}
	if (w->commit) {
		o.set |= MEMSTATE_OBSERVE_COMMIT_MAX;
		o.commit_max = w->commit_max;
	}
	ret = o.set ? memstate_group_observe(cg->fd, &o) : 0;
	if (w->commit && (ret == -EINVAL || ret == -E2BIG)) {
		ms_err("%s: this module knows no commit_max; --max it knows", cg->path);
		return 1;
	}
	if (ret)
		return ms_observe_error(cg->dir, ret);
	if (w->reports_only && o.on)
		ms_err("%s: programs that report nothing are observed here all the same, as a cgroup above is: memstate observe --off there",
		       ms_name(cg->path));
	return 0;
}

/* Return: 0, or the exit status after a message. */
static int read_all(struct shown *s)
{
	int ret = ms_group_look(s->cg.fd, &s->seen);

	if (ret)
		return ms_limit_error(s->cg.dir, ret);
	ms_cgroup_memory(&s->cg, &s->memory);
	ms_group_refusal_text(s->cg.id, s->refusal, sizeof(s->refusal));
	return 0;
}

int memstate_cmd_limit(int argc, char **argv)
{
	struct wish w = {};
	bool json = false;
	struct shown s;
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (ms_size_arg("limit", "--max", argv, &w.max))
				return EXIT_USAGE;
			w.set |= MEMSTATE_LIMIT_MAX;
			break;
		case 'H':
			if (ms_size_arg("limit", "--high", argv, &w.high))
				return EXIT_USAGE;
			w.set |= MEMSTATE_LIMIT_HIGH;
			break;
		case OPT_COMMIT:
			if (ms_size_arg("limit", "--commit-max", argv, &w.commit_max))
				return EXIT_USAGE;
			w.commit = true;
			break;
		case 'o':
			if (ms_percent_arg("limit", optarg, &w.overcommit))
				return EXIT_USAGE;
			break;
		case OPT_REPORTS_ONLY:
			w.reports_only = true;
			break;
		case OPT_TRUST:
			w.trust = true;
			break;
		default:
			status = ms_last_options("limit", help, c, argv, &json);
			if (status >= 0)
				return status;
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("limit", "one target is needed");
	if (w.reports_only && !(w.set & MEMSTATE_LIMIT_MAX))
		return ms_usage_error("limit", "--reports-only says for whom --max holds; to observe no more: memstate observe TARGET --off");
	if (ms_cgroup_find("limit", argv[optind], &s.cg))
		return 1;
	status = (w.set || w.overcommit || w.trust || w.commit) &&
		 ms_cgroup_is_whole(&s.cg, argv[optind]);
	if (!status)
		status = may_be_set(&w, &s.cg);
	if (!status)
		status = set(&w, &s.cg);
	if (!status)
		status = read_all(&s);
	ms_cgroup_close(&s.cg);
	if (status)
		return status;
	if (json)
		return print_json(&s);
	print_limit(&s);
	return 0;
}
