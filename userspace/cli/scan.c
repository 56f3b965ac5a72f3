// SPDX-License-Identifier: MIT
/* memstate scan: an estimate for a process that does not report. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "replay/file.h"
#include "replay/plain.h"
#include "scan.h"

static const char help[] =
	"usage: memstate scan [--json] PID\n"
	"       memstate scan [--json] FILE\n\n"
	"Estimate the states of a process that does not report, from its smaps. Private\n"
	"anonymous mappings, the heap and the stacks count, nothing else:\n\n"
	"  Reserved   no access\n"
	"  Ready      resident or swapped, and not given back by MADV_FREE\n"
	"  Prepared   the rest: accessible and not backed, or given back\n\n"
	"Only the process itself knows which of its resident memory is in use; this is\n"
	"what can be observed from outside.\n\n"
	"FILE is a smaps, maps or smaps_rollup that somebody has saved or posted, perhaps\n"
	"quoted, compressed or cut off; - is standard input. Of what the file does not tell there is -.\n\n"
	"  --json   one JSON document\n"
	"  --help   this text\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/* Names of enum ms_scan_kind. */
static const char *const kinds[] = { "nothing", "maps", "smaps", "smaps_rollup" };

/**
 * struct subject - what is looked at
 * @pid:	a process; 0: a file
 * @name:	the process's, or the file's without its directory
 * @path:	of the file
 */
struct subject {
	pid_t pid;
	char name[32];
	const char *path;
};

static bool knows_reserved(const struct ms_scan *s)
{
	return s->kind != SCAN_ROLLUP;
}

static bool knows_ready(const struct ms_scan *s)
{
	return s->kind != SCAN_MAPS;
}

static bool knows_prepared(const struct ms_scan *s)
{
	return s->kind == SCAN_SMAPS;
}

static void print_text(const struct subject *w, const struct ms_scan *s)
{
	char pid[16] = "-";

	if (w->pid)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	printf("%-8s %-16s %12s %12s %12s   observed (estimate)\n", "PID", "COMMAND", "RESERVED",
	       "PREPARED", "READY");
	printf("%-8s %-16s %12s %12s %12s\n", pid, ms_name(w->name),
	       knows_reserved(s) ? ms_size(s->reserved) : "-",
	       knows_prepared(s) ? ms_size(s->accessible - s->ready) : "-",
	       knows_ready(s) ? ms_size(s->ready) : "-");
	if (s->kind == SCAN_MAPS)
		printf("maps does not tell what is backed: Prepared and Ready are %s together; smaps tells\n",
		       ms_size(s->accessible));
	if (s->kind == SCAN_ROLLUP)
		printf("smaps_rollup tells of no mappings: Ready has private pages of files in it; smaps tells more\n");
}

static void add_or_null(struct json_object *o, const char *key, bool known, uint64_t value)
{
	json_object_object_add(o, key, known ? ms_json_u64(value) : NULL);
}

static int print_json(const struct subject *w, const struct ms_scan *s)
{
	struct json_object *doc = json_object_new_object();

	if (w->pid) {
		ms_json_add(doc, "pid", (uint64_t)w->pid);
		json_object_object_add(doc, "command", ms_json_text(w->name));
	} else {
		json_object_object_add(doc, "file", ms_json_text(w->path));
	}
	json_object_object_add(doc, "source", json_object_new_string("observed"));
	json_object_object_add(doc, "kind", json_object_new_string(kinds[s->kind]));
	add_or_null(doc, "reserved", knows_reserved(s), s->reserved);
	add_or_null(doc, "prepared", knows_prepared(s), s->accessible - s->ready);
	add_or_null(doc, "ready", knows_ready(s), s->ready);
	add_or_null(doc, "accessible", knows_reserved(s), s->accessible);
	ms_json_add(doc, "mappings", s->mappings);
	ms_json_add(doc, "left_out", s->left_out);
	return ms_json_print(doc);
}

/* What is not as one may think. */
static void warn(const struct subject *w, const struct ms_scan *s)
{
	if (s->kind == SCAN_ROLLUP && s->left_out)
		ms_err("%s is cut off: what is there is taken", w->path);
	else if (s->left_out)
		ms_err("%llu mappings are left out, as they have no Rss, or were cut off in the middle",
		       (unsigned long long)s->left_out);
	if (s->others)
		ms_err("addresses begin anew %llu times: the mappings of several processes? All are summed",
		       (unsigned long long)s->others);
}

