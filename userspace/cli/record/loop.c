// SPDX-License-Identifier: MIT
/* A recording's loop: ticks, signals, the end of what is recorded. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "recorder.h"

/* Transitions are collected at least so often. */
#define COLLECT_SECONDS	0.1

static int timer(double seconds)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
	struct itimerspec it = { .it_interval = t, .it_value = t };

	if (fd >= 0)
		timerfd_settime(fd, 0, &it, NULL);
	return fd;
}

/**
 * ms_recorder_reap() - see whether the program has ended
 * @r: the recording
 */
void ms_recorder_reap(struct ms_recorder *r)
{
	int status;

	if (r->argv && r->status < 0 && waitpid(r->launch.pid, &status, WNOHANG) > 0) {
		r->status = ms_launch_status(status);
		if (!r->reason)
			r->reason = "target ended";
	}
}

static void take_signal(struct ms_recorder *r, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			ms_recorder_reap(r);
		} else if (!r->argv) {
			if (!r->reason)
				r->reason = "interrupted";
		} else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) {
			/* SIGINT the terminal sends to the program as well. */
			kill(r->launch.pid, (int)info.ssi_signo);
		}
	}
}

static void show_progress(const struct ms_recorder *r, double t)
{
	fprintf(stderr, "\rmemstate: %.0f s, %llu samples, %s ", t,
		(unsigned long long)r->nr_samples, ms_size(ms_record_bytes(r->file)));
	fflush(stderr);
}

static void tick(struct ms_recorder *r, int fd, bool progress)
{
	static double shown;
	uint64_t expired = 0;
	double t = ms_now() - r->start;

	if (read(fd, &expired, sizeof(expired)) != sizeof(expired))
		return;
	r->nr_missed += expired - 1;
	ms_recorder_sample(r, false);
	if (progress && t - shown >= 1) {
		show_progress(r, t);
		shown = t;
	}
}

/**
 * ms_recorder_loop() - record until there is a reason to end
 * @r:		the recording, its header written
 * @fds:	from ms_recorder_fds()
 */
void ms_recorder_loop(struct ms_recorder *r, struct pollfd *fds)
{
	bool progress = !r->quiet && !r->argv && isatty(2);
	double end = r->duration > 0 ? r->start + r->duration : 0, left = 0;
	uint64_t expired;

	ms_recorder_sample(r, false);
	while (!r->reason) {
		if (end) {
			left = end - ms_now();
			if (left <= 0) {
				r->reason = "duration";
				break;
			}
		}
		/* There is a tick before that, if it is longer. */
		if (left > MS_INTERVAL_MAX)
			left = MS_INTERVAL_MAX;
		if (poll(fds, MS_RECORDER_FDS, end ? (int)(left * 1000) + 1 : -1) < 0 &&
		    errno != EINTR) {
			ms_recorder_stop(r, -errno);
			break;
		}
		if (fds[MS_RECORDER_SIGNAL].revents)
			take_signal(r, fds[MS_RECORDER_SIGNAL].fd);
		/* A group: only its end; a process: whatever its descriptor says. */
		if (fds[MS_RECORDER_TARGET].revents & (r->source.pid ? POLLIN : POLLHUP) &&
		    !r->reason)
			r->reason = "target ended";
		if (fds[MS_RECORDER_COLLECT].revents && !r->reason &&
		    read(fds[MS_RECORDER_COLLECT].fd, &expired, sizeof(expired)) > 0)
			ms_recorder_stop(r, ms_trace_read(r->trace, r->file, r->start));
		if (fds[MS_RECORDER_TICK].revents && !r->reason)
			tick(r, fds[MS_RECORDER_TICK].fd, progress);
	}
	if (progress)
		fputc('\n', stderr);
}

/**
 * ms_recorder_fds() - open what is waited for
 * @r:		the recording, begun
 * @fds:	where to put it: MS_RECORDER_FDS
 * @signals:	those that are blocked, and taken there
 *
 * Return: 0; 1 after a message.
 */
int ms_recorder_fds(struct ms_recorder *r, struct pollfd *fds, const sigset_t *signals)
{
	int target = r->source.pid ? (int)syscall(SYS_pidfd_open, r->source.pid, 0) :
				     r->source.fd;
	int error = errno;

	fds[MS_RECORDER_TICK] = (struct pollfd) { .fd = timer(r->interval), .events = POLLIN };
	fds[MS_RECORDER_SIGNAL] = (struct pollfd) {
		.fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN };
	fds[MS_RECORDER_COLLECT] = (struct pollfd) { .fd = -1, .events = POLLIN };
	if (r->trace && r->interval > COLLECT_SECONDS)
		fds[MS_RECORDER_COLLECT].fd = timer(COLLECT_SECONDS);
	fds[MS_RECORDER_TARGET] = (struct pollfd) { .fd = target,
					   .events = r->source.pid ? POLLIN : 0 };
	/* A program that has ended already is reaped by its signal. */
	if (target < 0 && !r->argv) {
		ms_err("process %d: %s", r->source.pid, ms_error_text(error));
		return 1;
	}
	if (fds[MS_RECORDER_TICK].fd < 0 || fds[MS_RECORDER_SIGNAL].fd < 0) {
		ms_err("timerfd, signalfd: %s", ms_error_text(errno));
		return 1;
	}
	return 0;
}
