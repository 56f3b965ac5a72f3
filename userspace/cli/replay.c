// SPDX-License-Identifier: MIT
/*
 * memstate replay: the books of processes, from what strace saw them do.
 *
 * Model
 *
 *   The log is read whole and gone through twice. The first time finds out how
 *   calls end that are reported in two parts, because some of them act where they
 *   begin; the second time acts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cli.h"
#include "replay_books.h"
#include "replay_record.h"

static const char help[] =
	"usage: memstate replay [OPTION]... FILE\n\n"
	"Keep the books of the processes in a log of\n\n"
	"  strace -f [-ttt] -e trace=%memory,%process\n\n"
	"plain or compressed by gzip; - is standard input. A thread whose clone is not in\n"
	"the log counts as a process of its own. Processes that share an address space are\n"
	"counted once, with the one that has had it longest.\n\n"
	"  --mark LINE   also print the books as they are after this line of the log;\n"
	"                may be repeated\n"
	"  --record FILE  also write a recording, for 'memstate plot'; its times are those of\n"
	"                the log, or the numbers of lines where it has none; compressed if\n"
	"                its name ends in .gz\n"
	"  --json        one JSON document\n"
	"  --help        this text\n";

static const struct option options[] = {
	{ "mark", required_argument, NULL, 'm' },
	{ "record", required_argument, NULL, 'r' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/* ---- the log ----------------------------------------------------------------- */

/**
 * struct log - a log in memory
 * @text:	all of it, terminated
 * @size:	its length
 * @main_pid:	whose lines are that do not say, 0 if the log never does
 * @exits:	it tells when threads end
 * @known:	lines that were understood
 * @lines:	all of them
 * @clock:	as it is at the end
 * @outcomes:	how calls end that are reported in two parts, in order of their
 *		beginnings
 * @nr_outcomes: how many
 */
struct log {
	char *text;
	size_t size;
	pid_t main_pid;
	bool exits;
	uint64_t known;
	uint64_t lines;
	struct ms_log_clock clock;
	struct ms_call *outcomes;
	size_t nr_outcomes;
};

static int log_read(struct log *log, const char *path)
{
	gzFile f = strcmp(path, "-") ? gzopen(path, "rb") : gzdopen(0, "rb");
	size_t room = 1 << 20;
	int n = -1, error;

	if (!f) {
		ms_err("%s: %s", path, strerror(errno ? errno : ENOMEM));
		return -1;
	}
	gzbuffer(f, 1 << 18);
	log->text = malloc(room + 1);
	while (log->text) {
		char *more;

		n = gzread(f, log->text + log->size,
			   (unsigned int)(room - log->size));
		if (n <= 0)
			break;
		log->size += (size_t)n;
		if (log->size < room)
			continue;
		room *= 2;
		more = realloc(log->text, room + 1);
		if (!more)
			free(log->text);
		log->text = more;
	}
	if (!log->text) {
		ms_err("%s: does not fit into memory", path);
		gzclose(f);
		return -1;
	}
	log->text[log->size] = '\0';
	if (n < 0)
		ms_err("%s: %s", path,
		       errno == EISDIR ? strerror(errno) : gzerror(f, &error));
	/* A compressed log that was cut off says so here. */
	error = gzclose(f);
	if (n >= 0 && error != Z_OK) {
		ms_err("%s: the compressed log is cut off", path);
		return -1;
	}
	return n < 0 ? -1 : 0;
}

/**
 * struct cursor - where we are in a log
 * @at:		the next line, bytes
 * @broken:	a message of strace broke the call of @tid, and its rest may follow
 * @tid:	set by whoever knows whose line it is
 */
struct cursor {
	size_t at;
	bool broken;
	pid_t tid;
};

/* The next line, taken apart. False: there is none. */
static bool log_next(const struct log *log, struct cursor *c, struct ms_line *l)
{
	const char *line = log->text + c->at, *end;
	size_t len;

	if (c->at >= log->size)
		return false;
	end = memchr(line, '\n', log->size - c->at);
	len = end ? (size_t)(end - line) : log->size - c->at;
	c->at += len + 1;
	ms_line_parse(line, len, l);

	switch (l->kind) {
	case MS_LINE_REST:
		l->kind = c->broken ? MS_LINE_RESUMED : MS_LINE_OTHER;
		l->pid = c->tid;
		c->broken = false;
		break;
	case MS_LINE_UNFINISHED:
		c->broken = l->other;
		break;
	case MS_LINE_OTHER:
	case MS_LINE_ATTACHED:
		break;
	default:
		c->broken = false;
	}
	return true;
}

