// SPDX-License-Identifier: MIT
/* memstate stat: totals of the system or of processes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "internal.h"

static const char help[] =
	"usage: memstate stat [OPTION]... [PID]...\n"
	"       memstate stat --groups [OPTION]... [TARGET]...\n\n"
	"Without PID: the totals of the system. With: those of the processes, beside what\n"
	"the kernel itself counts. Each figure is reported (the program's word) or\n"
	"observed (the kernel's): of a program that reports nothing, all are. UNACCOUNTED\n"
	"is accessible private anonymous memory that was not reported: the brk heap, and\n"
	"what libc and the loader map themselves. SHARED no limit counts.\n"
	"Of processes whose allocator counts: what the heap's Ready memory is used for.\n\n"
	"With --groups: of cgroups, each with all below it; all that there are, or those\n"
	"named (as for 'memstate limit'). COVERAGE is how much of a cgroup's anonymous memory\n"
	"is reported, or observed by the module.\n\n"
	"  -g, --groups      groups instead of processes\n"
	"  --classes         by class as well\n"
	"  --line            one line each: Ready+Prepared=... (Ready=... ; Prepared=...);\n"
	"                    Ready=... (data + fragOverhead + idle) if its allocator counts\n"
	"  --json            one JSON document\n"
	"  --watch SECONDS   again and again, until a process is gone or interrupted\n"
	"  --help            this text\n";

enum { OPT_CLASSES = 256, OPT_LINE };

static const struct option options[] = {
	{ "groups", no_argument, NULL, 'g' },
	{ "classes", no_argument, NULL, OPT_CLASSES },
	{ "line", no_argument, NULL, OPT_LINE },
	{ "json", no_argument, NULL, 'j' },
	{ "watch", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static struct {
	bool groups;
	bool classes;
	bool line;
	bool json;
	double watch;
} opt;

static int explain(pid_t pid, int ret)
{
	if (ret == -ENODEV)
		ms_err(MS_NO_MODULE, SYSFS_DIR);
	else if (pid && !ms_process_exists(pid))
		ms_err("no process %d", pid);
	else if (ret == -ENOENT)
		ms_err("process %d does not report", pid);
	else if (ret == -EACCES)
		ms_err("process %d is somebody else's", pid);
	else
		ms_err("process %d: %s", pid, ms_error_text(-ret));
	return 1;
}

static void print_classes(const struct memstate_totals *t)
{
	printf("  %-10s %12s %12s %12s   reported\n", "CLASS", "RESERVED",
	       "PREPARED", "READY");
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
		uint64_t r = t->bytes[MEMSTATE_RESERVED - 1][c];
		uint64_t p = t->bytes[MEMSTATE_PREPARED - 1][c];
		uint64_t y = t->bytes[MEMSTATE_READY - 1][c];

		if (r | p | y)
			printf("  %-10s %12s %12s %12s\n", ms_class_names[c],
			       ms_size(r), ms_size(p), ms_size(y));
	}
}

static void print_line(const char *who, const struct memstate_totals *t,
		       const struct memstate_alloc *a)
{
	char line[MEMSTATE_LINE_MAX];

	printf("%s: %s\n", ms_name(who), memstate_format_live(line, sizeof(line), t, a));
}

static int stat_system(void)
{
	struct memstate_observe w = { .size = sizeof(w) };
	struct memstate_totals t;
	struct memstate_alloc a;
	struct json_object *doc;
	int ret = ms_system_totals(&t);

	if (ret)
		return explain(0, ret);
	/* By the device: who may not open it sees the rest. */
	if (memstate_group_alloc_totals(MEMSTATE_SYSTEM, &a))
		a.nr_shards = 0;
	if (memstate_group_observe(MEMSTATE_SYSTEM, &w))
		w = (struct memstate_observe) {};
	if (opt.json) {
		struct json_object *observed = json_object_new_object();

		doc = json_object_new_object();
		json_object_object_add(doc, "source",
				       json_object_new_string("reported"));
		ms_json_add(doc, "nr_tasks", t.tasks);
		ms_json_totals(doc, &t);
		ms_json_alloc(doc, ms_alloc_heap(&a), &a);
		ms_json_observe(observed, &w);
		json_object_object_add(doc, "observed", observed);
		return ms_json_print(doc);
	}
	if (opt.line) {
		print_line("system", &t, NULL);
		return 0;
	}
	printf("%-14s %12s   reported\n", "SYSTEM", "BYTES");
	printf("%-14s %12s   (lazy %s)\n", "Reserved",
	       ms_size(ms_totals_state(&t, MEMSTATE_RESERVED)),
	       ms_size(t.reserved_lazy));
	printf("%-14s %12s   (lazy %s)\n", "Prepared",
	       ms_size(ms_totals_state(&t, MEMSTATE_PREPARED)),
	       ms_size(t.prepared_lazy));
	printf("%-14s %12s\n", "Ready", ms_size(ms_totals_state(&t, MEMSTATE_READY)));
	printf("%-14s %12s   (Ready + lazy, counted directly; peak %s)\n",
	       "Held", ms_size(t.ready_direct), ms_size(t.peak_ready));
	ms_print_alloc(0, ms_alloc_heap(&a), &a);
	printf("tasks %llu, ranges %llu, transitions %llu, drift %llu, rejected %llu, unmaps %llu, resyncs %llu\n",
	       t.tasks, t.ranges, t.transitions, t.drift, t.rejected, t.unmaps,
	       t.resyncs);
	if (w.spaces)
		printf("observed, of %llu that report nothing: commit %s, backed %s, pending %s\n",
		       (unsigned long long)w.spaces, ms_size(w.commit), ms_size(w.backed),
		       ms_size(w.pending));
	if (opt.classes)
		print_classes(&t);
	return 0;
}

