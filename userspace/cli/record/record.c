// SPDX-License-Identifier: MIT
/*
 * memstate record: figures over time, into a file.
 *
 * Model
 *
 *   A timer ticks at a fixed interval. A tick costs the same few calls whatever has
 *   happened; ticks that come while we are late are counted as missed, never caught up
 *   with. So the cost is bounded by the interval, and the file by --max-size.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "launch.h"
#include "record.h"

#define INTERVAL_MIN	0.001
#define INTERVAL_MAX	3600.0
#define DURATION_MAX	1e9
#define MAX_SIZE	((uint64_t)256 << 20)
#define MAX_SIZE_MIN	((uint64_t)64 << 10)
#define BUFFER		((uint64_t)4 << 20)
#define BUFFER_MIN	((uint64_t)4 << 10)
#define BUFFER_MAX	((uint64_t)1 << 30)

/* Transitions are collected at least so often. */
#define COLLECT_SECONDS	0.1

static const char help[] =
	"usage: memstate record -o FILE [OPTION]... [-p PID | -g TARGET | -- COMMAND [ARGUMENT]...]\n\n"
	"Write the figures of the system, a process, a cgroup and all below it, or of a\n"
	"program that is run as by 'memstate run --reported', to FILE at a fixed interval,\n"
	"until it ends, or SIGINT or SIGTERM. 'memstate plot FILE' makes pictures of it.\n"
	"TARGET is as for 'memstate limit'. With COMMAND the exit status is the program's.\n\n"
	"  -o, --output FILE      lines of JSON; compressed if its name ends in .gz\n"
	"  -p, --pid PID          a process\n"
	"  -g, --group TARGET     a cgroup\n"
	"  --interval SECONDS     from 0.001, default 0.1\n"
	"  --duration SECONDS     end after so long\n"
	"  --ranges N             also the ledger of the process (or of COMMAND's), at the\n"
	"                         first sample, then at each N-th, and at the last\n"
	"  --transitions          also every transition, from the tracepoints (root's)\n"
	"  --trace-buffer SIZE    per processor for transitions not yet read, default 4M\n"
	"  --max-size SIZE        of FILE, default 256M; recording ends when it is reached\n"
	"  --malloc               COMMAND: as for 'memstate run'\n"
	"  --max SIZE             COMMAND: likewise\n"
	"  --high SIZE            COMMAND: likewise\n"
	"  --quiet                say nothing but errors\n"
	"  --help                 this text\n";

enum { OPT_RANGES = 256, OPT_TRANSITIONS, OPT_BUFFER, OPT_MAX_SIZE, OPT_MALLOC, OPT_MAX,
	OPT_HIGH };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "pid", required_argument, NULL, 'p' },
	{ "group", required_argument, NULL, 'g' },
	{ "interval", required_argument, NULL, 'i' },
	{ "duration", required_argument, NULL, 'd' },
	{ "ranges", required_argument, NULL, OPT_RANGES },
	{ "transitions", no_argument, NULL, OPT_TRANSITIONS },
	{ "trace-buffer", required_argument, NULL, OPT_BUFFER },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "malloc", no_argument, NULL, OPT_MALLOC },
	{ "max", required_argument, NULL, OPT_MAX },
	{ "high", required_argument, NULL, OPT_HIGH },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/**
 * struct recorder - a recording under way
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
struct recorder {
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

/* Whose ledger is recorded. */
static pid_t ledger_pid(const struct recorder *r)
{
	return r->argv ? r->launch.pid : r->pid;
}

/* ---- lines -------------------------------------------------------------------------- */

/* Writing did not work: what has been written stays. */
static void stop_on(struct recorder *r, int ret)
{
	if (!ret || r->reason)
		return;
	r->reason = ret == -EFBIG ? "max-size" : "error";
	r->error = ret;
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, ms_json_text(text));
}

static struct json_object *target_object(const struct recorder *r)
{
	struct json_object *o = json_object_new_object(), *argv;
	char name[32];