static bool makes_children(const struct ms_line *l)
{
	return ms_line_is(l, "fork") || ms_line_is(l, "vfork") ||
	       ms_line_is(l, "clone") || ms_line_is(l, "clone3");
}

static pid_t child_of(const struct ms_line *l)
{
	return makes_children(l) && l->result && !l->failed ? (pid_t)l->value : 0;
}

/* Calls that have begun and not ended, by thread. */
struct pending {
	pid_t tid;
	size_t outcome;
};

struct pendings {
	struct pending *list;
	size_t nr;
	size_t room;
};

static void pending_add(struct pendings *p, pid_t tid, size_t outcome)
{
	if (p->nr == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->list = reallocarray(p->list, p->room, sizeof(*p->list));
		if (!p->list)
			abort();
	}
	p->list[p->nr++] = (struct pending) { tid, outcome };
}

static bool pending_take(struct pendings *p, pid_t tid, size_t *outcome)
{
	for (size_t i = p->nr; i--;) {
		if (p->list[i].tid == tid) {
			*outcome = p->list[i].outcome;
			p->list[i] = p->list[--p->nr];
			return true;
		}
	}
	return false;
}

/* A leader made room: the call of the thread that execs ends under its id. */
static void pending_move(struct pendings *p, pid_t from, pid_t to)
{
	size_t outcome;

	while (pending_take(p, to, &outcome))
		;
	if (pending_take(p, from, &outcome))
		pending_add(p, to, outcome);
}

/*
 * Whose lines are those without an id? strace leaves it out while there is one
 * process: the first one, whose id comes up as soon as there are two.
 */
static pid_t find_main_pid(const struct log *log)
{
	struct pendings children = {};
	struct ms_line l;
	struct cursor c = {};
	size_t ignored;
	pid_t found = 0;
	bool unnamed = false;

	while (!found && log_next(log, &c, &l)) {
		if (l.kind == MS_LINE_ATTACHED || l.other)
			pending_add(&children, l.other, 0);
		if (child_of(&l))
			pending_add(&children, child_of(&l), 0);
		if (l.kind == MS_LINE_OTHER || l.kind == MS_LINE_ATTACHED)
			continue;
		if (!l.pid)
			unnamed = true;
		else if (!unnamed || !pending_take(&children, l.pid, &ignored))
			found = l.pid;
		else
			pending_add(&children, l.pid, 0);
	}
	free(children.list);
	return found;
}

/* The first time through: how do the calls end that come in two parts? */
static void log_resolve(struct log *log)
{
	struct pendings pending = {};
	struct ms_line l;
	struct cursor c = {};
	size_t outcome, room = 0;

	log->main_pid = find_main_pid(log);
	while (log_next(log, &c, &l)) {
		if (!l.pid)
			l.pid = log->main_pid;
		if (l.kind == MS_LINE_UNFINISHED)
			c.tid = l.pid;
		log->known += l.kind != MS_LINE_OTHER;
		log->lines++;
		ms_log_clock_line(&log->clock, &l);
		switch (l.kind) {
		case MS_LINE_UNFINISHED:
			if (log->nr_outcomes == room) {
				room = room ? 2 * room : 1024;
				log->outcomes = reallocarray(log->outcomes, room,
							     sizeof(*log->outcomes));
				if (!log->outcomes)
					abort();
			}
			pending_add(&pending, l.pid, log->nr_outcomes);
			log->outcomes[log->nr_outcomes++] =
				(struct ms_call) { .line = l };
			break;
		case MS_LINE_RESUMED:
			if (pending_take(&pending, l.pid, &outcome)) {
				struct ms_call *c = &log->outcomes[outcome];

				c->line.result = l.result;
				c->line.failed = l.failed;
				c->line.value = l.value;
				c->child = child_of(&c->line);
			}
			break;
		case MS_LINE_SUPERSEDED:
			pending_move(&pending, l.other, l.pid);
			break;
		case MS_LINE_EXIT:
			log->exits = true;
			break;
		default:
			break;
		}
	}
	free(pending.list);
}

/* ---- what is printed ------------------------------------------------------------- */

/**
 * struct output - where the figures go
 * @json:	list of marks, NULL for a table
 * @line:	of the log
 */
struct output {
	struct json_object *json;
	uint64_t line;
};

static const struct memstate_totals no_totals;

