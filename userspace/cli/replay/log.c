// SPDX-License-Identifier: MIT
/*
 * The lines of a log.
 *
 * Model
 *
 *   Each file gives its lines whole (source.c). Lines of several files come in the order of their
 *   times, else of who made whom (order.c).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"
#include "join.h"
#include "log.h"
#include "order.h"

/**
 * struct ms_log - a log
 * @sources:	its files
 * @nr:		how many
 * @first:	line that the last one began with, all files counted together
 * @last:	line that it ended with
 * @used:	whose it was
 * @order:	of files without times
 * @untimed:	they have none
 * @within:	lines so far that were found behind something else
 * @first_within: the first of them
 */
struct ms_log {
	struct ms_log_source *sources;
	int nr;
	uint64_t first;
	uint64_t last;
	struct ms_log_source *used;
	struct ms_order order;
	bool untimed;
	uint64_t within;
	uint64_t first_within;
};

static bool has_time(const struct ms_log_source *s)
{
	return s->clock.nr && s->line.time_kind != MS_TIME_SINCE_LAST;
}

/*
 * Of several files: by their times, or by who made whom. The files have been begun with.
 * Return: 0; -1 after a message.
 */
static int look_at_order(struct ms_log *log)
{
	const struct ms_log_source *without = NULL;
	int timed = 0, ret;

	for (int i = 0; log->nr > 1 && i < log->nr; i++) {
		if (!log->sources[i].ready)
			continue;
		if (has_time(&log->sources[i]))
			timed++;
		else
			without = &log->sources[i];
	}
	if (!without)
		return 0;
	if (timed)
		goto refuse;
	ms_order_init(&log->order, log->nr);
	log->untimed = true;
	for (int i = 0; i < log->nr; i++)
		log->order.files[i].id = log->sources[i].id;
	for (int i = 0; i < log->nr; i++) {
		struct ms_log_source *s = &log->sources[i];

		for (ret = s->ready; ret > 0; ret = ms_log_source_next(s, 0)) {
			if (!s->id || !ms_order_look(&log->order, &s->line)) {
				without = s;
				goto refuse;
			}
		}
		if (ret < 0)
			return -1;
	}
	return ms_log_rewind(log);
refuse:
	ms_err("%s: expected a time of day, as strace -ff -ttt has it, met '%.40s': the lines of %s have no other order",
	       without->path, without->text,
	       log->untimed && without->id ? "several threads of a process" : "several files");
	return -1;
}

/* All are open at once, each twice: as many as may be, whatever the shell has set. */
static void allow_files(int nr)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max &&
	    limit.rlim_cur < 3 * (rlim_t)nr + 64) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/**
 * ms_log_open() - open a log
 * @paths:	its files; of several, each is a thread's, as strace -ff makes them
 * @nr:		how many
 *
 * Return: the log at its beginning, NULL after a message.
 */
struct ms_log *ms_log_open(char *const *paths, int nr)
{
	struct ms_log *log = calloc(1, sizeof(*log));

	if (!log)
		abort();
	log->sources = calloc((size_t)nr, sizeof(*log->sources));
	if (!log->sources)
		abort();
	allow_files(nr);
	for (int i = 0; i < nr; i++) {
		if (ms_log_source_open(&log->sources[log->nr++], paths[i], nr == 1)) {
			ms_log_close(log);
			return NULL;
		}
	}
	if (ms_log_rewind(log) || look_at_order(log)) {
		ms_log_close(log);
		return NULL;
	}
	return log;
}

void ms_log_close(struct ms_log *log)
{
	if (!log)
		return;
	for (int i = 0; i < log->nr; i++)
		ms_log_source_close(&log->sources[i]);
	ms_order_free(&log->order);
	free(log->sources);
	free(log);
}

/**
 * ms_log_rewind() - begin again
 * @log: the log
 *
 * Return: 0; -1 after a message.
 */
int ms_log_rewind(struct ms_log *log)
{
	log->first = 0;
	log->last = 0;
	log->used = NULL;
	log->within = 0;
	for (int i = 0; i < log->nr; i++)
		if (ms_log_source_rewind(&log->sources[i]))
			return -1;
	ms_order_rewind(&log->order);
	return 0;
}

/* Which file has the next line? */
static struct ms_log_source *earliest(struct ms_log *log)
{
	struct ms_log_source *best = NULL;

	for (int i = 0; i < log->nr; i++) {
		struct ms_log_source *s = &log->sources[i];

		if (s->ready && (!best || s->clock.first + s->clock.now <
						  best->clock.first + best->clock.now))
			best = s;
	}
	return best;
}

static struct ms_log_source *by_order(struct ms_log *log)
{
	int i;

	while ((i = ms_order_next(&log->order)) >= 0) {
		if (log->sources[i].ready)
			return &log->sources[i];
		ms_order_through(&log->order);
	}
	return NULL;
}

/**
 * ms_log_next() - the next line, whole
 * @log:	the log
 * @l:		the line, which stays until the next call; of kind MS_LINE_OPEN only if
 *		its end is missing
 *
 * Return: 1; 0 at the end; -1 after a message.
 */
int ms_log_next(struct ms_log *log, struct ms_line *l)
{
	struct ms_log_source *s = log->used;

	if (s && log->untimed)
		ms_order_follow(&log->order, &s->line);
	if (s && ms_log_source_next(s, log->last) < 0)
		return -1;
	s = log->untimed ? by_order(log) : earliest(log);
	log->used = s;
	if (!s)
		return 0;
	*l = s->line;
	log->first = log->last + 1;
	log->last += s->nr;
	if (s->within && !log->within++)
		log->first_within = log->first;
	if (ms_join_ends_alone(l))
		l->kind = MS_LINE_CALL;
	/* Cut off within the address: it is no page's, or lies where nothing may be mapped. */
	if (s->cut && l->kind == MS_LINE_CALL && l->result && !l->failed &&
	    (l->value & 4095 || l->value < 65536) && ms_line_gives_address(l))
		l->kind = MS_LINE_OPEN;
	return 1;
}

void ms_log_progress(const struct ms_log *log, int part, int parts)
{
	uint64_t at = 0, all = 0, size;

	/* Looked at seldom: it costs calls. */
	if (log->last < (1u << 20) || log->last & 0xffff || !isatty(2))
		return;
	for (int i = 0; i < log->nr; i++) {
		at += ms_log_file_at(log->sources[i].file, &size);
		all += size;
	}
	if (all)
		fprintf(stderr, "\r%d%%\r",
			(int)((100 * (uint64_t)part + at * 100 / all) / (uint64_t)parts));
}

uint64_t ms_log_within(const struct ms_log *log, uint64_t *first)
{
	*first = log->first_within;
	return log->within;
}

const char *ms_log_text(const struct ms_log *log)
{
	return log->used ? log->used->text : "";
}

uint64_t ms_log_first_line(const struct ms_log *log)
{
	return log->first;
}

uint64_t ms_log_last_line(const struct ms_log *log)
{
	return log->last;
}
