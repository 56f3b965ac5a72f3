// SPDX-License-Identifier: MIT
/*
 * Starting a program that does not know of memstate: in a place of its own, where it is observed
 * and limited. Where there can be none, or it is asked for, the shim is preloaded, so that it
 * reports.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "launch.h"
#include "program.h"

#define SHIM	"libmemstate-observe.so"
#define MALLOC	"libmemstate-malloc.so.0"

/* Libraries are beside this program (a build tree), or where they were installed, in @dir. */
static bool find_library(const char *dir, const char *name, char *path, size_t size)
{
	static const char *const places[] = { "", "../lib/" };
	char self[PATH_MAX];

	ms_own_dir(self, sizeof(self));
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

static uint64_t bytes_of(const char *text)
{
	uint64_t bytes = MEMSTATE_UNLIMITED;

	if (text)
		memstate_parse_bytes(text, &bytes);
	return bytes;
}

/*
 * A place for it, with the limits. One that was told to report is believed; any other that does
 * might do so to be out of the limit. Return: 0 or a negative errno, and why.
 */
static int make_place(struct ms_launch *l, bool observe, char *why, size_t size)
{
	const struct ms_place_wish wish = {
		.set = (l->max ? MEMSTATE_LIMIT_MAX : 0) | (l->high ? MEMSTATE_LIMIT_HIGH : 0),
		.max = bytes_of(l->max),
		.high = bytes_of(l->high),
		.commit_max = bytes_of(l->commit_max),
		.observe = observe,
		.trust = l->reported,
	};

	return ms_place_make(&l->place, &wish, why, size);
}

static void limit_itself(const struct ms_launch *l, const char *why)
{
	if (l->max)
		setenv("MEMSTATE_MAX", l->max, 1);
	if (l->high)
		setenv("MEMSTATE_HIGH", l->high, 1);
	say(l, "no cgroup of its own (%s): each process is limited by itself", why);
}

/*
 * What limits hold for is said before the program runs, where it is not all that it does: who
 * learns it afterwards has run without. @seen: what does not report is limited, too.
 */
static void say_holes(const struct ms_launch *l, bool seen)
{
	const char *heap = l->malloc ? "" : "the heap of libc's own malloc (--malloc has it)";
	char why[2 * PATH_MAX];
	struct ms_program program;

	if (seen && *heap)
		say(l, "limits hold for what is reported: not for %s", heap);
	if (seen)
		return;
	say(l, "limits hold for what reports: not for %s%sstatic or setuid programs, nor where the environment is cleared (sudo, env -i) or a sandbox keeps the shim out",
	    heap, *heap ? ", " : "");
	if (ms_program_look(l->command, &program) &&
	    ms_program_bars(&program, why, sizeof(why)))
		say(l, "%s: its limits will not hold", why);
}

/* Whether the caller has asked for a back end that is not the module. */
static bool is_backend_chosen(void)
{
	const char *name = getenv("MEMSTATE_BACKEND");

	return name && *name && strcmp(name, "auto") && strcmp(name, "device");
}

/* Return: 0; else why it could not be, as a text. */
static int observe(struct ms_launch *l, char *why, size_t size)
{
	int can = ms_observe_can(), ret;

	if (can != 1) {
		snprintf(why, size, "%s", ms_observe_why(can));
		return -1;
	}
	ret = make_place(l, true, why, size);
	if (ret == -EACCES || ret == -EPERM || ret == -EROFS) {
		snprintf(why, size, "no cgroup may be made for it below one's own: as root, or: systemd-run --user --scope -p Delegate=yes memstate run ...");
		return ret;
	}
	if (!ret)
		say(l, "%s in %s", l->max || l->high || l->commit_max ?
				   "observed and limited" : "observed", ms_place_name(&l->place));
	return ret;
}

/*
 * @why: in: why it could not be observed, empty: that was not tried; out: why what does not report
 * is not seen, where it is not. Return: 0; 1 after a message.
 */
static int report(struct ms_launch *l, char *why, size_t size)
{
	bool limited = l->max || l->high, tried = *why, device;
	char none[512] = "no device";
	int can = ms_observe_can();

	l->reported = true;
	l->preload = preloads(l);
	if (!l->preload)
		return 1;
	if (memstate_backend() == MEMSTATE_BACKEND_NONE) {
		ms_err("no back end: %s", memstate_error());
		return 1;
	}
	say(l, "back end %s%s%s%s", memstate_backend_name(), *memstate_error() ? " (" : "",
	    memstate_error(), *memstate_error() ? ")" : "");
	device = memstate_backend() == MEMSTATE_BACKEND_DEVICE;
	if (!limited && !l->commit_max && l->quiet && !l->grouped)
		return 0;
	/* What does not report beside it is seen, too, where it can be. */
	if (device && can == 1 && !tried && !make_place(l, true, why, size)) {
		if (limited || l->commit_max)
			say(l, "limited in %s", ms_place_name(&l->place));
		if (limited)
			say_holes(l, true);
		return 0;
	}
	if (!*why)
		snprintf(why, size, "%s", can == 1 ? "MEMSTATE_BACKEND is embedded" :
						     ms_observe_why(can));
	if (device && !make_place(l, false, none, sizeof(none))) {
		if (limited)
			say(l, "limited in %s", ms_place_name(&l->place));
	} else if (limited) {
		limit_itself(l, none);
	}
	if (limited)
		say_holes(l, false);
	return 0;
}

/* The limits' own last figures. */
static void say_enforced(const struct ms_launch *l)
{
	const struct memstate_limit *limit = &l->place.limit;
	const char *commit = "";
	char text[48];

	if (!l->max && !l->high && !l->commit_max)
		return;
	if (l->commit_max) {
		snprintf(text, sizeof(text), "commit max %s, ",
			 ms_limit_size(bytes_of(l->commit_max)));
		commit = text;
	}
	say(l, "enforced: max %s, high %s, %speak %s, denied %llu, passed high %llu, breaches %llu",
	    ms_limit_size(limit->max), ms_limit_size(limit->high), commit, ms_size(limit->peak),
	    limit->events[MEMSTATE_EVENT_DENIED], limit->events[MEMSTATE_EVENT_HIGH],
	    limit->events[MEMSTATE_EVENT_BREACH]);
}

/**
 * ms_launch_prepare() - make all ready for a program
 * @l:	how it is run
 *
 * Return: 0; 1 after a message: a library is missing, there is no back end, or what is asked for
 * cannot hold.
 */
int ms_launch_prepare(struct ms_launch *l)
{
	bool asked = l->malloc || l->reported || is_backend_chosen();
	char why[512] = "";
	int ret;

	l->place = MS_NO_PLACE;
	if (!asked && !observe(l, why, sizeof(why)))
		return 0;
	ret = report(l, why, sizeof(why));
	if (!ret && l->commit_max && !l->place.observed) {
		ms_err("--commit-max holds for what is observed: %s", why);
		ret = 1;
	} else if (!ret && !asked) {
		say(l, "not seen: static programs, Go, and what libc has of its own, as its heap (%s)",
		    why);
	}
	if (ret)
		ms_launch_finish(l);
	return ret;
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
		ms_err("pipe: %s", ms_error_text(errno));
		return 1;
	}
	l->pid = fork();
	if (l->pid < 0)
		ms_err("fork: %s", ms_error_text(errno));
	if (l->pid) {
		close(exec[1]);
		while ((n = read(exec[0], &none, 1)) < 0 && errno == EINTR)
			;
		close(exec[0]);
		l->started = l->pid > 0 && !n;
		return l->pid < 0;
	}
	error = ms_place_enter(&l->place);
	if (error) {
		ms_err("%s: %s", ms_place_name(&l->place), strerror(-error));
		give_up(exec[1], 126);
	}
	if (l->tally && l->tally->table && !ms_tally_hand_down(l->tally))
		ms_err("there will be no figures: %s", ms_error_text(errno));
	if (l->mask)
		sigprocmask(SIG_SETMASK, l->mask, NULL);
	if (!l->preload || (!setenv("LD_PRELOAD", l->preload, 1) && allow_sanitizer()))
		execvp(argv[0], argv);
	error = errno;
	ms_err("%s: %s", argv[0], ms_error_text(error));
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
	ms_place_look(&l->place);
	if (l->place.there && l->pid > 0)
		say_enforced(l);
	if (ms_place_end(&l->place))
		ms_err("processes of the program go on in %s; its limits stay",
		       ms_place_name(&l->place));
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

	*text = ms_size_words(optarg, argv);
	return ms_parse_size(command, option, *text, &bytes);
}
