// SPDX-License-Identifier: MIT
/* A recording from beginning to end: what is recorded, the program, the file. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "recorder.h"

static int open_source(struct ms_recorder *r)
{
	if (r->cgroup.fd >= 0)
		return ms_source_group(&r->source, r->cgroup.fd, r->cgroup.dir);
	if (r->pid)
		return ms_source_task(&r->source, r->pid, false);
	return ms_source_group(&r->source, MEMSTATE_SYSTEM, "the system");
}

/* What is to be recorded, opened; transitions from before a program starts. */
static int begin(struct ms_recorder *r)
{
	uint64_t group;

	if (r->argv) {
		r->launch.command = r->argv[0];
		if (ms_launch_prepare(&r->launch))
			return 1;
		if (memstate_backend() != MEMSTATE_BACKEND_DEVICE) {
			ms_err("recording a program takes the device: %s", memstate_error());
			return 1;
		}
		r->cgroup = r->launch.place.cgroup;
	} else if (r->target && ms_cgroup_find("record", r->target, &r->cgroup)) {
		return 1;
	}
	if ((!r->argv || r->cgroup.fd >= 0) && open_source(r))
		return 1;
	if (r->every && r->source.files) {
		ms_err("--ranges: process %d may not be traced", r->pid);
		return 1;
	}
	group = r->cgroup.fd >= 0 ? r->cgroup.id : 0;
	if (r->transitions && (!r->argv || group)) {
		r->trace = ms_trace_start(r->source.pid, group, r->buffer_bytes);
		if (!r->trace)
			return 1;
	}
	r->start = ms_now();
	r->file = ms_record_create(r->path, r->max_bytes);
	if (!r->file)
		return 1;
	if (!r->argv)
		return 0;
	if (ms_launch_start(&r->launch, r->argv))
		return 1;
	if (r->cgroup.fd >= 0)
		return 0;
	ms_err("no cgroup of its own for the program: only its first process is recorded");
	/* Stopped at nothing: what it does before the trace begins would be missed. */
	if (r->transitions) {
		ms_err("--transitions: takes a cgroup of the program's own");
		return 1;
	}
	return ms_source_task(&r->source, r->launch.pid, true);
}

static void say_end(const struct ms_recorder *r, uint64_t nr_transitions, uint64_t lost)
{
	struct stat st;
	struct rusage u;
	double cpu, t = ms_now() - r->start;

	getrusage(RUSAGE_SELF, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	if (lost)
		ms_err("%llu transitions were lost: a larger --trace-buffer, or a shorter --interval, keeps them",
		       (unsigned long long)lost);
	if (r->error == -EFBIG)
		ms_err("%s has reached --max-size: recording ended after %.1f s", r->path, t);
	else if (r->error)
		ms_err("%s: %s: recording ended after %.1f s", r->path,
		       ms_error_text(-r->error), t);
	if (r->quiet)
		return;
	fprintf(stderr, "memstate: %s: %.1f s (%s), %llu samples, %llu missed", ms_name(r->path), t,
		r->reason, (unsigned long long)r->nr_samples, (unsigned long long)r->nr_missed);
	if (r->transitions)
		fprintf(stderr, ", %llu transitions, %llu lost", (unsigned long long)nr_transitions,
			(unsigned long long)lost);
	fprintf(stderr, ", %s written, %.3f s of CPU\n",
		ms_size(stat(r->path, &st) ? 0 : (uint64_t)st.st_size), cpu);
}

/* The last lines; the file is closed whatever has happened. */
static int finish(struct ms_recorder *r)
{
	uint64_t nr_transitions = 0, lost = 0;
	struct json_object *o;
	int ret;

	if (r->trace)
		ms_recorder_stop(r, ms_trace_stop(r->trace, r->file, r->start, &nr_transitions,
						  &lost));
	o = ms_record_object("end", ms_now() - r->start);
	ms_json_add_text(o, "reason", r->reason);
	ms_json_add(o, "samples", r->nr_samples);
	ms_json_add(o, "missed", r->nr_missed);
	if (r->transitions) {
		ms_json_add(o, "transitions", nr_transitions);
		ms_json_add(o, "lost", lost);
	}
	ret = ms_record_end(r->file, o);
	if (ret && !r->error)
		r->error = ret;
	say_end(r, nr_transitions, lost);
	return r->error ? 1 : 0;
}

/* There is nothing to record, and no recording. */
static void give_up(struct ms_recorder *r)
{
	uint64_t nr, lost;

	if (r->trace)
		ms_trace_stop(r->trace, NULL, 0, &nr, &lost);
	if (r->file)
		ms_record_abandon(r->file);
}

/**
 * ms_recorder_run() - record, and the program with it
 * @r: what is asked for
 *
 * Return: the exit status: the program's, if there is one.
 */
int ms_recorder_run(struct ms_recorder *r)
{
	struct pollfd fds[MS_RECORDER_FDS];
	sigset_t signals, before;
	int status = 1;

	/* Before there is a child whose end might be missed. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	r->launch.mask = &before;
	signal(SIGQUIT, r->argv ? SIG_IGN : SIG_DFL);

	status = begin(r);
	if (!status)
		status = ms_recorder_fds(r, fds, &signals);
	if (!status) {
		ms_recorder_stop(r, ms_recorder_header(r));
		ms_recorder_loop(r, fds);
		if (!r->error)
			ms_recorder_sample(r, true);
		status = finish(r);
	} else {
		give_up(r);
	}
	/* Recording may be over before the program is. */
	if (r->launch.pid > 0)
		ms_recorder_reap(r);
	while (r->argv && r->launch.pid > 0 && r->status < 0) {
		siginfo_t info;

		if (sigwaitinfo(&signals, &info) == SIGCHLD)
			ms_recorder_reap(r);
		else if (info.si_signo == SIGTERM || info.si_signo == SIGHUP)
			kill(r->launch.pid, info.si_signo);
	}
	ms_source_close(&r->source);
	if (r->argv)
		ms_launch_finish(&r->launch);
	return r->status > 0 ? r->status : status;
}
