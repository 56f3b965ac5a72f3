// SPDX-License-Identifier: MIT
/*
 * A line of strace, taken apart.
 *
 * Model
 *
 *   A line is a call, a part of one, or a word about a thread or a signal. What has
 *   begun and does not end in the line is *open*; whoever has the next lines
 *   (log.c) appends them and asks again.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "parse.h"

/* Is there a string that has begun before @at and not ended? */
static bool in_string(const char *p, const char *at)
{
	bool in = false;

	for (; p < at; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			in = !in;
	}
	return in;
}

/* = 22<f(1) = 2>: what is found is in a name, and the result is in front of it. */
static const char *out_of_name(const char *p, const char *found)
{
	const char *name = found, *digits, *close;

	while (name > p && *name != '<' && *name != '>')
		name--;
	if (*name != '<')
		return found;
	for (digits = name; digits > p && isdigit((unsigned char)digits[-1]); digits--)
		;
	if (digits == name || digits - p < 4 || digits[-1] != ' ' || digits[-2] != '=')
		return found;
	for (close = digits - 3; close > p && *close == ' '; close--)
		;
	return *close == ')' && !in_string(p, close) ? digits - 2 : found;
}

/* The last " = " behind a closing parenthesis parts the call from its result. */
static const char *find_result(const char *p, const char *end)
{
	const char *e, *q;

	for (e = end - 2; e > p; e--) {
		if (e[0] != '=' || e[1] != ' ' || (e[-1] != ' ' && e[-1] != ')'))
			continue;
		for (q = e - 1; q > p && *q == ' '; q--)
			;
		if (*q == ')' && !in_string(p, q))
			return out_of_name(p, e);
	}
	return NULL;
}

/* Behind -1: ENOMEM (Cannot allocate memory), or errno=12 of qemu. */
static int error_of(const struct ms_text *r)
{
	static const struct {
		const char *name;
		int error;
	} errors[] = {
		{ "ENOMEM", ENOMEM }, { "errno=12", ENOMEM },
		{ "EACCES", EACCES }, { "errno=13", EACCES },
		{ "EINVAL", EINVAL }, { "errno=22", EINVAL },
	};
	struct ms_text t = *r;

	ms_text_skip_space(&t);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (ms_text_skip(&t, errors[i].name))
			return t.p == t.end || !isalnum((unsigned char)*t.p) ? errors[i].error : 0;
	return 0;
}

/* What stands behind "= ". */
static void parse_result(struct ms_text *r, struct ms_line *line)
{
	bool negative;

	if (ms_text_starts(r, "?"))
		return;
	negative = ms_text_skip(r, "-");
	line->result = ms_text_number(r, &line->value) || negative;
	/* Nothing fails with more; old strace writes high 32-bit addresses so. */
	line->failed = negative && line->value < 4096;
	line->error = line->failed ? error_of(r) : 0;
	if (negative && !line->failed)
		line->value = -line->value & 0xffffffff;
	if (line->value >= 0xffffffff80000000)
		line->value &= 0xffffffff;
	/* strace has put that there, and no call was made. */
	if (ms_text_has(r, "(INJECTED") || ms_text_has(r, ", INJECTED")) {
		line->failed = true;
		line->error = 0;
	}
	/* = 8 </sh>, with the name of the command */
	if (ms_text_starts(r, "<")) {
		const char *close = memchr(r->p, '>', (size_t)(r->end - r->p));

		r->p = close ? close + 1 : r->p;
	}
	ms_text_skip_space(r);
	if (ms_text_skip(r, "/* ")) {
		uint64_t outer;

		if (ms_text_number(r, &outer) && ms_text_starts(r, " in strace's PID NS"))
			line->outer = (pid_t)outer;
	}
}