/**
 * struct process - a process, and what is known of it
 * @pid:	its id
 * @name:	its name
 * @reports:	it has books
 * @totals:	reported; of one that reports nothing the states that are observed
 * @alloc:	what its allocator counts
 * @kernel:	observed
 */
struct process {
	pid_t pid;
	char name[32];
	bool reports;
	struct memstate_totals totals;
	struct memstate_alloc alloc;
	struct ms_observed kernel;
};

static uint64_t unaccounted(const struct process *p)
{
	uint64_t reported = ms_totals_state(&p->totals, MEMSTATE_READY) +
			    ms_totals_state(&p->totals, MEMSTATE_PREPARED);
	uint64_t mapped = p->kernel.anon_mapped;

	return p->reports && mapped > reported ? mapped - reported : 0;
}

static void print_head(void)
{
	printf("%-29s %s\n", "",
	       "-------------- as BY has it ------------ | ------------------------ observed ---------------------------");
	printf("%-7s %-12s %-8s %9s %9s %9s %9s | %9s %9s %9s %9s %9s %11s\n", "PID",
	       "COMMAND", "BY", "RESERVED", "PREPARED", "READY", "PEAK", "VMSIZE",
	       "RSS", "ANON", "SHARED", "LAZYFREE", "UNACCOUNTED");
}

static void print_task(const struct process *p)
{
	const struct memstate_totals *t = &p->totals;
	const struct ms_observed *o = &p->kernel;

	printf("%-7d %-12.12s %-8s %9s %9s %9s %9s | %9s %9s %9s %9s %9s %11s\n", p->pid,
	       ms_name(p->name), p->reports ? "reported" : "observed",
	       ms_size(ms_totals_state(t, MEMSTATE_RESERVED)),
	       ms_size(ms_totals_state(t, MEMSTATE_PREPARED)),
	       ms_size(ms_totals_state(t, MEMSTATE_READY)),
	       p->reports ? ms_size(t->peak_ready) : "-",
	       ms_size(o->vm_size), ms_size(o->rss), ms_size(o->anonymous), ms_size(o->shared),
	       ms_size(o->lazy_free), ms_size(unaccounted(p)));
	ms_print_alloc(29, t->bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP], &p->alloc);
}

static struct json_object *json_task(const struct process *p)
{
	struct json_object *task = json_object_new_object();
	struct json_object *reported = NULL;
	struct json_object *observed = json_object_new_object();
	const struct memstate_totals *t = &p->totals;
	const struct ms_observed *o = &p->kernel;
	struct memstate_totals states;

