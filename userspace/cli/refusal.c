// SPDX-License-Identifier: MIT
/*
 * Reads the module's note of a refusal: from a group's file, a line of key=value to which keys may
 * be added; or by the call, of what a descriptor watches.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <memstate.h>

#include "files.h"
#include "refusal.h"

static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{ "nr", offsetof(struct ms_refusal, nr) },
	{ "pid", offsetof(struct ms_refusal, pid) },
	{ "inner_pid", offsetof(struct ms_refusal, inner_pid) },
	{ "bytes", offsetof(struct ms_refusal, bytes) },
	{ "group", offsetof(struct ms_refusal, group) },
	{ "backed", offsetof(struct ms_refusal, backed) },
	{ "charged", offsetof(struct ms_refusal, charged) },
	{ "max", offsetof(struct ms_refusal, max) },
	{ "commit_max", offsetof(struct ms_refusal, max) },
	{ "overcommit", offsetof(struct ms_refusal, overcommit) },
};

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A quoted name, as its bytes were. Return: what is behind it; NULL: it is none. */
static const char *unquote(const char *text, char *name, size_t size)
{
	size_t length = 0;

	for (text++; *text != '"'; text++) {
		char c = *text;

		if (!c)
			return NULL;
		if (c == '\\') {
			int high = text[1] == 'x' ? hex(text[2]) : -1;
			int low = high < 0 ? -1 : hex(text[3]);

			if (low < 0)
				return NULL;
			c = (char)(high * 16 + low);
			text += 3;
		}
		if (length + 1 < size)
			name[length++] = c;
	}
	name[length] = '\0';
	return text + 1;
}

/* Seconds and six digits. */
static uint64_t microseconds(const char *text)
{
	char *end;
	uint64_t us = strtoull(text, &end, 10) * 1000000, unit = 100000;

	if (*end != '.')
		return us;
	for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
		us += unit * (uint64_t)(*end - '0');
	return us;
}

static void take_number(struct ms_refusal *r, const char *key, size_t length, const char *value)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t *to = (uint64_t *)(void *)((char *)r + numbers[i].offset);

		if (strlen(numbers[i].key) != length || memcmp(numbers[i].key, key, length))
			continue;
		/* -1, of a limit that is none any more, is the largest number here, too. */
		*to = strtoull(value, NULL, 10);
	}
	if (length == 2 && !memcmp(key, "at", 2))
		r->at_us = microseconds(value);
	if (length == 5 && !memcmp(key, "first", 5))
		r->first_us = microseconds(value);
	if (length == 8 && !memcmp(key, "reported", 8))
		r->reported = *value == '1';
	if (length == 10 && !memcmp(key, "commit_max", 10))
		r->commit = true;
}

/**
 * ms_refusal_parse() - understand a note
 * @line:	as the module tells it, with the end of the line or without
 * @r:		out: what it says; nr is 0 where it says nothing
 *
 * Return: whether it says something.
 */
bool ms_refusal_parse(const char *line, struct ms_refusal *r)
{
	*r = (struct ms_refusal) { .overcommit = 100 };
	while (line && *line && *line != '\n') {
		size_t length = strcspn(line, "=\n ");
		const char *value = line + length + 1;

		if (line[length] != '=')
			break;
		if (*value != '"') {
			take_number(r, line, length, value);
			line = value + strcspn(value, "\n ");
		} else if (length == 4 && !memcmp(line, "comm", 4)) {
			line = unquote(value, r->comm, sizeof(r->comm));
		} else {
			line = unquote(value, (char[1]) {}, 1);
		}
		if (line)
			line += strspn(line, " ");
	}
	if (!line || (*line && *line != '\n') || !r->group)
		r->nr = 0;
	return r->nr;
}

/**
 * ms_refusal_read() - the last one of a group
 * @dir:	the module's directory of the group, open
 * @r:		out: it; nr is 0 where there was none, or it may not be read
 *
 * Return: whether there was one.
 */
bool ms_refusal_read(int dir, struct ms_refusal *r)
{
	char text[MS_REFUSAL_TEXT];

	if (ms_file_text(dir, "last_refusal", text, sizeof(text)) < 0)
		*text = '\0';
	return ms_refusal_parse(text, r);
}

static bool take(const struct memstate_last_refusal *last, struct ms_refusal *r)
{
	*r = (struct ms_refusal) {
		.nr = last->nr,
		.pid = (uint64_t)last->pid,
		.inner_pid = (uint64_t)last->inner_pid,
		.bytes = last->bytes,
		.group = last->group,
		.backed = last->backed,
		.charged = last->charged,
		.max = last->limit,
		.overcommit = last->overcommit,
		.commit = last->how & MEMSTATE_REFUSED_COMMIT,
		.reported = last->how & MEMSTATE_REFUSED_CHARGE,
		.first_us = last->first_ns / 1000,
		.at_us = last->last_ns / 1000,
	};
	memcpy(r->comm, last->comm, sizeof(r->comm) - 1);
	return r->nr;
}

/**
 * ms_refusal_of() - the last one of a cgroup, asked of the device
 * @cgroup:	its directory, open
 * @r:		out: as ms_refusal_read()
 *
 * Return: whether there was one.
 */
bool ms_refusal_of(int cgroup, struct ms_refusal *r)
{
	struct memstate_last_refusal last;

	*r = (struct ms_refusal) {};
	return !memstate_group_refusal(cgroup, &last) && take(&last, r);
}

/**
 * ms_refusal_watched() - the last one of what is watched: a group or a job
 * @fd:		from memstate_watch_open() or memstate_job()
 * @r:		out: as ms_refusal_read()
 *
 * Return: whether there was one.
 */
bool ms_refusal_watched(int fd, struct ms_refusal *r)
{
	struct memstate_last_refusal last;

	*r = (struct ms_refusal) {};
	return !memstate_watch_refusal(fd, &last) && take(&last, r);
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

/**
 * ms_refusal_left() - what was left of the limit
 * @r: the refusal
 *
 * Of what is backed it leaves what is below max; of what is granted, what is below the percent of
 * it that may be. The module notes both a moment after it has refused.
 *
 * Return: bytes.
 */
uint64_t ms_refusal_left(const struct ms_refusal *r)
{
	uint64_t part = r->max / 100, granted, backed = less(r->max, r->backed);

	/* Who reports is granted no more than max. */
	if (r->commit || r->reported)
		return less(r->max, r->charged);
	granted = part && r->overcommit > (UINT64_MAX - r->max) / part ?
			  UINT64_MAX : part * r->overcommit + r->max % 100 * r->overcommit / 100;
	granted = less(granted, r->charged);
	return granted < backed ? granted : backed;
}

static int64_t us_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/**
 * ms_refusal_time() - when one was, by the clock on the wall
 * @us: when, since boot
 *
 * Return: seconds since 1970.
 */
uint64_t ms_refusal_time(uint64_t us)
{
	int64_t at = us_of(CLOCK_REALTIME) - us_of(CLOCK_BOOTTIME) + (int64_t)us;

	return at > 0 ? (uint64_t)at / 1000000 : 0;
}
