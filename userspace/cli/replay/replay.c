// SPDX-License-Identifier: MIT
/*
 * memstate replay: the books of processes, from what strace saw them do.
 *
 * Model
 *
 *   The log is gone through twice: once to find out what only later lines tell
 *   (survey.c), and once to act. It is not held in memory.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "calls.h"
#include "pending.h"
#include "record.h"
#include "show.h"
#include "children.h"
#include "survey.h"

static const char help[] =
	"usage: memstate replay [OPTION]... FILE...\n\n"
	"Keep the books of the processes in a log of\n\n"
	"  strace -f [-ttt] -e trace=%memory,%process\n\n"
	"plain or compressed by gzip, xz, zstd or bzip2; - is standard input. Several files\n"
	"are those of strace -ff -ttt. A thread whose clone is not in the log counts as a\n"
	"process of its own. Processes that share an address space are counted once, with\n"
	"the one that has had it longest.\n\n"
	"  --mark LINE   also print the books as they are after this line of the log;\n"
	"                may be repeated\n"
	"  --process TID,...=PID  these threads were there before the log and belong to\n"
	"                process PID; may be repeated\n"
	"  --record FILE  also write a recording, for 'memstate plot'; its times are those of\n"
	"                the log, or the numbers of lines where it has none; compressed if\n"
	"                its name ends in .gz\n"
	"  --json        one JSON document\n"
	"  --help        this text\n";

static const struct option options[] = {
	{ "mark", required_argument, NULL, 'm' },
	{ "process", required_argument, NULL, 'p' },
	{ "record", required_argument, NULL, 'r' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

struct marks {
	uint64_t *lines;
	size_t nr;
};

static int compare_lines(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/**
 * struct run - the second time through
 * @r:		the processes
 * @s:		what the first time has told
 * @begun:	calls that have begun, by thread
 * @next_outcome: the next one of the survey's
 * @next_call:	the same
 * @next_early:	children that are born before the line of their clone, in order
 * @nr_early:	how many are left
 * @seq:	where we are
 * @why:	what could not be read last
 */
struct run {
	struct ms_replay *r;
	struct ms_survey *s;
	struct ms_pendings begun;
	size_t next_outcome;
	size_t next_call;
	struct ms_call **next_early;
	size_t nr_early;
	uint64_t seq;
	struct ms_complaint why;
};

static int by_early(const void *a, const void *b)
{
	const struct ms_call *x = *(struct ms_call *const *)a, *y = *(struct ms_call *const *)b;

	return (x->early > y->early) - (x->early < y->early);
}

/* Return: the list, to be freed. */
static struct ms_call **find_early(struct run *run)
{
	struct ms_survey *s = run->s;
	struct ms_call **list = calloc(s->nr_calls + 1, sizeof(struct ms_call *));

	if (!list)
		abort();
	for (size_t i = 0; i < s->nr_calls; i++)
		if (s->calls[i].early)
			list[run->nr_early++] = &s->calls[i];
	qsort(list, run->nr_early, sizeof(*list), by_early);
	run->next_early = list;
	return list;
}

/* A call that has begun, of which nobody will hear any more; or NULL. */
static struct ms_call *take_begun(struct run *run, pid_t tid)
{
	size_t call;

	return ms_pending_take(&run->begun, tid, &call) ? (struct ms_call *)call : NULL;
}

static void drop_begun(struct ms_call *call)
{
	if (call)
		free(call->text);
	free(call);
}

static int begin_fork(struct run *run, pid_t tid)
{
	/* There is none if somebody writes to the log. */
	if (run->next_call == run->s->nr_calls)
		return -ESTALE;
	return ms_call_whole(run->r, tid, &run->s->calls[run->next_call++], &run->why);
}

static int begin_call(struct run *run, pid_t tid, const struct ms_line *l)
{
	const struct ms_outcome *o;
	struct ms_call *call;

	drop_begun(take_begun(run, tid));
	if (ms_line_makes_child(l))
		return begin_fork(run, tid);
	if (!ms_line_wants(l))
		return 0;
	if (run->next_outcome == run->s->nr_outcomes)
		return -ESTALE;
	o = &run->s->outcomes[run->next_outcome++];
	call = malloc(sizeof(*call));
	if (!call)
		abort();
	ms_call_init(call, l);
	call->line.result = o->result;
	call->line.failed = o->failed;
	call->line.error = o->error;
	call->line.value = o->value;
	ms_pending_set(&run->begun, tid, (size_t)call);
	if (l->detached && (ms_line_is(l, "execve") || ms_line_is(l, "execveat"))) {
		ms_replay_let_go(run->r, tid);
		return 0;
	}
	return ms_call_begin(run->r, tid, call, &run->why);
}