/* Set args and result from name( on, or from what follows "resumed>". */
static bool parse_call(struct ms_text *t, struct ms_line *line)
{
	const char *eq, *close;
	struct ms_text r;

	eq = find_result(t->p, t->end);
	if (!eq)
		return false;
	for (close = eq - 1; *close != ')'; close--)
		;
	line->args = t->p;
	line->args_len = (size_t)(close - t->p);
	r = (struct ms_text) { eq + 2, t->end };
	ms_text_skip_space(&r);
	/* Wrapped within it. */
	if (r.p == r.end || (r.p + 1 == r.end && *r.p == '-') ||
	    (r.p + 2 == r.end && ms_text_starts(&r, "0x")))
		return false;
	parse_result(&r, line);
	return true;
}

/* All calls are in lower case; other names are values that were wrapped. */
static bool parse_name(struct ms_text *t, struct ms_line *line)
{
	line->name = t->p;
	while (t->p < t->end && (islower((unsigned char)*t->p) || *t->p == '_' ||
				 isdigit((unsigned char)*t->p) || *t->p == '?'))
		t->p++;
	line->name_len = (size_t)(t->p - line->name);
	return line->name_len;
}

static bool value_name(const struct ms_line *line)
{
	return ms_line_is(line, "htons") || ms_line_is(line, "htonl") ||
	       ms_line_is(line, "inet_addr") || ms_line_is(line, "inet_pton") ||
	       ms_line_is(line, "makedev") || ms_line_is(line, "if_nametoindex");
}

/* Where it is outside of strings; somebody's remark may follow. NULL: nowhere. */
static const char *find_end(const struct ms_text *t, const char *what)
{
	const char *p = t->p, *at;

	while ((at = memmem(p, (size_t)(t->end - p), what, strlen(what))) && in_string(t->p, at))
		p = at + 1;
	return at;
}

static enum ms_line_kind parse_event(struct ms_text *t, struct ms_line *line)
{
	uint64_t value;

	line->more = !ms_text_has(t, " +++");

	if (ms_text_skip(t, "superseded by execve in pid ")) {
		if (!ms_text_number(t, &value))
			return MS_LINE_OPEN;
		line->other = (pid_t)value;
		return MS_LINE_SUPERSEDED;
	}
	line->exited = ms_text_starts(t, "exited");
	if (line->exited || ms_text_starts(t, "killed"))
		return MS_LINE_EXIT;
	return line->more ? MS_LINE_OPEN : MS_LINE_OTHER;
}

/* The number behind a key, wherever it stands. */
static bool keyed(const struct ms_text *t, const char *key, uint64_t *value)
{
	struct ms_text rest = *t;

	rest.p = memmem(t->p, (size_t)(t->end - t->p), key, strlen(key));
	if (!rest.p)
		return false;
	rest.p += strlen(key);
	return ms_text_number(&rest, value);
}

/* --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=501, ...} --- */
static enum ms_line_kind parse_signal(struct ms_text *t, struct ms_line *line)
{
	static const char *const ends[] = { "si_code=CLD_EXITED", "si_code=CLD_KILLED",
					    "si_code=CLD_DUMPED" };
	uint64_t value;
	bool ended;

	if (!ms_text_starts(t, "SIGCHLD") && !ms_text_has(t, "si_signo=SIGCHLD"))
		return MS_LINE_NOTE;
	ended = keyed(t, "si_code=", &value) && value >= 1 && value <= 3;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		ended |= ms_text_has(t, ends[i]);
	if (!ended || !keyed(t, "si_pid=", &value))
		return MS_LINE_NOTE;
	line->other = (pid_t)value;
	return MS_LINE_CHILD;
}

/*
 * strace's own words: "strace: Process 12 attached", and before 4.11 without its name.
 * @t is behind what was understood.
 */
static enum ms_line_kind parse_message(struct ms_text *t, struct ms_line *line)
{
	struct ms_text try = *t;
	bool named = ms_text_skip(&try, "strace: ");
	uint64_t value;