static FILE *open_process(struct subject *w)
{
	FILE *f;

	if (!ms_process_exists(w->pid)) {
		ms_err("no process %d", w->pid);
		return NULL;
	}
	ms_process_name(w->pid, w->name, sizeof(w->name));
	f = ms_process_file(w->pid, "smaps");
	if (!f)
		ms_err("process %d: %s", w->pid, ms_error_text(errno));
	return f;
}

/**
 * struct process_lines - of a process's file
 * @f:		it
 * @line:	the last one
 * @size:	room of it
 */
struct process_lines {
	FILE *f;
	char *line;
	size_t size;
};

static int next_of_process(void *from, char **line)
{
	struct process_lines *p = from;

	errno = 0;
	if (getline(&p->line, &p->size, p->f) <= 0)
		return ferror(p->f) ? -errno : 0;
	*line = p->line;
	return 1;
}

/* Return: 0; 1 after a message. */
static int scan_process(struct subject *w, struct ms_scan *s)
{
	struct process_lines p = { .f = open_process(w) };
	int ret;

	if (!p.f)
		return 1;
	ret = ms_scan_read(next_of_process, &p, s);
	if (ret)
		ms_err("%s: %s", w->path, ms_error_text(-ret));
	free(p.line);
	fclose(p.f);
	/* The kernel's own have mappings neither. */
	if (s->kind == SCAN_NOTHING)
		s->kind = SCAN_SMAPS;
	return ret ? 1 : 0;
}

/**
 * struct file_lines - of a file
 * @f:		it, plain or compressed, with ends of lines of any kind
 * @rest:	of a line that is a string with many in it, or NULL
 */
struct file_lines {
	struct ms_log_file *f;
	char *rest;
};

/* "...\n...\n" of JSON, in one line. */
static int next_of_file(void *from, char **line)
{
	struct file_lines *p = from;
	size_t len;
	int ret;

	if (!p->rest) {
		ret = ms_log_file_line(p->f, &p->rest, &len);
		if (ret <= 0) {
			p->rest = NULL;
			/* It was said. */
			return ret ? -EIO : 0;
		}
		ms_plain_line(p->rest, len);
	}
	*line = p->rest;
	p->rest = strstr(p->rest, "\\n");
	if (p->rest) {
		*p->rest = '\0';
		p->rest += 2;
	}
	/* The end of a string of a list is no name. */
	len = strcspn(*line, "\r");
	while (len && strchr(" \t\",", (*line)[len - 1]))
		len--;
	(*line)[len] = '\0';
	return 1;
}

/* Return: 0; the exit status after a message. */
static int scan_file(struct subject *w, struct ms_scan *s)
{
	struct file_lines p = {};
	char *copy;
	int ret;

	if (strcmp(w->path, "-") && access(w->path, F_OK))
		return ms_usage_error("scan", "'%s' is not a process id, nor is there such a file",
				      w->path);
	copy = strdup(w->path);
	if (copy)
		snprintf(w->name, sizeof(w->name), "%s", basename(copy));
	free(copy);
	p.f = ms_log_file_open(w->path);
	if (!p.f)
		return 1;
	ret = ms_scan_read(next_of_file, &p, s);
	ms_log_file_close(p.f);
	if (ret)
		return 1;
	if (s->kind != SCAN_NOTHING)
		return 0;
	ms_err("%s: expected lines of a smaps, maps or smaps_rollup ('7f12a4000000-7f12a4021000 rw-p 00000000 00:00 0'), met %s%s%s",
	       w->path, *s->first ? "'" : "nothing", s->first, *s->first ? "'" : "");
	return 1;
}

static int scan(struct subject *w, bool json)
{
	struct ms_scan s = {};
	int status = w->pid ? scan_process(w, &s) : scan_file(w, &s);

	if (status)
		return status;
	warn(w, &s);
	if (json)
		return print_json(w, &s);
	print_text(w, &s);
	return 0;
}

int memstate_cmd_scan(int argc, char **argv)
{
	struct subject w = {};
	bool json = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:jh", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("scan", c, argv);
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("scan", "one process id is needed, or the name of a file");
	w.path = argv[optind];
	if (*w.path && strspn(w.path, "0123456789") == strlen(w.path)) {
		w.pid = ms_pid_arg("scan", w.path);
		if (w.pid < 0)
			return EXIT_USAGE;
	}
	return scan(&w, json);
}
