/* SPDX-License-Identifier: MIT */
/*
 * A recording under way.
 *
 * Model
 *
 *   A timer ticks at a fixed interval (loop.c). A tick costs the same few calls whatever has
 *   happened (sample.c); ticks that come while we are late are counted as missed, never caught up
 *   with. So the cost is bounded by the interval, and the file by --max-size. recorder.c opens
 *   what is recorded, starts the program, and closes the file; header.c has its first line.
 */
#ifndef MS_RECORDER_H
#define MS_RECORDER_H

#include <poll.h>

#include "cgroup.h"
#include "launch.h"
#include "record.h"

/* No two ticks are farther apart, seconds. */
#define MS_INTERVAL_MAX	3600.0

/**
 * struct ms_recorder - a recording under way
 * @path:	its file
 * @pid:	process to record, 0: none
 * @target:	cgroup as it was named, or NULL
 * @argv:	program to run, or NULL
 * @interval:	seconds
 * @duration:	seconds, 0: no end
 * @every:	a ledger each so many samples, 0: none
 * @transitions: those, too
 * @buffer_bytes: per processor for transitions
 * @max_bytes:	bound on the file
 * @quiet:	say nothing but errors
 * @launch:	the program
 * @cgroup:	the group; fd MEMSTATE_SYSTEM: everything
 * @source:	where figures come from
 * @file:	where they go
 * @trace:	where transitions come from, or NULL
 * @start:	when it began, seconds of the monotonic clock
 * @before:	the last sample
 * @nr_samples:	how many
 * @nr_missed:	ticks that were not kept
 * @ledger_version: of the ledger that was written last
 * @ledger_pid:	whose that was, 0: none was
 * @reason:	why it ends; NULL: it goes on
 * @error:	why it cannot go on, -errno
 * @status:	of the program; below 0: it runs
 */
struct ms_recorder {
	const char *path;
	pid_t pid;
	const char *target;
	char **argv;
	double interval;
	double duration;
	unsigned long every;
	bool transitions;
	uint64_t buffer_bytes;
	uint64_t max_bytes;
	bool quiet;
	struct ms_launch launch;
	struct ms_cgroup cgroup;
	struct ms_source source;
	struct ms_record_file *file;
	struct ms_trace *trace;
	double start;
	struct ms_sample before;
	uint64_t nr_samples;
	uint64_t nr_missed;
	uint64_t ledger_version;
	pid_t ledger_pid;
	const char *reason;
	int error;
	int status;
};

/* ---- header.c, sample.c: lines --------------------------------------------------------- */

int ms_recorder_header(struct ms_recorder *r);
void ms_recorder_stop(struct ms_recorder *r, int ret);
void ms_recorder_sample(struct ms_recorder *r, bool last);

/* ---- loop.c: when --------------------------------------------------------------------- */

/* What is waited for. */
enum { MS_RECORDER_TICK, MS_RECORDER_SIGNAL, MS_RECORDER_COLLECT, MS_RECORDER_TARGET,
	MS_RECORDER_FDS };

int ms_recorder_fds(struct ms_recorder *r, struct pollfd *fds, const sigset_t *signals);
void ms_recorder_loop(struct ms_recorder *r, struct pollfd *fds);
void ms_recorder_reap(struct ms_recorder *r);

/* ---- recorder.c: from beginning to end -------------------------------------------------- */

int ms_recorder_run(struct ms_recorder *r);

#endif /* MS_RECORDER_H */
