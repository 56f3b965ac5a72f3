// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * books FILE: the transitions of a recording, applied by the rules of the model, give
 * what its last sample says: bytes by state and class, what is lazy, and ranges.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "plot/plot.h"

#define TASKS_MAX	64

struct task {
	pid_t pid;
	struct ms_rangemap map;
	struct memstate_totals totals;
};

static struct task tasks[TASKS_MAX];
static int nr_tasks;

static struct task *task_of(pid_t pid)
{
	int i = 0;

	while (i < nr_tasks && tasks[i].pid != pid)
		i++;
	if (i == TASKS_MAX)
		exit(2);
	if (i == nr_tasks) {
		tasks[nr_tasks++].pid = pid;
		ms_rangemap_init(&tasks[i].map, UINT32_MAX);
	}
	return &tasks[i];
}

static int differ(const char *what, uint64_t steps, uint64_t sample)
{
	if (steps == sample)
		return 0;
	printf("%s: %llu by transitions, %llu in the sample\n", what, (unsigned long long)steps,
	       (unsigned long long)sample);
	return 1;
}

static bool begins(const struct ms_recording *r, pid_t pid)
{
	for (size_t i = 0; i < r->nr_steps; i++)
		if (r->steps[i].pid == pid && r->steps[i].kind == MS_TRACE_OPEN)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct memstate_totals sum = {}, *last;
	struct ms_recording r;
	int bad = 0;

	if (argc != 2 || ms_recording_read(&r, argv[1]) || !r.nr_samples)
		return 2;
	/* A process whose beginning was not recorded: from its first ledger on. */
	if (r.nr_ledgers && !begins(&r, r.ledgers[0].pid)) {
		struct task *t = task_of(r.ledgers[0].pid);

		ms_steps_load(&t->map, &t->totals, &r.ledgers[0]);
		for (size_t s = 0; s < r.ledgers[0].at; s++)
			r.steps[s].kind = MS_TRACE_NOTHING;
	}
	for (size_t s = 0; s < r.nr_steps; s++) {
		struct task *t = task_of(r.steps[s].pid);

		ms_steps_apply(&t->map, &t->totals, &r.steps[s]);
	}
	for (int i = 0; i < nr_tasks; i++) {
		const __u64 *from = (const __u64 *)&tasks[i].totals;

		for (size_t k = 0; k < sizeof(sum) / sizeof(__u64); k++)
			((__u64 *)&sum)[k] += from[k];
	}
	last = &r.samples[r.nr_samples - 1].totals;
	for (uint32_t s = 0; s < MEMSTATE_NR_STATES - 1; s++) {
		for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
			char what[64];

			snprintf(what, sizeof(what), "%s/%s", ms_state_names[s + 1],
				 ms_class_names[c]);
			bad += differ(what, sum.bytes[s][c], last->bytes[s][c]);
		}
	}
	bad += differ("reserved_lazy", sum.reserved_lazy, last->reserved_lazy);
	bad += differ("prepared_lazy", sum.prepared_lazy, last->prepared_lazy);
	bad += differ("ranges", sum.ranges, last->ranges);
	printf("%zu steps of %d tasks, %llu lost; %zu samples, the last at %.3f s: %llu bytes Ready\n",
	       r.nr_steps, nr_tasks, (unsigned long long)r.lost, r.nr_samples,
	       r.samples[r.nr_samples - 1].t,
	       (unsigned long long)ms_totals_state(last, MEMSTATE_READY));
	/* Nothing against nothing would not tell much. */
	bad += !r.nr_steps || !ms_totals_state(last, MEMSTATE_READY);
	for (int i = 0; i < nr_tasks; i++)
		ms_rangemap_destroy(&tasks[i].map);
	ms_recording_free(&r);
	return bad != 0;
}
