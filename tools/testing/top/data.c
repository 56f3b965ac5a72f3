// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What memstate top reads and how it orders it, on a tree made by fake.py:
 * data DIR ROOT WEB REDIS BLANK BATCH, the ids of its cgroups. It changes the tree.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "top/view.h"

#define MIB	(1ULL << 20)

static const char *top;
static struct top_paths paths;

/* A path in the tree; it stays valid. */
static const char *below(const char *name)
{
	static char room[1 << 20];
	static size_t used;
	char *p = room + used;

	used += (size_t)snprintf(p, sizeof(room) - used, "%s/%s", top, name) + 1;
	if (used > sizeof(room))
		exit(2);
	return p;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(below(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(name);
		exit(1);
	}
}

static const struct top_row *row(const struct top_data *d, unsigned long long id,
				 bool task)
{
	static const struct top_row none = { .name = "(no such row)" };

	for (size_t i = 0; i < d->nr; i++)
		if (d->rows[i].id == id && d->rows[i].task == task)
			return &d->rows[i];
	return &none;
}

/* Names in order, with a dot for each row above. */
static const char *order(struct top_data *d)
{
	struct top_view view = {};
	struct top_list list = {};
	static char text[1024];
	size_t n = 0;

	*text = '\0';
	if (ms_top_arrange(d, &view, &list))
		return "out of memory";
	for (size_t i = 0; i < list.nr; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s%s",
				      i ? " | " : "", (int)list.rows[i]->depth, "......",
				      list.rows[i]->name);
	ms_top_list_free(&list);
	return text;
}

/* How many rows there are in order. */
static size_t shown(struct top_data *d)
{
	struct top_view view = {};
	struct top_list list = {};
	size_t nr = ms_top_arrange(d, &view, &list) ? 0 : list.nr;

	ms_top_list_free(&list);
	return nr;
}

/* Bytes by class: of each state they add up to what the file of the state says. */
static void classes(const unsigned long long *ids)
{
	const struct top_view view = {};
	struct top_data plain = {}, d = {};
	size_t same = 0;

	tap_is(ms_top_collect(&paths, TOP_TASKS, &plain), 0, "classes: states are read");
	tap_ok(!plain.classes && row(&plain, ids[0], false)->classes[0][0] == TOP_UNKNOWN,
	       "classes: only if asked for");
	tap_is(ms_top_value(&view, row(&plain, ids[0], false), TOP_TOTAL), TOP_UNKNOWN,
	       "classes: what is not read is not known, nor its sum");
	tap_is(ms_top_collect(&paths, TOP_TASKS | TOP_CLASSES, &d), 0, "classes: are read");
	tap_ok(d.classes && d.nr == plain.nr, "classes: of all rows");
	for (size_t i = 0; i < d.nr; i++) {
		const struct top_row *a = &d.rows[i], *b = row(&plain, a->id, a->task);

		same += a->reserved == b->reserved && a->prepared == b->prepared &&
			a->ready == b->ready && ms_top_value(&view, a, TOP_TOTAL) == b->ready;
	}
	tap_is(same, d.nr, "classes: add up to each state");
	tap_is(row(&d, ids[0], false)->classes[MEMSTATE_READY - 1][MEMSTATE_STACK],
	       400 * MIB / 32 + 1, "classes: a class and state is its own file");
	tap_is(row(&d, ids[0], false)->classes[MEMSTATE_RESERVED - 1][MEMSTATE_USER3],
	       1000 * MIB / 32 * 3 + 7, "classes: the last of the first state");
	ms_top_free(&plain);
	ms_top_free(&d);
}

static void tree(const unsigned long long *ids)
{
	struct top_data d = {};
	const struct top_row *r;

	tap_is(ms_top_collect(&paths, TOP_TASKS, &d), 0, "tree is read");
	tap_ok(!strcmp(order(&d), "/ | .batch | ..odd\033name | .web.slice | ..blank me"
				  " | ..redis | ...redis-server | ...redis-cli | stray"),
	       "rows stand below their parents, tasks first, what is lost at the end");
	printf("# %s\n", strchr(order(&d), '\n') ? "" : order(&d));
	tap_is(d.groups, 5, "what is no group, or is going, is left out");
	tap_is(d.others, 0, "nothing was withheld");
	r = row(&d, ids[0], false);
	tap_ok(!r->parent && r->nr_tasks == 4, "root has no parent, and all tasks");
	tap_is(r->reserved, 1000 * MIB, "reserved");
	tap_is(r->prepared, 112 * MIB, "prepared");
	tap_is(r->ready, 400 * MIB, "ready");
	tap_is(r->charged, 400 * MIB, "charged");
	tap_ok(r->high == TOP_UNLIMITED && r->max == TOP_UNLIMITED, "no limits are max");
	tap_is(r->anon, 1024 * MIB, "anon is not anon_thp");
	tap_is(ms_top_coverage(r), 50, "coverage is Ready and Prepared of anon");
	tap_is(ms_top_unaccounted(r), 512 * MIB, "unaccounted is the rest of anon");
	r = row(&d, ids[1], false);
	tap_ok(r->high == 96 * MIB && r->max == 128 * MIB, "limits");
	tap_is(r->pressure, TOP_PRESSURE_HIGH, "pressure");
	tap_is(ms_top_coverage(r), 90, "coverage of a group below");
	r = row(&d, ids[2], false);
	tap_is(ms_top_coverage(r), 100, "coverage is never above 100, whatever is reported");
	tap_is(ms_top_unaccounted(r), 0, "unaccounted is never negative");
	tap_is(r->pressure, TOP_PRESSURE_MAX, "pressure max");
	r = row(&d, ids[3], false);
	tap_ok(!strcmp(r->name, "blank me"), "a path that is not told is found by inode");
	tap_ok(r->anon == TOP_UNKNOWN && ms_top_coverage(r) == TOP_UNKNOWN &&
	       ms_top_unaccounted(r) == TOP_UNKNOWN, "without memory.stat nothing is known");
	r = row(&d, ids[4], false);
	tap_ok(r->anon == 0 && ms_top_coverage(r) == TOP_UNKNOWN &&
	       ms_top_unaccounted(r) == 0, "of no memory there is no percentage");
	r = row(&d, 101, true);
	tap_ok(r->parent == ids[2] && r->ready == 50 * MIB, "task is in its group");
	tap_ok(r->anon == 20 * MIB && ms_top_coverage(r) == 100, "task's RssAnon");
	tap_is(row(&d, 103, true)->anon, TOP_UNKNOWN, "task without status");
	tap_is(ms_top_collect(&paths, 0, &d), 0, "again, without tasks");
	tap_is(d.nr, 5, "only groups are there");
	put("cgroup mount/web.slice/memory.swap.current", "20971520\n");
	tap_is(ms_top_collect(&paths, 0, &d), 0, "some is swapped out");
	r = row(&d, ids[1], false);
	tap_ok(r->anon == 100 * MIB && ms_top_coverage(r) == 75 && ms_top_unaccounted(r) == 30 * MIB,
	       "coverage is of what is swapped out, too");
	unlink(below("cgroup mount/web.slice/memory.swap.current"));
	ms_top_free(&d);
}

/* A process without books: where it is, and what the kernel counts. */
static void put_process(int pid, const char *cgroup, unsigned int start, const char *status)
{
	char name[64], text[128];

	snprintf(name, sizeof(name), "proc/%d", pid);
	mkdir(below(name), 0755);
	snprintf(name, sizeof(name), "proc/%d/cgroup", pid);
	snprintf(text, sizeof(text), "4:memory:/old\n0::%s\n", cgroup);
	put(name, text);
	snprintf(name, sizeof(name), "proc/%d/comm", pid);
	put(name, "silent\n");
	snprintf(name, sizeof(name), "proc/%d/stat", pid);
	snprintf(text, sizeof(text), "%d (a ) b) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 %u 23\n",
		 pid, start);
	put(name, text);
	snprintf(name, sizeof(name), "proc/%d/status", pid);
	put(name, status);
}

/* Those that the module observes, by what their group says; and the others, if wanted. */
static void processes(const unsigned long long *ids)
{
	static const char *const status =
		"VmPeak:\t1 kB\nVmData:\t30720 kB\nRssAnon:\t10240 kB\nVmSwap:\t10240 kB\n";
	struct top_data d = {};
	const struct top_row *r;
	uint64_t books;
	char name[64];

	put_process(201, "/web.slice/redis", 7000, status);
	put_process(202, "/web.slice/redis/no/group", 7001, status);
	put_process(203, "/batch", 7002, status);
	put_process(204, "/nowhere", 7003, status);
	/* A kernel thread, and one that reports. */
	put_process(205, "/web.slice/redis", 7004, "Name:\tkthreadd\n");
	put_process(102, "/web.slice/redis", 7005, "VmData:\t1 kB\nRssAnon:\t20480 kB\n");
	tap_is(ms_top_collect(&paths, TOP_TASKS, &d), 0, "processes: read");
	tap_is(d.nr, 5 + 4, "processes: none where nothing is observed");
	snprintf(name, sizeof(name), "sysfs/groups/%llu/observe", ids[2]);
	put(name, "1\n");
	snprintf(name, sizeof(name), "sysfs/groups/%llu/backed", ids[2]);
	put(name, "16777216\n");
	tap_is(ms_top_collect(&paths, TOP_TASKS, &d), 0, "processes: a group is observed");
	tap_is(d.nr, 5 + 4 + 2, "processes: two are seen, of which one is in a cgroup below");
	r = row(&d, ids[2], false);
	tap_ok(r->observes && r->backed == 16 * MIB, "processes: the group says how much");
	r = row(&d, 201, true);
	tap_ok(r->observed && !r->other && r->parent == ids[2] && !strcmp(r->name, "silent"),
	       "processes: it is in its group, by its name");
	tap_ok(r->ready == 20 * MIB && r->backed == 20 * MIB && r->prepared == 10 * MIB &&
	       r->reserved == TOP_UNKNOWN && r->charged == TOP_UNKNOWN,
	       "processes: Ready is resident or swapped out, Prepared the rest that is writable");
	tap_ok(r->anon == 10 * MIB && ms_top_coverage(r) == 100 && !ms_top_unaccounted(r),
	       "processes: it is all accounted for");
	books = r->books;
	tap_ok(row(&d, 202, true)->parent == ids[2], "processes: the nearest group above counts");
	tap_is(ms_top_collect(&paths, TOP_TASKS | TOP_OTHERS, &d), 0, "processes: all");
	tap_is(d.nr, 5 + 4 + 4, "processes: all but kernel threads, and each once");
	r = row(&d, 203, true);
	tap_ok(r->other && !r->observed && r->parent == ids[4] && !ms_top_coverage(r) &&
	       ms_top_unaccounted(r) == 20 * MIB, "processes: nobody accounts for the others");
	tap_is(row(&d, 204, true)->parent, ids[0], "processes: an unknown cgroup is the root's");
	put_process(201, "/web.slice/redis", 7010, status);
	tap_is(ms_top_collect(&paths, TOP_TASKS, &d), 0, "processes: one that has the number of another");
	tap_ok(row(&d, 201, true)->books != books, "processes: is another");
	tap_is(ms_top_collect(&paths, TOP_OTHERS, &d), 0, "processes: without tasks");
	tap_is(d.nr, 5, "processes: there are none");
	put(name, "0\n");
	snprintf(name, sizeof(name), "sysfs/groups/%llu/observe", ids[2]);
	unlink(below(name));
	ms_top_free(&d);
}

/* What differs when files are missing or say something unexpected. */
static void odd(const unsigned long long *ids)
{
	struct top_paths p = paths;
	struct top_data d = {};
	char name[128], text[32];

	p.mountinfo = below("none");
	tap_is(ms_top_collect(&p, 0, &d), 0, "without cgroup2 mounted");
	tap_ok(row(&d, ids[1], false)->anon == TOP_UNKNOWN &&
	       !strcmp(row(&d, ids[1], false)->name, "web.slice"),
	       "names are told, anon is not");
	snprintf(name, sizeof(name), "cgroup %llu", ids[3]);
	tap_ok(!strcmp(row(&d, ids[3], false)->name, name), "without either it is its id");
	p.mountinfo = paths.mountinfo;
	p.proc = below("none");
	tap_is(ms_top_collect(&p, TOP_TASKS, &d), 0, "without /proc");
	tap_ok(!strcmp(row(&d, 101, true)->name, "?"), "a task has no name");
	p.sysfs = below("none");
	tap_is(ms_top_collect(&p, TOP_TASKS, &d), -ENODEV, "module is not loaded");
	mkdir(below("old"), 0755);
	p.sysfs = below("old");
	tap_is(ms_top_collect(&p, TOP_TASKS, &d), -ENOENT, "module without groups");

	/* The path of the first cgroup namespace leads elsewhere here. */
	snprintf(name, sizeof(name), "sysfs/groups/%llu/path", ids[2]);
	put(name, "/some/other/redis\n");
	snprintf(name, sizeof(name), "sysfs/groups/%llu/path", ids[4]);
	put(name, "(removed)\n");
	snprintf(name, sizeof(name), "sysfs/groups/%llu/pressure", ids[4]);
	put(name, "much\n");
	snprintf(name, sizeof(name), "sysfs/groups/%llu/max", ids[4]);
	put(name, "-5x\n");
	put("sysfs/tasks/4102", "pid 102\ngroup 1\nready\n");
	tap_is(ms_top_collect(&paths, TOP_TASKS, &d), 0, "odd files");
	tap_is(row(&d, ids[2], false)->anon, 40 * MIB,
	       "a path that leads elsewhere is searched by inode");
	tap_is(row(&d, ids[4], false)->pressure, TOP_PRESSURE_UNKNOWN, "unknown pressure");
	tap_is(row(&d, ids[4], false)->max, TOP_UNKNOWN, "unknown limit");
	tap_is(row(&d, 102, true)->id, 0, "a task without figures is left out");

	/* A parent that is below its own child: nothing the module would say. */
	snprintf(name, sizeof(name), "sysfs/groups/%llu/parent", ids[1]);
	snprintf(text, sizeof(text), "%llu\n", ids[2]);
	put(name, text);
	tap_is(ms_top_collect(&paths, TOP_TASKS, &d), 0, "a circle is read");
	tap_is(shown(&d), 5 + 3, "it comes to an end, and each row is there once");
	ms_top_free(&d);
}

static void somebody_else(void)
{
	struct top_data d = {};

	if (geteuid()) {
		tap_skip("not root", "tasks of others are counted");
		return;
	}
	chmod(below("sysfs/tasks/4101"), 0400);
	if (seteuid(65534))
		exit(1);
	tap_ok(!ms_top_collect(&paths, TOP_TASKS, &d) && d.others == 1 &&
	       !row(&d, 101, true)->id, "tasks of others are counted");
	if (seteuid(0))
		exit(1);
	ms_top_free(&d);
}

/* More than the first room, and deeper than anybody would. */
static void many(void)
{
	struct top_paths p = paths;
	struct top_view view = {};
	struct top_list list = {};
	struct top_data d = {};
	char name[64], text[32];
	unsigned int depth = 0;

	mkdir(below("many"), 0755);
	mkdir(below("many/tasks"), 0755);
	mkdir(below("many/groups"), 0755);
	p.sysfs = below("many");
	p.mountinfo = below("none");
	for (int i = 1; i <= 500; i++) {
		static const char *const files[] = { "reserved", "prepared", "ready" };

		snprintf(name, sizeof(name), "many/groups/%d", i);
		mkdir(below(name), 0755);
		for (int k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "many/groups/%d/%s", i, files[k]);
			put(name, "4096\n");
		}
		snprintf(name, sizeof(name), "many/groups/%d/parent", i);
		snprintf(text, sizeof(text), "%d\n", i - 1);
		put(name, text);
	}
	tap_is(ms_top_collect(&p, TOP_TASKS, &d), 0, "many groups are read");
	tap_is(d.nr, 500, "all of them");
	tap_is(ms_top_arrange(&d, &view, &list), 0, "they are put in order");
	for (size_t i = 0; i < list.nr; i++)
		depth += list.rows[i]->depth == i && list.rows[i]->id == i + 1;
	ms_top_list_free(&list);
	tap_is(depth, 500, "each below the one before");
	ms_top_free(&d);
}

int main(int argc, char **argv)
{
	unsigned long long ids[5];

	if (argc != 7)
		return 2;
	top = argv[1];
	for (int i = 0; i < 5; i++)
		ids[i] = strtoull(argv[i + 2], NULL, 10);
	paths.sysfs = below("sysfs");
	paths.mountinfo = below("mountinfo");
	paths.proc = below("proc");
	tree(ids);
	classes(ids);
	processes(ids);
	odd(ids);
	somebody_else();
	many();
	return tap_end();
}