	if (r->argv) {
		argv = json_object_new_array();
		for (char **arg = r->argv; *arg; arg++)
			json_object_array_add(argv, ms_json_text(*arg));
		json_object_object_add(o, "argv", argv);
		ms_json_add(o, "pid", (uint64_t)r->launch.pid);
	}
	if (r->cgroup.fd >= 0) {
		add_text(o, "kind", "group");
		add_text(o, "path", r->cgroup.path);
		ms_json_add(o, "cgroup_id", r->cgroup.id);
	} else if (r->source.pid) {
		add_text(o, "kind", "process");
		if (!r->argv) {
			ms_process_name(r->pid, name, sizeof(name));
			ms_json_add(o, "pid", (uint64_t)r->pid);
			add_text(o, "name", name);
		}
	} else {
		add_text(o, "kind", "system");
	}
	return o;
}

static int write_header(struct recorder *r)
{
	struct json_object *o = ms_record_header("record");
	char text[40];
	struct utsname u;
	struct timespec t;
	struct tm tm;

	if (!uname(&u))
		add_text(o, "kernel", u.release);
	/* A program may have run for a moment already. */
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec = (time_t)((double)t.tv_sec + (double)t.tv_nsec / 1e9 - (ms_now() - r->start));
	gmtime_r(&t.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	add_text(o, "start", text);
	add_text(o, "clock", "monotonic");
	add_text(o, "time_unit", "s");
	snprintf(text, sizeof(text), "%.6f", r->start);
	json_object_object_add(o, "start_clock", json_object_new_double_s(r->start, text));
	snprintf(text, sizeof(text), "%g", r->interval);
	json_object_object_add(o, "interval", json_object_new_double_s(r->interval, text));
	json_object_object_add(o, "transitions", json_object_new_boolean(!!r->trace));
	json_object_object_add(o, "target", target_object(r));
	return ms_record_add(r->file, o);
}

/* The ledger, unless it is what it was when we wrote it last. */
static int write_ranges(struct recorder *r, double t)
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

static void take_sample(struct recorder *r, bool last)
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
	stop_on(r, ret);
}

/* ---- the loop ------------------------------------------------------------------------- */

enum { FD_TICK, FD_SIGNAL, FD_COLLECT, FD_TARGET, NR_FDS };

static int timer(double seconds)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
	struct itimerspec it = { .it_interval = t, .it_value = t };

	if (fd >= 0)
		timerfd_settime(fd, 0, &it, NULL);
	return fd;
}

static void reap(struct recorder *r)
{
	int status;

	if (r->argv && r->status < 0 && waitpid(r->launch.pid, &status, WNOHANG) > 0) {
		r->status = ms_launch_status(status);
		if (!r->reason)
			r->reason = "target ended";
	}
}

static void take_signal(struct recorder *r, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap(r);
		} else if (!r->argv) {
			if (!r->reason)
				r->reason = "interrupted";
		} else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) {
			/* SIGINT the terminal sends to the program as well. */
			kill(r->launch.pid, (int)info.ssi_signo);
		}
	}
}

static void show_progress(const struct recorder *r, double t)
{
	fprintf(stderr, "\rmemstate: %.0f s, %llu samples, %s ", t,
		(unsigned long long)r->nr_samples, ms_size(ms_record_bytes(r->file)));
	fflush(stderr);
}

static void tick(struct recorder *r, int fd, bool progress)
{
	static double shown;
	uint64_t expired = 0;
	double t = ms_now() - r->start;

	if (read(fd, &expired, sizeof(expired)) != sizeof(expired))
		return;
	r->nr_missed += expired - 1;
	take_sample(r, false);
	if (progress && t - shown >= 1) {
		show_progress(r, t);
		shown = t;
	}
}

