// SPDX-License-Identifier: MIT
/*
 * Reads smaps, maps and smaps_rollup, from /proc or as people post them: quoted, indented, with
 * what a log puts in front, with CRLF, with parts left out, or cut off. What is no line of
 * theirs is passed over.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "scan.h"

/* Bytes of a name that tell what it is. */
#define NAME_ROOM	16

/**
 * struct entry - a mapping, as far as it has been read
 * @counts:	private and anonymous
 * @named:	its line has a name
 * @access:	not PROT_NONE
 * @rollup:	none, but the sum of all
 * @size:	bytes
 * @rss:	bytes; likewise the following
 * @lazy_free:	likewise
 * @swap:	likewise
 * @anonymous:	likewise
 * @has_rss:	it was there
 * @has_swap:	likewise
 */
struct entry {
	bool counts;
	bool named;
	bool access;
	bool rollup;
	uint64_t size;
	uint64_t rss;
	uint64_t lazy_free;
	uint64_t swap;
	uint64_t anonymous;
	bool has_rss;
	bool has_swap;
};

/**
 * struct reading - a file, as far as it has been read
 * @scan:	what comes of it
 * @entry:	the mapping of the last head
 * @begun:	there was one
 * @end:	its last address
 * @waiting:	size of mappings without Rss, that count if no mapping has one
 * @waiting_reserved: likewise without access
 * @nr_waiting:	how many
 * @has_swap:	mappings have a line for it, so that one without is cut off
 */
struct reading {
	struct ms_scan *scan;
	struct entry entry;
	bool begun;
	uint64_t end;
	uint64_t waiting;
	uint64_t waiting_reserved;
	uint64_t nr_waiting;
	bool has_swap;
};

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static bool begins_word(const char *line, const char *at)
{
	return at == line || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
}

/* Hexadecimal digits, and what stands behind them. */
static const char *address(const char *p, uint64_t *value)
{
	int digits = 0;

	for (*value = 0; isxdigit((unsigned char)*p) && digits < 17; p++, digits++)
		*value = *value << 4 | (uint64_t)(isdigit((unsigned char)*p) ? *p - '0' :
						  (*p | 0x20) - 'a' + 10);
	/* Leading zeros are to eight digits. */
	return digits >= 4 && digits < 17 ? p : NULL;
}

/* Of those with a name of the kernel's these count; without one, all do. */
static bool name_counts(const char *name)
{
	return !*name || !strcmp(name, "[heap]") || !strncmp(name, "[anon", 5) ||
	       !strncmp(name, "[stack", 6);
}

/* start-end rwxp offset dev inode [name] at @p */
static bool head_at(const char *p, uint64_t *start, uint64_t *end, struct entry *m)
{
	char prot[5], name[NAME_ROOM] = "";
	unsigned long long inode;

	p = address(p, start);
	if (!p || *p != '-')
		return false;
	p = address(p + 1, end);
	if (!p || *end <= *start ||
	    sscanf(p, " %4[-rwxps] %*x %*x:%*x %llu %15s", prot, &inode, name) < 2 ||
	    strlen(prot) != 4 || strspn(prot, "r-") < 1 || !strchr("ps", prot[3]))
		return false;
	*m = (struct entry) {
		.counts = prot[3] == 'p' && !inode && name_counts(name),
		.named = *name,
		.access = prot[0] == 'r' || prot[1] == 'w' || prot[2] == 'x',
		.rollup = !strncmp(name, "[rollup]", 8),
		.size = *end - *start,
	};
	return true;
}

/* Wherever it is: something may stand before it. */
static bool head(const char *line, uint64_t *start, uint64_t *end, struct entry *m)
{
	for (const char *dash = strchr(line, '-'); dash; dash = strchr(dash + 1, '-')) {
		const char *p = dash;

		while (p > line && isxdigit((unsigned char)p[-1]))
			p--;
		if (p < dash && begins_word(line, p) && head_at(p, start, end, m))
			return true;
	}
	return false;
}