static void add_totals(struct memstate_totals *sum, const struct memstate_totals *t)
{
	const __u64 *from = (const __u64 *)t;
	__u64 *to = (__u64 *)sum;

	for (size_t i = 0; i < sizeof(*t) / sizeof(__u64); i++)
		to[i] += from[i];
}

static struct json_object *json_figures(const struct output *out,
					const struct ms_process *p,
					const struct memstate_totals *t)
{
	struct json_object *o = json_object_new_object();

	ms_json_add(o, "line", out->line);
	json_object_object_add(o, "pid", p ? ms_json_u64((uint64_t)p->pid) : NULL);
	ms_json_totals(o, t);
	/* What only a kernel can know of. */
	json_object_object_del(o, "rejected");
	json_object_object_del(o, "unmaps");
	json_object_object_del(o, "resyncs");
	return o;
}

static void print_row(const char *who, const struct memstate_totals *t,
		      const char *note)
{
	printf("  %-10s %11s %11s %11s %11s %11s %11s %12llu%s\n", who,
	       ms_size(memstate_totals_state(t, MEMSTATE_RESERVED)),
	       ms_size(memstate_totals_state(t, MEMSTATE_PREPARED)),
	       ms_size(memstate_totals_state(t, MEMSTATE_READY)),
	       ms_size(t->reserved_lazy + t->prepared_lazy),
	       ms_size(memstate_totals_charged(t)), ms_size(t->peak_ready),
	       (unsigned long long)t->transitions, note);
}

static void print_classes(const struct memstate_totals *t)
{
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
		uint64_t r = t->bytes[MEMSTATE_RESERVED - 1][c];
		uint64_t p = t->bytes[MEMSTATE_PREPARED - 1][c];
		uint64_t y = t->bytes[MEMSTATE_READY - 1][c];

		if (r | p | y)
			printf("    %-8s %11s %11s %11s\n", memstate_class_name(c),
			       ms_size(r), ms_size(p), ms_size(y));
	}
}

/* All processes so far; the ended ones hold nothing and have had a peak. */
static void output_mark(const struct output *out, const struct ms_replay *r)
{
	struct json_object *mark = NULL, *list = NULL;
	struct memstate_totals sum = {};
	char line[MEMSTATE_LINE_MAX];

	if (out->json) {
		mark = json_object_new_object();
		list = json_object_new_array();
		ms_json_add(mark, "line", out->line);
		json_object_object_add(mark, "processes", list);
	} else {
		printf("after line %" PRIu64 "\n", out->line);
		printf("  %-10s %11s %11s %11s %11s %11s %11s %12s\n", "PID",
		       "RESERVED", "PREPARED", "READY", "LAZY", "CHARGED",
		       "PEAK READY", "TRANSITIONS");
	}
	for (u32 i = 0; i < ms_replay_count(r); i++) {
		const struct ms_process *p = ms_replay_process(r, i);
		pid_t with = ms_replay_shares(r, p);
		struct memstate_totals t = no_totals;
		char who[16], note[40] = "";

		if (p->books && !with)
			t = p->books->totals;
		t.peak_ready = with ? 0 : p->peak_ready;
		t.transitions = with ? 0 : p->transitions;
		t.tasks = p->books && !with;
		add_totals(&sum, &t);
		if (mark) {
			struct json_object *o = json_figures(out, p, &t);

			json_object_object_add(o, "ended",
					       json_object_new_boolean(!p->books));
			if (with)
				ms_json_add(o, "shares_with", (uint64_t)with);
			json_object_array_add(list, o);
			continue;
		}
		if (!p->books)
			snprintf(note, sizeof(note), "  ended");
		else if (with)
			snprintf(note, sizeof(note), "  shares with %d", with);
		snprintf(who, sizeof(who), "%d", p->pid);
		print_row(who, &t, note);
		print_classes(&t);
	}
	if (mark) {
		json_object_object_add(mark, "all", json_figures(out, NULL, &sum));
		json_object_array_add(out->json, mark);
		return;
	}
	print_row("all", &sum, "  (peaks added up)");
	printf("  %s\n", memstate_format_line(line, sizeof(line), &sum));
}

/* ---- the second time through ------------------------------------------------------- */

struct marks {
	uint64_t *lines;
	size_t nr;
};