static void loop(struct recorder *r, struct pollfd *fds)
{
	bool progress = !r->quiet && !r->argv && isatty(2);
	double end = r->duration > 0 ? r->start + r->duration : 0, left = 0;
	uint64_t expired;

	take_sample(r, false);
	while (!r->reason) {
		if (end) {
			left = end - ms_now();
			if (left <= 0) {
				r->reason = "duration";
				break;
			}
		}
		/* There is a tick before that, if it is longer. */
		if (left > INTERVAL_MAX)
			left = INTERVAL_MAX;
		if (poll(fds, NR_FDS, end ? (int)(left * 1000) + 1 : -1) < 0 && errno != EINTR) {
			stop_on(r, -errno);
			break;
		}
		if (fds[FD_SIGNAL].revents)
			take_signal(r, fds[FD_SIGNAL].fd);
		/* A group: only its end; a process: whatever its descriptor says. */
		if (fds[FD_TARGET].revents & (r->source.pid ? POLLIN : POLLHUP) && !r->reason)
			r->reason = "target ended";
		if (fds[FD_COLLECT].revents && !r->reason &&
		    read(fds[FD_COLLECT].fd, &expired, sizeof(expired)) > 0)
			stop_on(r, ms_trace_read(r->trace, r->file, r->start));
		if (fds[FD_TICK].revents && !r->reason)
			tick(r, fds[FD_TICK].fd, progress);
	}
	if (progress)
		fputc('\n', stderr);
}

static int open_fds(struct recorder *r, struct pollfd *fds, const sigset_t *signals)
{
	int target = r->source.pid ? (int)syscall(SYS_pidfd_open, r->source.pid, 0) :
				     r->source.fd;
	int error = errno;

	fds[FD_TICK] = (struct pollfd) { .fd = timer(r->interval), .events = POLLIN };
	fds[FD_SIGNAL] = (struct pollfd) {
		.fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN };
	fds[FD_COLLECT] = (struct pollfd) { .fd = -1, .events = POLLIN };
	if (r->trace && r->interval > COLLECT_SECONDS)
		fds[FD_COLLECT].fd = timer(COLLECT_SECONDS);
	fds[FD_TARGET] = (struct pollfd) { .fd = target,
					   .events = r->source.pid ? POLLIN : 0 };
	/* A program that has ended already is reaped by its signal. */
	if (target < 0 && !r->argv) {
		ms_err("process %d: %s", r->source.pid, ms_error_text(error));
		return 1;
	}
	if (fds[FD_TICK].fd < 0 || fds[FD_SIGNAL].fd < 0) {
		ms_err("timerfd, signalfd: %s", ms_error_text(errno));
		return 1;
	}
	return 0;
}

/* ---- beginning and end ---------------------------------------------------------------- */

static int open_source(struct recorder *r)
{
	if (r->cgroup.fd >= 0)
		return ms_source_group(&r->source, r->cgroup.fd, r->cgroup.dir);
	if (r->pid)
		return ms_source_task(&r->source, r->pid, false);
	return ms_source_group(&r->source, MEMSTATE_SYSTEM, "the system");
}

/* What is to be recorded, opened; transitions from before a program starts. */
static int begin(struct recorder *r)
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

