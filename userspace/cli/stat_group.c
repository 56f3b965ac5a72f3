// SPDX-License-Identifier: MIT
/* memstate stat --groups: cgroups, what is reported of them, observed and enforced. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "cli.h"
#include "group.h"
#include "refusal.h"
#include "rules.h"

/**
 * struct row - a group
 * @cg:		its cgroup
 * @seen:	what the module says
 * @alloc:	what allocators count
 * @memory:	what the kernel counts
 * @refused:	what was refused last, or NULL
 * @in:		cgroup id of the group that was refused
 */
struct row {
	struct ms_cgroup cg;
	struct ms_group_seen seen;
	struct memstate_alloc alloc;
	struct ms_cgroup_memory memory;
	const struct ms_refusal *refused;
	uint64_t in;
};

/* Of all groups, as they were when this began. */
static struct ms_refusals refusals;

/* Bytes that somebody accounts for: who reports them, or the module that observes. */
static uint64_t accounted(const struct row *r)
{
	return ms_totals_state(&r->seen.totals, MEMSTATE_READY) +
	       ms_totals_state(&r->seen.totals, MEMSTATE_PREPARED) + r->seen.observe.backed -
	       r->seen.observe.inherited;
}

/* Anonymous memory, with what of it is swapped out; -1: not known. */
static int64_t anonymous(const struct row *r)
{
	return r->memory.anon < 0 ? -1 :
	       r->memory.anon + (r->memory.swap > 0 ? r->memory.swap : 0);
}

/* Anonymous memory that nobody accounts for; -1: not known. */
static int64_t unaccounted(const struct row *r)
{
	int64_t all = anonymous(r);

	if (all < 0)
		return -1;
	return (uint64_t)all > accounted(r) ? all - (int64_t)accounted(r) : 0;
}

/* How much of it is accounted for, of a hundred; -1: not known. */
static int coverage(const struct row *r)
{
	int64_t all = anonymous(r);

	return all <= 0 ? -1 : (int)((all - unaccounted(r)) * 100 / all);
}

static const char *size_or_dash(int64_t bytes)
{
	return bytes < 0 ? "-" : ms_size((uint64_t)bytes);
}

static void print_head(void)
{
	printf("%-24s | %-35s | %-35s | %-42s | %s\n", "", "reported", "observed, of the others",
	       "enforced", "observed by the kernel");
	printf("%-24s | %5s %9s %9s %9s | %5s %9s %9s %9s | %9s %9s %9s %5s %6s | %9s %9s %8s %11s\n",
	       "GROUP", "TASKS", "RESERVED", "PREPARED", "READY", "TASKS", "COMMIT", "BACKED",
	       "PENDING", "CHARGED", "HIGH", "MAX", "PRESS", "DENIED", "ANON", "SHARED",
	       "COVERAGE", "UNACCOUNTED");
}

static void print_observed(const struct row *r)
{
	const struct memstate_observe *w = &r->seen.observe;

	if (w->on)
		printf("%5llu %9s %9s %9s", (unsigned long long)w->spaces, ms_size(w->commit),
		       ms_size(w->backed), ms_size(w->pending));
	else
		printf("%5s %9s %9s %9s", "-", "-", "-", "-");
}

static void print_refused(const struct row *r)
{
	char text[MS_REFUSAL_WORDS], first[32], last[32];
	const struct ms_refusal *no = r->refused;

	if (!no)
		return;
	ms_refusal_words(no, r->cg.id, r->in, text, sizeof(text));
	ms_refusal_clock(no->first_us, first, sizeof(first));
	ms_refusal_clock(no->at_us, last, sizeof(last));
	if (no->nr > 1 && no->first_us)
		printf("%27srefused %llu times since %s, last at %s: %s\n", "",
		       (unsigned long long)no->nr, first, last, text);
	else
		printf("%27srefused %llu time%s, last at %s: %s\n", "",
		       (unsigned long long)no->nr, no->nr == 1 ? "" : "s", last, text);
}

static void print_row(const struct row *r)
{
	const char *path = r->cg.path;
	size_t length = strlen(path);
	char covered[16] = "-";

	/* The end tells more. */
	if (length > 24)
		path += length - 24;
	if (coverage(r) >= 0)
		snprintf(covered, sizeof(covered), "%d %%", coverage(r));
	printf("%-24s | %5llu %9s %9s %9s | ", ms_name(path),
	       r->seen.totals.tasks, ms_size(ms_totals_state(&r->seen.totals, MEMSTATE_RESERVED)),
	       ms_size(ms_totals_state(&r->seen.totals, MEMSTATE_PREPARED)),
	       ms_size(ms_totals_state(&r->seen.totals, MEMSTATE_READY)));
	print_observed(r);
	printf(" | %9s %9s %9s %5s %6llu | %9s %9s %8s %11s\n",
	       ms_size(r->seen.limit.charged), ms_limit_size(r->seen.limit.high),
	       ms_limit_size(r->seen.limit.max), ms_pressure_name(r->seen.limit.pressure),
	       r->seen.limit.events[MEMSTATE_EVENT_DENIED], size_or_dash(r->memory.anon),
	       size_or_dash(r->memory.shmem), covered, size_or_dash(unaccounted(r)));
	ms_print_alloc(26, ms_alloc_heap(&r->alloc), &r->alloc);
	if (ms_is_unenforced(&r->seen.observe))
		printf("%27s" MS_UNENFORCED "\n", "");
	print_refused(r);
}