static int compare_lines(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int replay_line(struct ms_replay *r, struct log *log,
		       struct pendings *pending, size_t *next_outcome,
		       const struct ms_line *l, pid_t tid)
{
	struct ms_call call = { .line = *l };
	size_t outcome;

	switch (l->kind) {
	case MS_LINE_CALL:
		call.child = child_of(l);
		return ms_replay_call(r, tid, &call);
	case MS_LINE_UNFINISHED:
		outcome = (*next_outcome)++;
		pending_add(pending, tid, outcome);
		return ms_replay_begin(r, tid, &log->outcomes[outcome]);
	case MS_LINE_RESUMED:
		if (!pending_take(pending, tid, &outcome))
			return 0;
		return ms_replay_end(r, tid, &log->outcomes[outcome]);
	case MS_LINE_SUPERSEDED:
		pending_move(pending, l->other, tid);
		ms_replay_superseded(r, tid, l->other);
		return 0;
	case MS_LINE_EXIT:
		ms_replay_exit(r, tid);
		return 0;
	default:
		return 0;
	}
}

static int replay(struct log *log, const struct marks *marks,
		  struct json_object *json, struct ms_replay_record *rec)
{
	struct ms_replay *r = ms_replay_new(log->exits);
	struct output out = { .json = json };
	struct pendings pending = {};
	size_t next_outcome = 0, mark = 0;
	uint64_t bad = 0, bad_line = 0, strange = 0;
	struct cursor c = {};
	struct ms_line l;
	int ret = 0;

	while (log_next(log, &c, &l)) {
		pid_t tid = l.pid ? l.pid : ms_replay_only(r);

		if (!tid)
			tid = log->main_pid;
		if (l.kind == MS_LINE_UNFINISHED)
			c.tid = tid;
		strange += l.kind == MS_LINE_OTHER;
		out.line++;
		ret = replay_line(r, log, &pending, &next_outcome, &l, tid);
		if (ret == -EINVAL) {
			if (!bad++)
				bad_line = out.line;
		} else if (ret) {
			break;
		}
		ret = 0;
		if (rec)
			ms_replay_record_line(rec, r, &l);
		for (; mark < marks->nr && marks->lines[mark] == out.line; mark++)
			output_mark(&out, r);
	}
	if (ret)
		ms_err("line %" PRIu64 ": %s", out.line, strerror(-ret));
	else if (mark < marks->nr)
		ms_err("--mark %" PRIu64 ": the log has %" PRIu64 " lines",
		       marks->lines[mark], out.line);
	else
		output_mark(&out, r);
	if (bad)
		ms_err("%" PRIu64 " calls could not be read, the first in line %" PRIu64,
		       bad, bad_line);
	if (strange)
		ms_err("%" PRIu64 " lines are not strace's, or not complete: ignored",
		       strange);
	if (!ret && mark < marks->nr)
		ret = -ERANGE;
	if (rec && ms_replay_record_end(rec, r) && !ret)
		ret = -EIO;
	free(pending.list);
	ms_replay_free(r);
	return ret ? 1 : 0;
}

static bool add_mark(struct marks *m, const char *text)
{
	char *end;
	uint64_t line;

	errno = 0;
	line = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !line)
		return false;
	m->lines = reallocarray(m->lines, m->nr + 1, sizeof(*m->lines));
	if (!m->lines)
		abort();
	m->lines[m->nr++] = line;
	return true;
}

int memstate_cmd_replay(int argc, char **argv)
{
	struct json_object *doc = NULL, *list = NULL;
	struct ms_replay_record *rec = NULL;
	const char *record = NULL;
	struct marks marks = {};
	struct log log = {};
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":m:jh", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (!add_mark(&marks, optarg))
				return ms_usage_error("replay",
						      "--mark: '%s' is not a line number",
						      optarg);
			break;
		case 'r':
			record = optarg;
			break;
		case 'j':
			if (!list)
				list = json_object_new_array();
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("replay", c, argv);
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("replay", "one file is needed");
	if (marks.nr)
		qsort(marks.lines, marks.nr, sizeof(*marks.lines), compare_lines);

	status = log_read(&log, argv[optind]) ? 1 : 0;
	if (!status) {
		log_resolve(&log);
		if (log.size && !log.known) {
			ms_err("%s: line 1: this is no output of strace",
			       argv[optind]);
			status = 1;
		}
	}
	if (!status && record) {
		rec = ms_replay_record_create(record, argv[optind], &log.clock, log.lines);
		status = !rec;
	}
	if (!status)
		status = replay(&log, &marks, list, rec);
	if (!status && list) {
		doc = json_object_new_object();
		json_object_object_add(doc, "marks", list);
		status = ms_json_print(doc);
	} else if (list) {
		json_object_put(list);
	}
	free(log.outcomes);
	free(log.text);
	free(marks.lines);
	return status;
}
