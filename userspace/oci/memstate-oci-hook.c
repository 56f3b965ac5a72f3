// SPDX-License-Identifier: MIT
/*
 * memstate-oci-hook: an OCI runtime's createRuntime hook that limits a container.
 *
 * Exit status: 0; 1: it did not work, and one line said why: the runtime then gives
 * up the container; 2: the command line is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "names.h"
#include "oci.h"

#define NAME "memstate-oci-hook"
#define EXIT_USAGE 2

static const char help[] =
	"usage: " NAME " [OPTION]... <STATE\n"
	"       " NAME " [OPTION]... precreate <CONFIG >CONFIG\n\n"
	"The createRuntime hook of an OCI runtime: limit the memory that a container's\n"
	"programs make Ready, whatever is in its image. The container's state is read from\n"
	"standard input, its annotations decide:\n\n"
	"  org.memstate.max         the limit\n"
	"  org.memstate.high        where pressure begins\n"
	"  org.memstate.overcommit  percent of max that may be granted, if it is not touched\n"
	"  org.memstate.derive      true: without a max, make it from the memory limit\n"
	"  org.memstate.allowance   what is kept of that for what is not counted\n"
	"  org.memstate.optional    true: start without memstate where it is missing\n"
	"  org.memstate.adapt       true: runtimes in it are told of the limit (precreate)\n"
	"  org.memstate.workers     so many processes alike share it, for that\n\n"
	"precreate is the hook of that stage: a container's configuration goes through, and if\n"
	"it says so, JVM, Node, Go and others are told of the limit by their own settings in the\n"
	"environment; what is set there already stays.\n\n"
	"  --derive    as if org.memstate.derive were true, unless it is given\n"
	"  --dry-run   print what would be set, and set nothing\n"
	"  --help      this text\n"
	"  --version   the version\n";

static const struct option options[] = { { "derive", no_argument, NULL, 'd' },
					 { "dry-run", no_argument, NULL, 'n' },
					 { "help", no_argument, NULL, 'h' },
					 { "version", no_argument, NULL, 'V' },
					 {} };

/* Some runtimes throw away what hooks say: then the system's log has it. */
static bool to_log;

/* One line, whatever is in the names that it quotes. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[MS_OCI_WHY_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	ms_name_clean(line);
	fprintf(stderr, NAME ": %s\n", line);
	if (to_log)
		syslog(LOG_DAEMON | LOG_ERR, "%s", line);
}

static int missing(const struct ms_oci_wish *wish, const char *why)
{
	if (!wish->optional) {
		say("%s (annotation " MS_OCI_PREFIX
		    "optional=true starts without memstate)",
		    why);
		return 1;
	}
	say("%s; the container starts without memstate's limits", why);
	return 0;
}

/* Return: 0; MS_OCI_MISSING; a negative errno. */
static int find_memstate(char *why)
{
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		int error = errno;

		snprintf(why, MS_OCI_WHY_MAX, MEMSTATE_DEVICE ": %s",
			 strerror(error));
		if (error == ENOENT || error == ENXIO || error == ENODEV)
			return MS_OCI_MISSING;
		return -error;
	}
	close(fd);
	/* Books of this process's own would limit nobody. */
	setenv("MEMSTATE_BACKEND", "device", 1);
	if (memstate_backend() != MEMSTATE_BACKEND_DEVICE) {
		snprintf(why, MS_OCI_WHY_MAX, "%s", memstate_error());
		return -ENODEV;
	}
	return 0;
}

/* An older module knows no limits. */
static int call_failed(const struct ms_oci_cgroup *cgroup, const char *what,
		       int ret, char *why)
{
	if (ret == -ENOTTY || ret == -EOPNOTSUPP) {
		snprintf(why, MS_OCI_WHY_MAX,
			 MEMSTATE_DEVICE ": it knows no limits");
		return MS_OCI_MISSING;
	}
	snprintf(why, MS_OCI_WHY_MAX, "cgroup %s: %s: %s", cgroup->path, what,
		 strerror(-ret));
	return ret;
}

static void print_size(const char *name, uint64_t bytes)
{
	if (bytes == MEMSTATE_UNLIMITED)
		printf("%s max\n", name);
	else
		printf("%s %llu\n", name, (unsigned long long)bytes);
}

/* Without it a limit would hold for what reports, and for no other image. */
static int observe(const struct ms_oci_cgroup *cgroup, unsigned int on,
		   uint32_t overcommit, char *why)
{
	struct memstate_observe o = {
		.size = sizeof(o),
		.set = MEMSTATE_OBSERVE_ON | MEMSTATE_OBSERVE_OVERCOMMIT,
		.on = on,
		.overcommit = overcommit,
	};
	int ret = memstate_group_observe(cgroup->fd, &o);

	if (ret != -ENOTTY && ret != -EOPNOTSUPP && ret != -EBUSY)
		return ret ? call_failed(cgroup, "observing it", ret, why) : 0;
	snprintf(why, MS_OCI_WHY_MAX,
		 MEMSTATE_DEVICE ": programs that report nothing cannot be observed here%s",
		 ret == -ENOTTY ? ": the module is too old" :
		 ret == -EBUSY ? ": another module or a livepatch is in the way" :
				 ": see 'dmesg | grep memstate'");
	return MS_OCI_MISSING;
}

