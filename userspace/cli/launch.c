// SPDX-License-Identifier: MIT
/*
 * Starting a program that does not know of memstate: the shim is preloaded, and with
 * a limit the program gets a cgroup of its own, where one may make it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "launch.h"

#define SHIM	"libmemstate-observe.so"
#define MALLOC	"libmemstate-malloc.so.0"

/* Libraries are beside this program (a build tree), or where they were installed, in @dir. */
static bool find_library(const char *dir, const char *name, char *path, size_t size)
{
	static const char *const places[] = { "", "../lib/" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[1] = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(path, size, "%s%s%s", self, places[i], name);
		if (!access(path, R_OK))
			return true;
	}
	snprintf(path, size, "%s/%s", dir, name);
	if (!access(path, R_OK))
		return true;
	ms_err("%s is neither beside this program nor in %s", name, dir);
	return false;
}

/* What LD_PRELOAD is to be: ours before the program's own. Return: NULL: something is missing. */
static char *preloads(const struct ms_launch *l)
{
	char shim[2 * PATH_MAX], allocator[2 * PATH_MAX] = "", *value;
	const char *others = getenv("LD_PRELOAD");

	if (!find_library(MS_PRELOADDIR, SHIM, shim, sizeof(shim)) ||
	    (l->malloc && !find_library(MS_LIBDIR, MALLOC, allocator, sizeof(allocator))))
		return NULL;
	if (asprintf(&value, "%s%s%s%s%s", shim, *allocator ? ":" : "", allocator,
		     others && *others ? ":" : "", others ? others : "") < 0)
		return NULL;
	return value;
}

/*
 * AddressSanitizer as a shared library will not run behind another library that was preloaded. The
 * shim has nothing that it has, but mmap, where it comes to the same. What one has said oneself of
 * it goes.
 */
static bool allow_sanitizer(void)
{
	static const char option[] = "verify_asan_link_order";
	const char *own = getenv("ASAN_OPTIONS");
	char *value;
	bool good;

	if (own && strstr(own, option))
		return true;
	if (asprintf(&value, "%s%s%s=0", own ? own : "", own && *own ? ":" : "", option) < 0)
		return false;
	good = !setenv("ASAN_OPTIONS", value, 1);
	free(value);
	return good;
}

/* ---- limits -------------------------------------------------------------------- */