static void say_end(const struct recorder *r, uint64_t nr_transitions, uint64_t lost)
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
		ms_err("%s: %s: recording ended after %.1f s", r->path, strerror(-r->error), t);
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
static int finish(struct recorder *r)
{
	uint64_t nr_transitions = 0, lost = 0;
	struct json_object *o;
	int ret;

	if (r->trace)
		stop_on(r, ms_trace_stop(r->trace, r->file, r->start, &nr_transitions, &lost));
	o = ms_record_object("end", ms_now() - r->start);
	add_text(o, "reason", r->reason);
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
static void give_up(struct recorder *r)
{
	uint64_t nr, lost;

	if (r->trace)
		ms_trace_stop(r->trace, NULL, 0, &nr, &lost);
	if (r->file)
		ms_record_abandon(r->file);
}

static int record(struct recorder *r)
{
	struct pollfd fds[NR_FDS];
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
		status = open_fds(r, fds, &signals);
	if (!status) {
		stop_on(r, write_header(r));
		loop(r, fds);
		if (!r->error)
			take_sample(r, true);
		status = finish(r);
	} else {
		give_up(r);
	}
	/* Recording may be over before the program is. */
	if (r->launch.pid > 0)
		reap(r);
	while (r->argv && r->launch.pid > 0 && r->status < 0) {
		siginfo_t info;

		if (sigwaitinfo(&signals, &info) == SIGCHLD)
			reap(r);
		else if (info.si_signo == SIGTERM || info.si_signo == SIGHUP)
			kill(r->launch.pid, info.si_signo);
	}
	ms_source_close(&r->source);
	if (r->argv)
		ms_launch_finish(&r->launch);
	return r->status > 0 ? r->status : status;
}

/* ---- command line --------------------------------------------------------------------- */

static int size_arg(const char *option, const char *text, uint64_t min, uint64_t max,
		    uint64_t *bytes)
{
	if (memstate_parse_bytes(text, bytes) || *bytes < min || *bytes > max)
		return ms_usage_error("record", "option '%s': '%s' is not a size from %s%s%s",
				      option, text, ms_size(min),
				      max == MEMSTATE_UNLIMITED ? "" : " to ",
				      max == MEMSTATE_UNLIMITED ? "" : ms_size(max));
	return 0;
}

/* An option's value. Return: 0, or the exit status after a message. */
static int option(struct recorder *r, int c, char **argv)
{
	switch (c) {
	case 'o':
		r->path = optarg;
		return 0;
	case 'p':
		r->pid = ms_pid_arg("record", optarg);
		return r->pid < 0 ? EXIT_USAGE : 0;
	case 'g':
		r->target = optarg;
		return 0;
	case 'i':
		return ms_seconds_arg("record", "--interval", INTERVAL_MIN, INTERVAL_MAX,
				      &r->interval);
	case 'd':
		return ms_seconds_arg("record", "--duration", INTERVAL_MIN, DURATION_MAX,
				      &r->duration);
	case OPT_RANGES:
		return ms_count_arg("record", "--ranges", 1, ULONG_MAX, &r->every);
	case OPT_TRANSITIONS:
		r->transitions = true;
		return 0;
	case OPT_BUFFER:
		return size_arg("--trace-buffer", ms_size_words(optarg, argv), BUFFER_MIN,
				BUFFER_MAX, &r->buffer_bytes);
	case OPT_MAX_SIZE:
		return size_arg("--max-size", ms_size_words(optarg, argv), MAX_SIZE_MIN,
				MEMSTATE_UNLIMITED, &r->max_bytes);
	case OPT_MALLOC:
		r->launch.malloc = true;
		return 0;
	case OPT_MAX:
		return ms_launch_size("record", "--max", argv, &r->launch.max);
	case OPT_HIGH:
		return ms_launch_size("record", "--high", argv, &r->launch.high);
	case 'q':
		r->quiet = true;
		return 0;
	default:
		return ms_option_error("record", c, argv);
	}
}

/* Options that do not go together. Return: as option(). */
static int check(const struct recorder *r)
{
	if (!r->path || !*r->path)
		return ms_usage_error("record", "-o FILE is needed");
	if (!!r->pid + !!r->target + !!r->argv > 1)
		return ms_usage_error("record", "only one of -p, -g and a command");
	if (!r->argv && (r->launch.malloc || r->launch.max || r->launch.high))
		return ms_usage_error("record", "--malloc, --max and --high are for a command");
	if (r->every && !r->pid && !r->argv)
		return ms_usage_error("record", "--ranges is for a process: -p PID, or a command");
	return 0;
}

int memstate_cmd_record(int argc, char **argv)
{
	static struct recorder r = {
		.interval = 0.1,
		.buffer_bytes = BUFFER,
		.max_bytes = MAX_SIZE,
		.cgroup.fd = MEMSTATE_SYSTEM,
		.source.fd = -1,
		.status = -1,
	};
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:o:p:g:i:d:qh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		ret = option(&r, c, argv);
		if (ret)
			return ret;
	}
	if (optind < argc)
		r.argv = argv + optind;
	ret = check(&r);
	if (ret)
		return ret;
	r.launch.quiet = r.quiet;
	r.launch.reported = true;
	r.launch.grouped = true;
	return record(&r);
}
