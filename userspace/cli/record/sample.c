// SPDX-License-Identifier: MIT
/* What is written at a tick: transitions, the ledger, events, a sample. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "recorder.h"

/* Whose ledger is recorded. */
static pid_t ledger_pid(const struct ms_recorder *r)
{
	return r->argv ? r->launch.pid : r->pid;
}

/**
 * ms_recorder_stop() - end if writing did not work: what has been written stays
 * @r:		the recording
 * @ret:	0, or why it did not, -errno; -EFBIG: the file is as large as it may be
 */
void ms_recorder_stop(struct ms_recorder *r, int ret)
{
	if (!ret || r->reason)
		return;
	r->reason = ret == -EFBIG ? "max-size" : "error";
	r->error = ret;
}

/* The ledger, unless it is what it was when we wrote it last. */
static int write_ranges(struct ms_recorder *r, double t)
{
	pid_t pid = ledger_pid(r);
	bool own = r->source.pid && r->source.fd >= 0;
	struct ms_ledger_copy copy;
	int fd, ret;

	fd = own ? r->source.fd : ms_task_handle_quiet(pid);
	/* It does not report yet, or not any more. */
	if (fd < 0)
		return 0;
	ret = ms_source_ranges(fd, own ? r->source.pidfd : 0, &copy);
	if (!own)
		close(fd);
	if (ret)
		return 0;
	if (r->ledger_pid != pid || r->ledger_version != copy.version) {
		ret = ms_record_ranges(r->file, t, pid, copy.ranges, copy.nr, copy.whole);
		r->ledger_pid = pid;
		r->ledger_version = copy.version;
	}
	free(copy.ranges);
	return ret;
}

/**
 * ms_recorder_sample() - write what there is to be told of this moment
 * @r:		the recording
 * @last:	there will be no other
 */
void ms_recorder_sample(struct ms_recorder *r, bool last)
{
	struct ms_sample s = { .t = ms_now() - r->start };
	int ret = ms_source_read(&r->source, &s);

	if (ret) {
		/* The group or the task has gone. */
		if (!r->reason)
			r->reason = "target ended";
		return;
	}
	if (r->trace)
		ret = ms_trace_read(r->trace, r->file, r->start);
	if (!ret && r->every && (last || !(r->nr_samples % r->every) ||
				 (!r->ledger_pid && s.totals.ranges)))
		ret = write_ranges(r, s.t);
	if (!ret && r->nr_samples)
		ret = ms_record_events(r->file, &s, &r->before);
	if (!ret)
		ret = ms_record_sample(r->file, &s);
	if (!ret)
		ret = ms_record_flush(r->file);
	if (!ret)
		r->nr_samples++;
	r->before = s;
	ms_recorder_stop(r, ret);
}
