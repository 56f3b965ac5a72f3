// SPDX-License-Identifier: MIT
/* memstate export: the command. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "export.h"
#include "files.h"

#define MAX_SERIES		20000
#define MAX_SERIES_MOST		10000000
/* Less than the ten seconds that Prometheus waits if it is not told otherwise. */
#define TIMEOUT_NS		UINT64_C(8000000000)

static const char help[] =
	"usage: memstate export [OPTION]...\n\n"
	"Figures for Prometheus: those of the system, and of groups and tasks if they are\n"
	"asked for. To standard output, to a file, or by HTTP.\n\n"
	"  --groups          also of each group\n"
	"  --tasks           also of each task; others' are root's to read\n"
	"  --max-series N    at most N samples (default 20000); what is left out is told\n"
	"  --timeout SECONDS what cannot be read by then is left out (default 8)\n"
	"  --format FORMAT   prometheus (default; text format 0.0.4, which everything reads) or\n"
	"                    openmetrics; by HTTP the scraper chooses\n"
	"  --output FILE     into a file, which is replaced as a whole: for the textfile\n"
	"                    collector of node_exporter it is named *.prom\n"
	"  --listen [ADDRESS:]PORT\n"
	"                    serve /metrics by HTTP until interrupted; ADDRESS is numeric,\n"
	"                    as [::1] if it is of IPv6, and 127.0.0.1 if it is not given\n"
	"  --help            this text\n";

enum {
	OPT_GROUPS = 256, OPT_TASKS, OPT_MAX_SERIES, OPT_TIMEOUT, OPT_FORMAT, OPT_OUTPUT,
	OPT_LISTEN
};

static const struct option options[] = {
	{ "groups", no_argument, NULL, OPT_GROUPS },
	{ "tasks", no_argument, NULL, OPT_TASKS },
	{ "max-series", required_argument, NULL, OPT_MAX_SERIES },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/**
 * ms_export_error() - why there are no figures
 * @paths:	where they were looked for
 * @ret:	from ms_export_collect()
 * @text:	where to put it
 *
 * Return: @text.
 */
const char *ms_export_error(const struct export_paths *paths, int ret,
			    char text[EXPORT_TEXT_MAX])
{
	if (ret == -ENODEV)
		snprintf(text, EXPORT_TEXT_MAX, MS_NO_MODULE,
			 paths->sysfs);
	else
		snprintf(text, EXPORT_TEXT_MAX, "%s: %s", paths->sysfs, strerror(-ret));
	return text;
}

/**
 * ms_export_warn() - tell what was left out, if anything was
 * @data: from ms_export_collect()
 */
void ms_export_warn(const struct export_data *data)
{
	const struct export_list *groups = &data->lists[EXPORT_GROUP];
	const struct export_list *tasks = &data->lists[EXPORT_TASK];

	if (groups->bounded || tasks->bounded)
		ms_err("%zu groups and %zu tasks are left out: more than %zu samples (--max-series)",
		       groups->bounded, tasks->bounded, data->options.max_samples);
	if (groups->late || tasks->late)
		ms_err("%zu groups and %zu tasks are left out: there was no time to read them",
		       groups->late, tasks->late);
}

/* Everything to a stream. Return: the exit status. */
static int put(const struct export_paths *paths, const struct export_options *what,
	       enum export_format format, FILE *f)
{
	struct export_data data;
	char text[EXPORT_TEXT_MAX];
	int ret = ms_export_collect(paths, what, &data);

	if (ret) {
		/* For whoever looks at the figures only. */
		ms_export_write_down(f, format);
		ms_err("%s", ms_export_error(paths, ret, text));
	} else {
		ms_export_write(f, format, &data);
		ms_export_warn(&data);
	}
	ms_export_free(&data);
	return ret ? 1 : 0;
}

/* For somebody who looks at it: a scraper is given names as they are, a terminal is not. */
static int to_terminal(const struct export_paths *paths, const struct export_options *what,
		       enum export_format format)
{
	char *text = NULL, *rest, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int status;

	if (!f) {
		ms_err("%s", ms_error_text(errno));
		return 1;
	}
	status = put(paths, what, format, f);
	if (fclose(f)) {
		ms_err("%s", ms_error_text(errno));
		status = 1;
	}
	for (rest = text; text && (line = strsep(&rest, "\n")) && rest;) {
		ms_name_clean(line);
		puts(line);
	}
	free(text);
	return status;
}

static int to_stdout(const struct export_paths *paths, const struct export_options *what,
		     enum export_format format)
{
	int status = isatty(STDOUT_FILENO) ? to_terminal(paths, what, format) :
					     put(paths, what, format, stdout);

	return ms_print_end() ? 1 : status;
}

/* A file beside the one it is to become, with the mode that others need to read it. */
static FILE *open_beside(const char *path, char *beside)
{
	char copy[PATH_MAX], dir[PATH_MAX];
	FILE *f = NULL;
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	snprintf(copy, sizeof(copy), "%s", path);
	/* Not of the name that the textfile collector looks for. */
	snprintf(beside, 2 * PATH_MAX, "%s/.%s.XXXXXX", dirname(dir), basename(copy));
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!fchmod(fd, 0644))
		f = fdopen(fd, "w");
	if (!f) {
		int error = errno;

		close(fd);
		unlink(beside);
		errno = error;
	}
	return f;
}