static int apply(const struct ms_oci_cgroup *cgroup,
		 const struct ms_oci_limits *limits, bool dry_run, char *why)
{
	struct memstate_limit l = {
		.size = sizeof(l),
		.set = limits->set,
		.high = limits->high,
		.max = limits->max,
	};
	char ignored[MS_OCI_WHY_MAX];
	int ret;

	if (dry_run) {
		printf("cgroup %s\n", ms_name(cgroup->path));
		if (limits->set & MEMSTATE_LIMIT_MAX)
			print_size("max", limits->max);
		if (limits->set & MEMSTATE_LIMIT_HIGH)
			print_size("high", limits->high);
		printf("overcommit %u\n", limits->overcommit);
		return 0;
	}
	ret = observe(cgroup, 1, limits->overcommit, why);
	if (ret)
		return ret;
	ret = memstate_limit_apply(cgroup->fd, &l);
	if (!ret)
		return 0;
	observe(cgroup, 0, MS_OCI_OVERCOMMIT, ignored);
	return call_failed(cgroup, "setting its limits", ret, why);
}

static bool nothing_asked(const struct ms_oci_wish *wish, uint64_t memory_max)
{
	return !wish->has_max && !wish->has_high &&
	       (!wish->derive || memory_max == MEMSTATE_UNLIMITED);
}

static int limit(const struct ms_oci_cgroup *cgroup,
		 const struct ms_oci_wish *wish, uint64_t config_max,
		 bool dry_run, char *why)
{
	struct ms_oci_figures figures = { .page_size = (uint64_t)sysconf(
						  _SC_PAGESIZE) };
	struct ms_oci_limits limits;
	int ret;

	ret = ms_oci_cgroup_max(cgroup, &figures.memory_max, why);
	if (ret)
		return ret;
	if (figures.memory_max == MEMSTATE_UNLIMITED)
		figures.memory_max = config_max;
	if (nothing_asked(wish, figures.memory_max)) {
		if (dry_run)
			printf("cgroup %s\nnothing to set\n", ms_name(cgroup->path));
		return 0;
	}
	ret = find_memstate(why);
	if (!ret && !wish->has_max && wish->derive)
		ret = ms_oci_cgroup_usage(cgroup, &figures, why);
	if (!ret)
		ret = ms_oci_limits(wish, &figures, &limits, why);
	return ret ? ret : apply(cgroup, &limits, dry_run, why);
}

static int hook(struct ms_oci_state *state, bool derive, bool dry_run)
{
	char why[MS_OCI_WHY_MAX] = "";
	struct ms_oci_cgroup cgroup;
	struct ms_oci_wish wish;
	int ret;

	ret = ms_oci_state_read(stdin, state, why);
	if (!ret)
		ret = ms_oci_wish(&state->annotations, derive, &wish, why);
	if (ret) {
		say("%s", why);
		return 1;
	}
	ret = ms_oci_cgroup_open(state->pid, &cgroup, why);
	if (!ret) {
		ret = limit(&cgroup, &wish, state->memory_max, dry_run, why);
		close(cgroup.fd);
	} else if (ret == MS_OCI_MISSING &&
		   nothing_asked(&wish, state->memory_max)) {
		if (dry_run)
			printf("nothing to set\n");
		return 0;
	}
	if (ret == MS_OCI_MISSING)
		return missing(&wish, why);
	if (ret)
		say("%s", why);
	return ret ? 1 : 0;
}

static int precreate(struct ms_oci_state *state, bool derive)
{
	char why[MS_OCI_WHY_MAX] = "";
	struct ms_oci_wish wish;
	const char *text;
	int ret;

	ret = ms_oci_config_read(stdin, state, why);
	if (!ret)
		ret = ms_oci_wish(&state->annotations, derive, &wish, why);
	if (!ret)
		ret = ms_oci_adapt(state, &wish, why);
	if (ret) {
		say("%s", why);
		return 1;
	}
	text = json_object_to_json_string_ext(state->config, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (puts(text) >= 0 && !fflush(stdout))
		return 0;
	say("standard output: %s", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct ms_oci_state state;
	bool derive = false, dry_run = false, before;
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			derive = true;
			break;
		case 'n':
			dry_run = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts(NAME " " MS_VERSION);
			return 0;
		default:
			say("unknown option '%s', try --help",
			    argv[optind - 1]);
			return EXIT_USAGE;
		}
	}
	before = optind < argc && !strcmp(argv[optind], "precreate");
	if (optind + before < argc) {
		say("'%s' is not expected: the state is read from standard input",
		    argv[optind + before]);
		return EXIT_USAGE;
	}
	openlog(NAME, LOG_PID, LOG_DAEMON);
	to_log = !dry_run;
	status = before ? precreate(&state, derive) : hook(&state, derive, dry_run);
	ms_oci_state_free(&state);
	return status;
}