	ms_json_add(task, "pid", (uint64_t)p->pid);
	ms_json_add_text(task, "command", p->name);
	json_object_object_add(task, "source",
			       json_object_new_string(p->reports ? "reported" : "observed"));
	if (p->reports) {
		reported = json_object_new_object();
		ms_json_totals(reported, t);
	}
	json_object_object_add(task, "reported", reported);
	ms_json_alloc(task, t->bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP], &p->alloc);
	ms_observed_states(o, &states);
	ms_json_add(observed, "reserved", ms_totals_state(&states, MEMSTATE_RESERVED));
	ms_json_add(observed, "prepared", ms_totals_state(&states, MEMSTATE_PREPARED));
	ms_json_add(observed, "ready", ms_totals_state(&states, MEMSTATE_READY));
	ms_json_add(observed, "commit", o->commit);
	ms_json_add(observed, "shared", o->shared);
	ms_json_add(observed, "vm_size", o->vm_size);
	ms_json_add(observed, "rss", o->rss);
	ms_json_add(observed, "anonymous", o->anonymous);
	ms_json_add(observed, "lazy_free", o->lazy_free);
	ms_json_add(observed, "swap", o->swap);
	ms_json_add(observed, "anonymous_mapped", o->anon_mapped);
	ms_json_add(observed, "anonymous_no_access", o->anon_reserved);
	json_object_object_add(task, "observed", observed);
	ms_json_add(task, "unaccounted", unaccounted(p));
	return task;
}

/* What it reports, if it does, and what the kernel has. Return: 0 or a negative errno. */
static int read_process(pid_t pid, struct process *p)
{
	int ret = ms_task_totals(pid, &p->totals, &p->alloc);

	p->pid = pid;
	p->reports = !ret;
	if (ret && (ret != -ENOENT || !ms_process_exists(pid)))
		return ret;
	ret = ms_observe(pid, &p->kernel);
	if (!p->reports)
		ms_observed_states(&p->kernel, &p->totals);
	ms_process_name(pid, p->name, sizeof(p->name));
	return ret;
}

static int stat_tasks(char **pids, int nr)
{
	struct json_object *doc = NULL, *list = NULL;
	int status = 0;

	if (opt.json) {
		doc = json_object_new_object();
		list = json_object_new_array();
		json_object_object_add(doc, "processes", list);
	} else if (!opt.line) {
		print_head();
	}
	for (int i = 0; i < nr; i++) {
		pid_t pid = (pid_t)atoi(pids[i]);
		struct process p;
		char who[64];
		int ret = read_process(pid, &p);

		if (ret) {
			status = explain(pid, ret);
			continue;
		}
		snprintf(who, sizeof(who), "%d %s", pid, p.name);
		if (opt.json)
			json_object_array_add(list, json_task(&p));
		else if (opt.line)
			print_line(who, &p.totals, &p.alloc);
		else
			print_task(&p);
		if (opt.classes && !opt.json && p.reports)
			print_classes(&p.totals);
	}
	if (doc && ms_json_print(doc))
		status = 1;
	return status;
}

int memstate_cmd_stat(int argc, char **argv)
{
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":gjw:h", options, NULL)) != -1) {
		switch (c) {
		case 'g':
			opt.groups = true;
			break;
		case OPT_CLASSES:
			opt.classes = true;
			break;
		case OPT_LINE:
			opt.line = true;
			break;
		case 'w':
			if (ms_seconds_arg("stat", "--watch", 0.01, 86400, &opt.watch))
				return EXIT_USAGE;
			break;
		default:
			status = ms_last_options("stat", help, c, argv, &opt.json);
			if (status >= 0)
				return status;
		}
	}
	if (opt.groups && (opt.classes || opt.line))
		return ms_usage_error("stat", "--groups goes neither with --classes nor with --line");
	for (int i = optind; !opt.groups && i < argc; i++)
		if (ms_pid_arg("stat", argv[i]) < 0)
			return EXIT_USAGE;
	for (;;) {
		if (opt.groups)
			status = ms_stat_groups(argv + optind, argc - optind, opt.json);
		else if (optind == argc)
			status = stat_system();
		else
			status = stat_tasks(argv + optind, argc - optind);
		if (status || opt.watch <= 0)
			return status;
		fflush(stdout);
		usleep((useconds_t)(opt.watch * 1e6));
	}
}