/*
 * A reader sees the file of before or this one. It is not synced: after a crash the
 * next one comes in a minute.
 */
static int to_file(const struct export_paths *paths, const struct export_options *what,
		   enum export_format format, const char *path)
{
	char beside[2 * PATH_MAX];
	struct stat st;
	int status, failed;
	FILE *f;

	if (strlen(path) >= PATH_MAX) {
		ms_err("%s: %s", path, ms_error_text(ENAMETOOLONG));
		return 1;
	}
	/* A device would be replaced, not written to. */
	if (!lstat(path, &st) && !S_ISREG(st.st_mode)) {
		ms_err("%s: not a regular file", path);
		return 1;
	}
	f = open_beside(path, beside);
	if (!f) {
		ms_err("%s: %s", path, ms_error_text(errno));
		return 1;
	}
	status = put(paths, what, format, f);
	failed = ferror(f);
	failed |= fclose(f);
	if (failed || rename(beside, path)) {
		ms_err("%s: %s", path, ms_error_text(errno));
		unlink(beside);
		return 1;
	}
	return status;
}

/* An address to listen on. Return: NULL, or what is wrong with it. */
static const char *parse_address(const char *text, struct export_address *address)
{
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	size_t length = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";
	unsigned long number;
	char *end;

	memset(address, 0, sizeof(*address));
	errno = 0;
	number = strtoul(port, &end, 10);
	if (errno || *end || *port < '0' || *port > '9' || number > UINT16_MAX)
		return "does not end in a port, from 0 to 65535";
	if (colon && !length)
		return "has no address; 0.0.0.0 and [::] are all there are";
	if (length >= sizeof(host) + 2)
		return "is not [ADDRESS:]PORT with a numeric ADDRESS";
	if (text[0] == '[' && length > 2 && text[length - 1] == ']') {
		snprintf(host, sizeof(host), "%.*s", (int)length - 2, text + 1);
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons((uint16_t)number);
		address->length = sizeof(address->v6);
		return inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1 ? NULL :
		       "is not [ADDRESS:]PORT with a numeric ADDRESS";
	}
	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)length, text);
	if (strchr(host, ':'))
		return "has an address of IPv6 without brackets: [ADDRESS]:PORT";
	address->v4.sin_family = AF_INET;
	address->v4.sin_port = htons((uint16_t)number);
	address->length = sizeof(address->v4);
	return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 ? NULL :
	       "is not [ADDRESS:]PORT with a numeric ADDRESS";
}

/**
 * ms_export() - the command, on figures from anywhere
 * @paths:	where from
 * @argc:	as main has it
 * @argv:	likewise
 *
 * Return: the exit status.
 */
int ms_export(const struct export_paths *paths, int argc, char **argv)
{
	struct export_options what = { .max_samples = MAX_SERIES, .limit_ns = TIMEOUT_NS };
	/* As enum export_format. */
	static const char *const formats[] = { "prometheus", "openmetrics" };
	int format = EXPORT_PROMETHEUS;
	const char *output = NULL, *listen = NULL, *wrong;
	struct export_address address;
	bool formatted = false;
	double seconds;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case OPT_GROUPS:
			what.groups = true;
			break;
		case OPT_TASKS:
			what.tasks = true;
			break;
		case OPT_MAX_SERIES:
			if (ms_count_arg("export", "--max-series", EXPORT_SAMPLES_MIN,
					 MAX_SERIES_MOST, &what.max_samples))
				return EXIT_USAGE;
			break;
		case OPT_TIMEOUT:
			if (ms_seconds_arg("export", "--timeout", 0, 300, &seconds))
				return EXIT_USAGE;
			what.limit_ns = (uint64_t)(seconds * 1e9);
			break;
		case OPT_FORMAT:
			format = ms_word_arg("export", "--format", optarg, formats, 2);
			if (format < 0)
				return EXIT_USAGE;
			formatted = true;
			break;
		case OPT_OUTPUT:
			output = optarg;
			break;
		case OPT_LISTEN:
			listen = optarg;
			wrong = parse_address(listen, &address);
			if (wrong)
				return ms_usage_error("export", "option '--listen': '%s' %s",
						      listen, wrong);
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("export", c, argv);
		}
	}
	if (optind < argc)
		return ms_usage_error("export", "'%s' is one argument too many", argv[optind]);
	if (listen && output)
		return ms_usage_error("export", "--listen does not go with --output");
	if (listen && formatted)
		return ms_usage_error("export", "--listen does not go with --format: the scraper chooses");
	if (listen)
		return ms_export_serve(paths, &what, &address, argv);
	return output ? to_file(paths, &what, (enum export_format)format, output) :
			to_stdout(paths, &what, (enum export_format)format);
}

int memstate_cmd_export(int argc, char **argv)
{
	static const struct export_paths paths = {
		.sysfs = SYSFS_DIR,
		.module = "/sys/module/memstate",
		.mountinfo = "/proc/self/mountinfo",
		.proc = "/proc",
		.fresh = ms_files_fresh,
	};

	return ms_export(&paths, argc, argv);
}