static int end_call(struct run *run, pid_t tid, const struct ms_line *l)
{
	struct ms_call *call;
	int ret = 0;

	if (!ms_line_wants(l))
		return 0;
	call = take_begun(run, tid);
	if (call && ms_line_wants(l) == ms_line_wants(&call->line)) {
		ms_call_resume(call, l);
		ret = ms_call_end(run->r, tid, call, &run->why);
	}
	drop_begun(call);
	return ret;
}

static int run_line(struct run *run, const struct ms_line *l, pid_t tid)
{
	struct ms_call call = { .line = *l }, *begun;

	while (run->nr_early && (*run->next_early)->early <= run->seq) {
		ms_call_fork(run->r, (*run->next_early)->tid, *run->next_early);
		run->next_early++;
		run->nr_early--;
	}
	switch (l->kind) {
	case MS_LINE_CALL:
		if (ms_call_made_child(l))
			return begin_fork(run, tid);
		return ms_call_whole(run->r, tid, &call, &run->why);
	case MS_LINE_UNFINISHED:
		return begin_call(run, tid, l);
	case MS_LINE_RESUMED:
		return end_call(run, tid, l);
	case MS_LINE_SUPERSEDED:
		drop_begun(take_begun(run, tid));
		ms_pending_move(&run->begun, l->other, tid);
		ms_replay_superseded(run->r, tid, l->other);
		return 0;
	case MS_LINE_CHILD:
		ms_replay_child_ended(run->r, tid, l->other);
		return 0;
	case MS_LINE_DETACHED:
		/* -b execve: let go of within the call. */
		begun = take_begun(run, l->other);
		if (begun && ms_line_is(&begun->line, "execve"))
			ms_replay_let_go(run->r, l->other);
		drop_begun(begun);
		return 0;
	case MS_LINE_EXIT:
		ms_replay_exit(run->r, tid);
		return 0;
	default:
		return 0;
	}
}

/* What the figures do not say. */
static void print_notes(const struct ms_survey *s, const struct ms_log *log, uint64_t strange,
			uint64_t first, uint64_t earlier)
{
	static const char hint[] =
		"; if some of these processes are threads of one of them, say so: "
		"--process TID,...=PID";
	uint64_t within, first_within;
	/* The first is nobody's in any case. */
	uint32_t nr = s->orphans + (s->attached ? s->attached : 1);
	const char *whose = nr < 2 ? "" : hint;

	if (s->unseen)
		ms_err("the log does not seem to follow children (strace -f): %" PRIu32 " make no line, and what they held is not counted",
		       s->unseen);
	if (s->middle || s->nr_members)
		ms_err("the log begins in the middle of a process (strace -p): what it held before is not known%s",
		       whose);
	else if (earlier)
		ms_err("the log begins in the middle of a process: line %" PRIu64 " is about memory that it was not seen to map; what it held before is not known%s",
		       earlier, whose);
	if (s->guessed)
		ms_err("%" PRIu32 " children of clone3 whose flags the log does not have: threads, but for those that somebody waited for",
		       s->guessed);
	within = ms_log_within(log, &first_within);
	if (within)
		ms_err("%llu lines have something in front of strace's, the first is line %llu: read from there on",
		       (unsigned long long)within, (unsigned long long)first_within);
	if (strange)
		ms_err("%" PRIu64 " lines are not strace's, or not complete, the first is line %"
		       PRIu64 ": ignored", strange, first);
}

static int replay(struct ms_log *log, struct ms_survey *s, const struct marks *marks,
		  struct json_object *json, struct ms_replay_record *rec)
{
	struct run run = {
		.r = ms_replay_new(s->exits, s->members, s->nr_members), .s = s,
	};
	struct ms_call **early = find_early(&run);
	uint64_t bad = 0, bad_line = 0, strange = 0, strange_line = 0, last = 0, earlier = 0;
	struct ms_complaint bad_why = {};
	char open_name[24] = "";
	struct ms_line l;
	size_t mark = 0;
	int ret, more;

