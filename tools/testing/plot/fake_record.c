// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * memstate record on made-up figures: fake_record [OPTION]... as record. Sample n has
 * n MiB Ready; FAKE_SLOW_MS makes reading slow, FAKE_END ends the target after so many,
 * FAKE_EVENTS lets a count grow with each. Built with COUNT_BLOCKS and
 * -fsanitize-coverage=trace-pc it says how many basic blocks it took.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "launch.h"
#include "record/record.h"

static unsigned long nr;

static unsigned long knob(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

int ms_source_group(struct ms_source *s, int cgroup_fd, const char *name)
{
	(void)cgroup_fd;
	(void)name;
	/* A pipe that stays open, to have something to poll. */
	int fds[2];

	*s = (struct ms_source) { .fd = pipe(fds) ? -1 : fds[0] };
	return s->fd < 0;
}

int ms_source_task(struct ms_source *s, pid_t pid, bool waiting)
{
	*s = (struct ms_source) { .fd = -1, .pid = pid, .waiting = waiting };
	return 0;
}

int ms_source_read(struct ms_source *s, struct ms_sample *sample)
{
	double t = sample->t;

	(void)s;
	if (knob("FAKE_SLOW_MS"))
		usleep((useconds_t)knob("FAKE_SLOW_MS") * 1000);
	if (knob("FAKE_END") && nr >= knob("FAKE_END"))
		return -ENOENT;
	*sample = (struct ms_sample) { .t = t, .limited = true };
	sample->totals.bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP] = (uint64_t)nr << 20;
	sample->totals.tasks = 1;
	sample->limit.max = MEMSTATE_UNLIMITED;
	sample->limit.high = 1 << 20;
	sample->limit.lowest_max = MEMSTATE_UNLIMITED;
	sample->limit.lowest_high = 1 << 20;
	if (knob("FAKE_EVENTS"))
		sample->events[MEMSTATE_EVENT_DENIED] = 2 * nr;
	nr++;
	return 0;
}

void ms_source_close(struct ms_source *s)
{
	(void)s;
}

int ms_source_ranges(int fd, int pidfd, struct ms_ledger_copy *copy)
{
	(void)fd;
	(void)pidfd;
	(void)copy;
	return -ENXIO;
}

#ifdef COUNT_BLOCKS
static unsigned long blocks;

/* The compiler calls it in each block. */
void __sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static void tell_blocks(void)
{
	fprintf(stderr, "%lu blocks\n", blocks);
}
#endif

int main(int argc, char **argv)
{
#ifdef COUNT_BLOCKS
	atexit(tell_blocks);
#endif
	return memstate_cmd_record(argc, argv);
}
