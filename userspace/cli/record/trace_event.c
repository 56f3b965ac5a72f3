// SPDX-License-Identifier: MIT
/* A line of the trace: as the module prints it (kmod/trace.h), and as recordings have it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "record.h"
#include "rules.h"

static const char *const flag_names[] = { "lazy", "only", "keep_class" };

static bool field(const char *text, const char *key, const char **value)
{
	const char *p = strstr(text, key);

	*value = p ? p + strlen(key) : NULL;
	return p;
}

static bool number(const char *text, const char *key, uint64_t *value)
{
	const char *p;
	char *end;

	if (!field(text, key, &p))
		return false;
	errno = 0;
	*value = strtoull(p, &end, 0);
	return end != p && !errno && (!*end || *end == ' ' || *end == '\n');
}

/* A word of a list. */
static bool word(const char *text, const char *key, const char *const *names, unsigned int nr,
		 unsigned int *value)
{
	const char *p;
	size_t n;

	if (!field(text, key, &p))
		return false;
	n = strcspn(p, " |\n");
	for (*value = 0; *value < nr; ++*value)
		if (strlen(names[*value]) == n && !strncmp(p, names[*value], n))
			return true;
	return false;
}

/* lazy|only, or nothing */
static bool flags(const char *text, unsigned int *value)
{
	const char *p;

	*value = 0;
	if (!field(text, " flags=", &p))
		return false;
	while (*p && *p != ' ' && *p != '\n') {
		unsigned int bit;

		if (!word(p, "", flag_names, 3, &bit))
			return false;
		*value |= 1u << bit;
		p += strlen(flag_names[bit]);
		if (*p == '|')
			p++;
	}
	return true;
}

static bool parse_transition(const char *text, struct ms_trace_event *e)
{
	const char *error;

	if (!number(text, " addr=", &e->addr) || !number(text, " bytes=", &e->bytes) ||
	    !word(text, " from=", ms_record_ends, MS_RECORD_ENDS, &e->from) ||
	    !word(text, " to=", ms_record_ends, MS_RECORD_ENDS, &e->to) ||
	    !word(text, " class=", ms_class_names, MEMSTATE_NR_CLASSES, &e->class_) ||
	    !flags(text, &e->flags) || !field(text, " error=", &error))
		return false;
	e->error = atoi(error);
	return true;
}

/* The time stands before the event's name: "  1234.567890: memstate_open: ". */
static bool parse_time(const char *line, const char *name, double *t)
{
	const char *p = name;
	char *end;

	if (p - line < 3 || p[-1] != ' ' || p[-2] != ':')
		return false;
	for (p -= 2; p > line && p[-1] != ' '; p--)
		;
	*t = strtod(p, &end);
	return end != p && *end == ':';
}

/* One of our events, from its name on. */
static bool parse_event(const char *name, struct ms_trace_event *e)
{
	const char *text;
	uint64_t pid;

	if (!field(name, ": ", &text) || !number(text, "pid=", &pid) || pid > INT_MAX)
		return false;
	e->pid = (pid_t)pid;
	name += strlen("memstate_");
	e->kind = MS_TRACE_NOTHING;
	if (!strncmp(name, "transition: ", 12) && parse_transition(text, e))
		e->kind = MS_TRACE_TRANSITION;
	else if (!strncmp(name, "unmap: ", 7) && number(text, " addr=", &e->addr) &&
		 number(text, " bytes=", &e->bytes))
		e->kind = MS_TRACE_UNMAP;
	else if (!strncmp(name, "open: ", 6) && number(text, " group=", &e->value))
		e->kind = MS_TRACE_OPEN;
	else if (!strncmp(name, "close: ", 7))
		e->kind = MS_TRACE_CLOSE;
	return e->kind != MS_TRACE_NOTHING;
}

/**
 * ms_trace_parse() - take a line of the trace apart
 * @line:	the line, terminated, with or without newline
 * @e:		where to put it
 *
 * The name of a process stands in front and may hold anything, but it is too short for
 * a time and an event's name.
 *
 * Return: true if it is one of ours and whole.
 */
bool ms_trace_parse(const char *line, struct ms_trace_event *e)
{
	const char *name = strstr(line, "memstate_");

	*e = (struct ms_trace_event) { .kind = MS_TRACE_NOTHING };
	if (!strncmp(line, "CPU:", 4) && number(line, " [LOST ", &e->value)) {
		e->kind = MS_TRACE_LOST;
		return true;
	}
	for (; name; name = strstr(name + 1, "memstate_"))
		if (parse_time(line, name, &e->t) && parse_event(name, e))
			return true;
	return false;
}

static const char *flags_text(unsigned int value)
{
	static char text[32];

	*text = '\0';
	for (int i = 0; i < 3; i++)
		if (value & 1u << i)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? "|" : "", flag_names[i]);
	return text;
}

/**
 * ms_trace_write() - add the same to a recording
 * @f:	the recording
 * @e:	from ms_trace_parse()
 * @t:	seconds since the start
 *
 * Return: as ms_record_add().
 */
int ms_trace_write(struct ms_record_file *f, const struct ms_trace_event *e, double t)
{
	char error[24] = "";

	switch (e->kind) {
	case MS_TRACE_TRANSITION:
		if (e->error)
			snprintf(error, sizeof(error), ",\"error\":%d", e->error);
		return ms_record_printf(f, "{\"type\":\"transition\",\"t\":%.6f,\"pid\":%d,"
					"\"addr\":%llu,\"bytes\":%llu,\"from\":\"%s\",\"to\":\"%s\","
					"\"class\":\"%s\",\"flags\":\"%s\"%s}\n", t, e->pid,
					(unsigned long long)e->addr, (unsigned long long)e->bytes,
					ms_record_ends[e->from], ms_record_ends[e->to],
					ms_class_names[e->class_], flags_text(e->flags), error);
	case MS_TRACE_UNMAP:
		return ms_record_printf(f, "{\"type\":\"unmap\",\"t\":%.6f,\"pid\":%d,"
					"\"addr\":%llu,\"bytes\":%llu}\n", t, e->pid,
					(unsigned long long)e->addr, (unsigned long long)e->bytes);
	case MS_TRACE_OPEN:
		return ms_record_printf(f, "{\"type\":\"open\",\"t\":%.6f,\"pid\":%d,"
					"\"group\":%llu}\n", t, e->pid,
					(unsigned long long)e->value);
	case MS_TRACE_CLOSE:
		return ms_record_printf(f, "{\"type\":\"close\",\"t\":%.6f,\"pid\":%d}\n", t,
					e->pid);
	case MS_TRACE_LOST:
		return ms_record_printf(f, "{\"type\":\"lost\",\"t\":%.6f,\"events\":%llu}\n", t,
					(unsigned long long)e->value);
	default:
		return 0;
	}
}