	if (!ms_text_skip(&try, "Process ") || !ms_text_number(&try, &value) ||
	    !ms_text_skip(&try, " ")) {
		if (!named && !ms_text_starts(t, "[ Process PID="))
			return MS_LINE_OTHER;
		t->p = t->end;
		return MS_LINE_NOTE;
	}
	line->other = (pid_t)value;
	if (ms_text_skip(&try, "attached")) {
		if (ms_text_skip(&try, " with ") && ms_text_number(&try, &value))
			line->threads = (uint32_t)value;
		t->p = try.end;
		return MS_LINE_ATTACHED;
	}
	t->p = try.end;
	if (ms_text_starts(&try, "detached"))
		return MS_LINE_DETACHED;
	line->other = 0;
	return ms_text_starts(&try, "suspended") || ms_text_starts(&try, "resumed") ?
		       MS_LINE_NOTE : MS_LINE_OTHER;
}

/* "strace: Process 12", and its verb in the next line. */
static bool is_cut(const struct ms_text *message)
{
	struct ms_text t = *message;
	uint64_t value;

	ms_text_skip(&t, "strace: ");
	if (!ms_text_skip(&t, "Process "))
		return false;
	ms_text_number(&t, &value);
	ms_text_skip_space(&t);
	return t.p == t.end;
}

/* On a terminal a message comes in between, and the call goes on in the next line. */
static enum ms_line_kind parse_open(struct ms_text *t, const char *begin,
				    struct ms_line *line)
{
	static const char *const messages[] = { "strace: Process ", "Process ", "^Cstrace: " };
	const char *at = NULL;

	line->args = t->p;
	line->args_len = (size_t)(t->end - t->p);
	for (size_t i = 0; !at && i < sizeof(messages) / sizeof(messages[0]); i++) {
		enum ms_line_kind kind;
		struct ms_text rest;

		at = memmem(t->p, (size_t)(t->end - t->p), messages[i],
			    strlen(messages[i]));
		if (!at)
			continue;
		rest = (struct ms_text) { at + (*at == '^' ? 2 : 0), t->end };
		kind = is_cut(&rest) ? MS_LINE_OTHER : parse_message(&rest, line);
		if (kind != MS_LINE_ATTACHED)
			line->other = 0;
		if (kind == MS_LINE_OTHER)
			at = NULL;
	}
	if (at) {
		line->args_len = (size_t)(at - t->p);
		line->keep = (size_t)(at - begin);
	}
	return MS_LINE_OPEN;
}

static enum ms_line_kind parse_kind(struct ms_text *t, const char *begin,
				    struct ms_line *line)
{
	static const char unfinished[] = "<unfinished ...>", let_go[] = "<detached ...>";
	struct ms_text all = *t;
	const char *end;

	/* Somebody's remark. */
	if (ms_text_starts(t, "#"))
		return MS_LINE_NOTE;
	while (t->end > t->p && (t->end[-1] == ' ' || t->end[-1] == '\t'))
		t->end--;
	/* Nothing but what stands in front, or the first sign of something. */
	if (t->p == t->end)
		return t->p > begin && (line->pid || line->time_kind) ? MS_LINE_OPEN :
									MS_LINE_OTHER;
	if ((ms_text_starts(t, "+++") || ms_text_starts(t, "---") ||
	     ms_text_starts(t, "<...")) && t->end - t->p <= 4)
		return MS_LINE_OPEN;
	if (ms_text_skip(t, "+++ "))
		return parse_event(t, line);
	if (ms_text_skip(t, "--- ")) {
		enum ms_line_kind kind = parse_signal(t, line);

		line->more = !ms_text_has(t, " ---");
		return line->more && kind != MS_LINE_CHILD ? MS_LINE_OPEN : kind;
	}
	/* The end of a call that is not ours any more, a stack frame, the time of a call. */
	if (ms_text_starts(t, unfinished) || ms_text_starts(t, let_go) ||
	    ms_text_starts(t, "> ") ||
	    (ms_text_starts(t, "<") && t->p + 1 < t->end && isdigit((unsigned char)t->p[1])))
		return MS_LINE_NOTE;
	if (ms_text_starts(t, "strace: ") || ms_text_starts(t, "Process ") ||
	    ms_text_starts(t, "[ Process PID="))
		return parse_message(t, line);
	if (ms_text_skip(t, "<... ")) {
		if (!parse_name(t, line) && t->p < t->end)
			return MS_LINE_OTHER;
		if (!ms_text_skip(t, " resumed>"))
			return MS_LINE_OPEN;
		ms_text_skip_space(t);
		return parse_call(t, line) ? MS_LINE_RESUMED : parse_open(t, begin, line);
	}
	if (!parse_name(t, line) || !ms_text_skip(t, "(") || value_name(line)) {
		line->name_len = 0;
		*t = all;
		return MS_LINE_OTHER;
	}
	end = find_end(t, let_go);
	line->detached = end;
	if (!end)
		end = find_end(t, unfinished);
	if (end) {
		line->args = t->p;
		line->args_len = (size_t)(end - t->p);
		return MS_LINE_UNFINISHED;
	}
	return parse_call(t, line) ? MS_LINE_CALL : parse_open(t, begin, line);
}