static void say(const struct ms_launch *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(const struct ms_launch *l, const char *format, ...)
{
	va_list args;

	if (l->quiet)
		return;
	va_start(args, format);
	ms_vsay(format, args);
	va_end(args);
}

/* A cgroup below one's own, with the limits set. Why not: in @why. */
static bool make_cgroup(struct ms_launch *l, const char **why)
{
	char path[PATH_MAX - 64], below[PATH_MAX];
	unsigned int set = (l->max ? MEMSTATE_LIMIT_MAX : 0) |
			   (l->high ? MEMSTATE_LIMIT_HIGH : 0);
	uint64_t max = MEMSTATE_UNLIMITED, high = MEMSTATE_UNLIMITED;
	char dir[2 * PATH_MAX];
	int ret;

	*why = "no cgroup v2 hierarchy";
	if (!ms_cgroup_root() || ms_cgroup_of_pid(0, path, sizeof(path)))
		return false;
	snprintf(below, sizeof(below), "%s/memstate-run-%d", path, getpid());
	snprintf(dir, sizeof(dir), "%s%s", ms_cgroup_root(), below);
	if (mkdir(dir, 0755)) {
		*why = strerror(errno);
		return false;
	}
	if (l->max)
		memstate_parse_bytes(l->max, &max);
	if (l->high)
		memstate_parse_bytes(l->high, &high);
	ret = ms_cgroup_open(&l->cgroup, below);
	if (!ret && set)
		ret = memstate_limit_set(l->cgroup.fd, set, high, max);
	if (!ret)
		return true;
	*why = strerror(-ret);
	ms_cgroup_close(&l->cgroup);
	rmdir(dir);
	return false;
}

static void limit_itself(const struct ms_launch *l, const char *why)
{
	if (l->max)
		setenv("MEMSTATE_MAX", l->max, 1);
	if (l->high)
		setenv("MEMSTATE_HIGH", l->high, 1);
	say(l, "no cgroup of its own (%s): each process is limited by itself", why);
}

static void set_limits(struct ms_launch *l)
{
	const char *why = "no device";
	bool limited = l->max || l->high;

	if (!limited && !l->grouped)
		return;
	if (memstate_backend() == MEMSTATE_BACKEND_DEVICE && make_cgroup(l, &why)) {
		if (limited)
			say(l, "limited in cgroup %s", l->cgroup.path);
	} else if (limited) {
		limit_itself(l, why);
	}
}

static bool enter_cgroup(const struct ms_launch *l)
{
	char file[3 * PATH_MAX];
	FILE *f;

	if (l->cgroup.fd < 0)
		return true;
	snprintf(file, sizeof(file), "%s/cgroup.procs", l->cgroup.dir);
	f = fopen(file, "we");
	if (f && fputs("0", f) >= 0 && !fclose(f))
		return true;
	ms_err("%s: %s", file, strerror(errno));
	return false;
}

/* The limits' own last figures. */
static void say_enforced(const struct ms_launch *l)
{
	struct memstate_limit limit;

	if ((!l->max && !l->high) || memstate_limit_get(l->cgroup.fd, &limit))
		return;
	say(l, "enforced: max %s, high %s, peak %s, denied %llu, passed high %llu, breaches %llu",
	    ms_limit_size(limit.max), ms_limit_size(limit.high), ms_size(limit.peak),
	    limit.events[MEMSTATE_EVENT_DENIED], limit.events[MEMSTATE_EVENT_HIGH],
	    limit.events[MEMSTATE_EVENT_BREACH]);
}

/**
 * ms_launch_prepare() - make all ready for a program
 * @l:	how it is run
 *
 * Return: 0; 1 after a message: a library is missing, or there is no back end.
 */
int ms_launch_prepare(struct ms_launch *l)
{
	l->cgroup.fd = -1;
	l->preload = preloads(l);
	if (!l->preload)
		return 1;
	if (memstate_backend() == MEMSTATE_BACKEND_NONE) {
		ms_err("no back end: %s", memstate_error());
		free(l->preload);
		return 1;
	}
	say(l, "back end %s%s%s%s", memstate_backend_name(), *memstate_error() ? " (" : "",
	    memstate_error(), *memstate_error() ? ")" : "");
	set_limits(l);
	return 0;
}

/* In the child: there is no program. Its parent is told by a byte. */
static _Noreturn void give_up(int fd, int status)
{
	ssize_t told = write(fd, "", 1);

	(void)told;
	_exit(status);
}

/**
 * ms_launch_start() - start it
 * @l:		from ms_launch_prepare()
 * @argv:	the program and its arguments, terminated by NULL
 *
 * What cannot be run ends as a shell has it: 127 or 126.
 *
 * Return: 0, with @l->pid, when the program is there; 1 after a message.
 */
int ms_launch_start(struct ms_launch *l, char **argv)
{
	int exec[2], error;
	ssize_t n;
	char none;

	/* Until then its descriptor of the device is ours: who asks for its books gets ours. */
	if (pipe2(exec, O_CLOEXEC)) {
		ms_err("pipe: %s", strerror(errno));
		return 1;
	}
	l->pid = fork();
	if (l->pid < 0)
		ms_err("fork: %s", strerror(errno));
	if (l->pid) {
		close(exec[1]);
		while ((n = read(exec[0], &none, 1)) < 0 && errno == EINTR)
			;
		close(exec[0]);
		l->started = l->pid > 0 && !n;
		return l->pid < 0;
	}
	if (!enter_cgroup(l))
		give_up(exec[1], 126);
	if (l->tally && l->tally->table && !ms_tally_hand_down(l->tally))
		ms_err("there will be no figures: %s", strerror(errno));
	if (l->mask)
		sigprocmask(SIG_SETMASK, l->mask, NULL);
	if (!setenv("LD_PRELOAD", l->preload, 1) && allow_sanitizer())
		execvp(argv[0], argv);
	error = errno;
	ms_err("%s: %s", argv[0], strerror(error));
	give_up(exec[1], error == ENOENT ? 127 : 126);
}

/**
 * ms_launch_finish() - the program has ended: say what was enforced, tidy up
 * @l: from ms_launch_prepare(), started or not
 */
void ms_launch_finish(struct ms_launch *l)
{
	free(l->preload);
	l->preload = NULL;
	if (l->cgroup.fd < 0)
		return;
	say_enforced(l);
	ms_cgroup_close(&l->cgroup);
	for (int i = 0; i < 50; i++) {
		if (!rmdir(l->cgroup.dir))
			return;
		/* Who has just died is not out of it at once. */
		usleep(20000);
	}
	ms_err("processes of the program go on in %s; its limits stay", l->cgroup.dir);
}

/**
 * ms_launch_status() - exit status of a program, as a shell has it
 * @wait_status: from waitpid()
 *
 * Return: its own, or 128 and the signal.
 */
int ms_launch_status(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/**
 * ms_launch_size() - a size on the command line
 * @command:	name of the command
 * @option:	the option
 * @argv:	the command line; the value is optarg, and perhaps a word behind it
 * @text:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_launch_size(const char *command, const char *option, char **argv, const char **text)
{
	uint64_t bytes;
	int ret;

	*text = ms_size_words(optarg, argv);
	ret = memstate_parse_bytes(*text, &bytes);
	if (!ret)
		return 0;
	return ms_usage_error(command, ret == -ERANGE ?
				       "option '%s': '%s' is too large" :
				       "option '%s': '%s' is not a size (as 512M, 1.5GiB, or max)",
			      option, *text);
}