/* "Name:   123 kB", wherever it is. Without its unit the number may be cut off. */
static bool figure(const char *line, const char *name, uint64_t *bytes)
{
	unsigned long long kb;
	char unit[3];

	for (const char *p = strstr(line, name); p; p = strstr(p + 1, name)) {
		const char *colon = p + strlen(name);

		if (!begins_word(line, p) || *colon != ':' ||
		    sscanf(colon + 1, " %19llu %2s", &kb, unit) != 2 || strcasecmp(unit, "kB"))
			continue;
		*bytes = kb > UINT64_MAX / 1024 ? UINT64_MAX : kb * 1024;
		return true;
	}
	return false;
}

/* Where lines were wrapped, a name stands alone in the one behind its mapping's. */
static void entry_name(const char *line, struct entry *m)
{
	char name[NAME_ROOM];

	line += strspn(line, "> \t|");
	if (*line == '[' && sscanf(line, "%15s", name) == 1)
		m->counts = m->counts && name_counts(name);
}

static void entry_line(const char *line, struct entry *m)
{
	if (!m->named && !m->has_rss)
		entry_name(line, m);
	if (figure(line, "Rss", &m->rss))
		m->has_rss = true;
	else if (figure(line, "Swap", &m->swap))
		m->has_swap = true;
	else if (!figure(line, "LazyFree", &m->lazy_free))
		figure(line, "Anonymous", &m->anonymous);
}

/* @last: there is none behind it, so that it may have been cut off. */
static void entry_end(struct reading *r, bool last)
{
	const struct entry *m = &r->entry;
	struct ms_scan *s = r->scan;
	uint64_t ready;

	if (!r->begun)
		return;
	if (m->rollup) {
		s->kind = SCAN_ROLLUP;
		s->ready = sum(s->ready, less(sum(m->anonymous, m->swap), m->lazy_free));
		s->lazy_free = sum(s->lazy_free, m->lazy_free);
		s->left_out += !m->has_rss;
		return;
	}
	r->has_swap |= m->has_swap;
	if (s->kind == SCAN_NOTHING)
		s->kind = SCAN_MAPS;
	if (m->has_rss)
		s->kind = SCAN_SMAPS;
	if (!m->counts)
		return;
	if (!m->has_rss || (last && r->has_swap && !m->has_swap)) {
		r->nr_waiting++;
		r->waiting = sum(r->waiting, m->access ? m->size : 0);
		r->waiting_reserved = sum(r->waiting_reserved, m->access ? 0 : m->size);
		return;
	}
	s->mappings++;
	ready = less(sum(m->rss, m->swap), m->lazy_free);
	if (!m->access) {
		s->reserved = sum(s->reserved, m->size);
		return;
	}
	s->accessible = sum(s->accessible, m->size > ready ? m->size : ready);
	s->ready = sum(s->ready, ready);
	s->lazy_free = sum(s->lazy_free, m->lazy_free);
}

static void keep_first(struct ms_scan *s, const char *line)
{
	size_t n;

	line += strspn(line, " \t\r\n");
	n = strcspn(line, "\r\n");
	if (!*s->first && n) {
		n = n < sizeof(s->first) ? n : sizeof(s->first) - 1;
		memcpy(s->first, line, n);
		s->first[n] = '\0';
	}
}

/**
 * ms_scan_read() - read what /proc has of a process, or what somebody has posted of it
 * @next:	gives its lines
 * @from:	for @next
 * @scan:	what comes of it
 *
 * Return: 0, also where there is nothing in it; what @next says when it cannot be read.
 */
int ms_scan_read(ms_scan_next *next, void *from, struct ms_scan *scan)
{
	struct reading r = { .scan = scan };
	uint64_t start, end;
	struct entry entry;
	char *line;
	int ret;

	memset(scan, 0, sizeof(*scan));
	while ((ret = next(from, &line)) > 0) {
		keep_first(scan, line);
		if (!head(line, &start, &end, &entry)) {
			if (r.begun)
				entry_line(line, &r.entry);
			continue;
		}
		entry_end(&r, false);
		if (r.begun && start < r.end)
			scan->others++;
		r.entry = entry;
		r.begun = true;
		r.end = end;
	}
	entry_end(&r, true);
	if (scan->kind == SCAN_MAPS) {
		scan->reserved = r.waiting_reserved;
		scan->accessible = r.waiting;
		scan->mappings = r.nr_waiting;
	} else if (scan->kind == SCAN_SMAPS) {
		scan->left_out = r.nr_waiting;
	}
	return ret;
}