/* The table of -c and -C: two fractions in a row, or what stands around them. */
static bool is_summary(const struct ms_text *t)
{
	struct ms_text rest = *t;
	uint64_t value;

	ms_text_skip_space(&rest);
	if (ms_text_starts(&rest, "% time ") || ms_text_starts(&rest, "------ ---") ||
	    ms_text_starts(&rest, "System call usage summary for "))
		return true;
	for (int i = 0; i < 2; i++) {
		if (!ms_text_number(&rest, &value) || !ms_text_skip(&rest, ".") ||
		    !ms_text_number(&rest, &value) || !ms_text_skip(&rest, " "))
			return false;
		ms_text_skip_space(&rest);
	}
	return ms_text_number(&rest, &value) && !ms_text_has(&rest, "(");
}

/**
 * ms_line_parse() - take a line apart
 * @text:	the line, without what others put in front; no digit follows it
 * @len:	its length without the newline
 * @column:	what a plain number in front is
 * @line:	the result; points into @text
 */
void ms_line_parse(const char *text, size_t len, enum ms_column column,
		   struct ms_line *line)
{
	struct ms_text t = { text, text + len };

	memset(line, 0, sizeof(*line));
	/* " > /lib/x(f+0x1) [0x2]" is no prefix. */
	ms_text_skip_space(&t);
	if (is_summary(&t)) {
		line->kind = MS_LINE_NOTE;
		return;
	}
	if (!ms_text_starts(&t, "> "))
		ms_prefix_parse(&t, column, line);
	line->kind = parse_kind(&t, text, line);
}

bool ms_line_is(const struct ms_line *line, const char *name)
{
	return strlen(name) == line->name_len &&
	       !memcmp(name, line->name, line->name_len);
}

bool ms_line_makes_child(const struct ms_line *line)
{
	return ms_line_is(line, "fork") || ms_line_is(line, "vfork") ||
	       ms_line_is(line, "clone") || ms_line_is(line, "clone2") ||
	       ms_line_is(line, "clone3");
}

/* strace before 4.9 has the C library's name for it, on i386. */
bool ms_line_exits(const struct ms_line *line)
{
	return ms_line_is(line, "exit") || ms_line_is(line, "_exit");
}

bool ms_line_waits(const struct ms_line *line)
{
	return ms_line_is(line, "wait4") || ms_line_is(line, "waitpid") ||
	       ms_line_is(line, "waitid");
}

/* Of whole pages. */
bool ms_line_gives_address(const struct ms_line *line)
{
	return ms_line_is(line, "mmap") || ms_line_is(line, "mmap2") ||
	       ms_line_is(line, "mremap");
}

/**
 * ms_line_wants() - does the end of this call matter?
 * @l: its beginning, or its end
 *
 * Return: a number for its name; 0 if it does not. It has an outcome in the survey if it
 * comes in two parts.
 */
uint8_t ms_line_wants(const struct ms_line *l)
{
	static const char *const names[] = {
		"mmap", "mmap2", "old_mmap", "munmap", "mprotect", "pkey_mprotect", "madvise",
		"process_madvise", "brk", "mremap", "shmget", "shmat", "pidfd_open",
		"execve", "execveat", "wait4", "waitpid", "waitid",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ms_line_is(l, names[i]))
			return (uint8_t)(i + 1);
	return 0;
}