	for (ret = 0; (more = ms_log_next(log, &l)) == 1;) {
		uint64_t first = ms_log_first_line(log);
		pid_t born[2], tid;

		run.seq++;
		/* A part of a line has not happened yet. */
		for (; mark < marks->nr && marks->lines[mark] < ms_log_last_line(log); mark++)
			ms_replay_show(run.r, marks->lines[mark], json);
		/* Cut off at the end of the log, nobody knows if it came to pass. */
		if (*open_name) {
			ms_err("line %" PRIu64 ": expected the rest of %s(), met '%.60s': what it did is not known; is a line missing?",
			       last, open_name, ms_log_text(log));
			ret = -EBADMSG;
			break;
		}
		last = ms_log_last_line(log);
		tid = ms_who_line(&s->who, &l, born);
		if (l.kind == MS_LINE_OTHER || l.kind == MS_LINE_OPEN) {
			strange_line = strange ? strange_line : first;
			strange += last - first + 1;
		}
		if (l.kind == MS_LINE_OPEN && !ms_line_waits(&l) &&
		    (ms_line_wants(&l) || ms_line_makes_child(&l)))
			snprintf(open_name, sizeof(open_name), "%.*s", (int)l.name_len,
				 l.name);
		ret = run_line(&run, &l, tid);
		if (!earlier && ms_replay_has_earlier(run.r))
			earlier = first;
		if (ret == -EINVAL) {
			if (!bad++) {
				bad_line = first;
				bad_why = run.why;
			}
		} else if (ret) {
			ms_err("line %" PRIu64 ": %s", last, ret == -ESTALE ?
			       "the log has changed since it was begun" : ms_error_text(-ret));
			break;
		}
		ret = 0;
		if (rec)
			ms_replay_record_line(rec, run.r, &l);
		for (; mark < marks->nr && marks->lines[mark] == last; mark++)
			ms_replay_show(run.r, last, json);
		ms_log_progress(log, 1, 2);
	}
	if (more < 0)
		ret = -EIO;
	if (!ret && mark < marks->nr) {
		ms_err("--mark %" PRIu64 ": the log has %" PRIu64 " lines",
		       marks->lines[mark], last);
		ret = -ERANGE;
	} else if (!ret) {
		ms_replay_show(run.r, last, json);
	}
	if (bad && bad_why.expected)
		ms_err("%" PRIu64 " calls could not be read, the first in line %" PRIu64 ": expected %s, met '%s'",
		       bad, bad_line, bad_why.expected, bad_why.met);
	else if (bad)
		ms_err("%" PRIu64 " calls could not be read, the first in line %" PRIu64,
		       bad, bad_line);
	print_notes(s, log, strange, strange_line, earlier);
	if (rec && ms_replay_record_end(rec, run.r) && !ret)
		ret = -EIO;
	while (run.begun.nr)
		drop_begun(take_begun(&run, run.begun.list[0].tid));
	free(run.begun.list);
	free(early);
	ms_replay_free(run.r);
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

static bool one_id(const char **text, pid_t *id)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	value = strtoul(*text, &end, 10);
	*text = end;
	*id = (pid_t)value;
	return !errno && value && value <= INT32_MAX;
}

/* TID,TID=PID */
static bool add_process(struct ms_survey *s, const char *text)
{
	const char *equals = strchr(text, '='), *p = equals ? equals + 1 : "";
	pid_t leader, tid;

	if (!one_id(&p, &leader) || *p)
		return false;
	for (p = text; p < equals; p++) {
		if (!one_id(&p, &tid) || (*p != ',' && p != equals))
			return false;
		ms_survey_add_member(s, tid, leader);
	}
	return equals > text && equals[-1] != ',';
}

int memstate_cmd_replay(int argc, char **argv)
{
	struct json_object *doc = NULL, *list = NULL;
	struct ms_replay_record *rec = NULL;
	const char *record = NULL;
	struct ms_survey survey = {};
	struct ms_log *log = NULL;
	struct marks marks = {};
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
		case 'p':
			if (!add_process(&survey, optarg))
				return ms_usage_error("replay",
						      "--process: '%s' is not TID,TID=PID",
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
	if (optind >= argc)
		return ms_usage_error("replay", "one file is needed");
	if (marks.nr)
		qsort(marks.lines, marks.nr, sizeof(*marks.lines), compare_lines);

	log = ms_log_open(argv + optind, argc - optind);
	status = !log || ms_survey_make(&survey, log);
	if (!status && survey.lines && !survey.known) {
		ms_err("%s: line 1: this is no output of strace, as strace -f -o FILE -e trace=%%memory,%%process COMMAND writes it",
		       argv[optind]);
		status = 1;
	}
	if (!status && record) {
		rec = ms_replay_record_create(record, argv[optind], &survey.clock,
					      survey.lines);
		status = !rec;
	}
	if (!status)
		status = replay(log, &survey, &marks, list, rec);
	if (!status && list) {
		doc = json_object_new_object();
		json_object_object_add(doc, "marks", list);
		status = ms_json_print(doc);
	} else if (list) {
		json_object_put(list);
	}
	ms_survey_free(&survey);
	ms_log_close(log);
	free(marks.lines);
	return status;
}