static struct json_object *json_row(const struct row *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *said = json_object_new_object();
	struct json_object *enforced = json_object_new_object();
	struct json_object *observed = json_object_new_object();
	struct json_object *memory = json_object_new_object();

	ms_json_add_text(o, "path", r->cg.path);
	ms_json_add(o, "cgroup_id", r->cg.id);
	ms_json_add(said, "nr_tasks", r->seen.totals.tasks);
	ms_json_totals(said, &r->seen.totals);
	ms_json_alloc(said, ms_alloc_heap(&r->alloc), &r->alloc);
	json_object_object_add(o, "reported", said);
	ms_json_observe(observed, &r->seen.observe);
	json_object_object_add(o, "observed", observed);
	ms_json_limit(enforced, &r->seen.limit);
	json_object_object_add(o, "enforced", enforced);
	json_object_object_add(o, "last_refusal", ms_refusal_json(r->refused, r->in));
	ms_json_memory(memory, &r->memory);
	json_object_object_add(o, "memory", memory);
	ms_json_add_known(o, "unaccounted", unaccounted(r));
	ms_json_add_known(o, "coverage_percent", coverage(r));
	return o;
}

/* Fill the rest of a row whose cgroup is open. */
static int row_read(struct row *r)
{
	const struct ms_refused *at = ms_refusals_find(&refusals, r->cg.id);
	int ret = ms_group_look(r->cg.fd, &r->seen);

	r->refused = at && at->refusal.nr ? &at->refusal : NULL;
	r->in = r->refused ? ms_refusals_in(&refusals, at) : 0;
	if (memstate_group_alloc_totals(r->cg.fd, &r->alloc))
		r->alloc.nr_shards = 0;
	ms_cgroup_memory(&r->cg, &r->memory);
	return ret;
}

static int show(struct row *r, struct json_object *list)
{
	int ret = row_read(r);

	ms_cgroup_close(&r->cg);
	if (ret)
		return ms_limit_error(r->cg.dir, ret);
	if (list)
		json_object_array_add(list, json_row(r));
	else
		print_row(r);
	return 0;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	unsigned long long x = strtoull((*a)->d_name, NULL, 10);
	unsigned long long y = strtoull((*b)->d_name, NULL, 10);

	return x < y ? -1 : x > y;
}

static int is_number(const struct dirent *d)
{
	return d->d_name[0] >= '0' && d->d_name[0] <= '9';
}

/* All groups that the module knows; their paths are root's to read. */
static int show_all(struct json_object *list)
{
	struct dirent **names;
	int nr, status = 0;

	nr = scandir(SYSFS_DIR "/groups", &names, is_number, by_number);
	if (nr < 0) {
		if (errno == ENOENT)
			ms_err(MS_NO_MODULE, SYSFS_DIR "/groups");
		else
			ms_err("%s: %s", SYSFS_DIR "/groups", ms_error_text(errno));
		return 1;
	}
	for (int i = 0; i < nr; i++) {
		char file[512], path[PATH_MAX];
		struct row r;
		FILE *f;

		snprintf(file, sizeof(file), SYSFS_DIR "/groups/%s/path",
			 names[i]->d_name);
		f = fopen(file, "re");
		if (!f && errno == EACCES && !status) {
			ms_err("the paths of groups are root's to read; name a TARGET");
			status = 1;
		}
		if (f && fgets(path, sizeof(path), f)) {
			path[strcspn(path, "\n")] = '\0';
			/* It may go while we look. */
			if (!ms_cgroup_open(&r.cg, path) && show(&r, list))
				status = 1;
		}
		if (f)
			fclose(f);
		free(names[i]);
	}
	free(names);
	return status;
}

/**
 * ms_stat_groups() - print groups
 * @targets:	which, as ms_cgroup_find() takes them
 * @nr:		how many; 0: all that there are
 * @json:	as one document
 *
 * Return: the exit status.
 */
int ms_stat_groups(char **targets, int nr, bool json)
{
	struct json_object *doc = NULL, *list = NULL;
	int status = 0;

	if (json) {
		doc = json_object_new_object();
		list = json_object_new_array();
		json_object_object_add(doc, "groups", list);
	} else {
		print_head();
	}
	ms_refusals_read(&refusals);
	if (!nr)
		status = show_all(list);
	for (int i = 0; i < nr; i++) {
		struct row r;

		if (ms_cgroup_find("stat", targets[i], &r.cg) || show(&r, list))
			status = 1;
	}
	ms_refusals_free(&refusals);
	if (doc && ms_json_print(doc))
		status = 1;
	return status;
}
