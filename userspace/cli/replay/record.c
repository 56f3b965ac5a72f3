// SPDX-License-Identifier: MIT
/*
 * A recording made from a log.
 *
 * Model
 *
 *   A log has as many moments as lines, which may be millions. Its time is parted into
 *   buckets, and of each there is the moment that holds most and the last one, if they
 *   differ from what was written before. Ledgers are written some dozens of times.
 *   Where not all lines have a time, the line's number is the time, and the header says
 *   so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "record.h"

#define BUCKETS		2000
#define LEDGER_EACH	25	/* buckets */
#define MAX_BYTES	((uint64_t)1 << 30)

/**
 * struct written - a process's ledger as it was written last
 * @transitions: of the process by then
 * @nr:		how many ranges it had
 */
struct written {
	uint64_t transitions;
	uint32_t nr;
};

/**
 * struct ms_replay_record - a recording under way
 * @file:	where it goes
 * @path:	its name
 * @clock:	of the log
 * @timed:	lines have times; else they are what is counted
 * @line:	number of the line
 * @span:	of the whole log, in its unit
 * @bucket:	where we are
 * @most:	the moment of it that holds most
 * @last:	the last one
 * @begun:	there is a moment in this bucket
 * @before:	what was written last
 * @nr:		samples written
 * @written:	by process, as ms_replay_process() counts them
 * @nr_written:	how many of these
 * @error:	why it cannot go on
 */
struct ms_replay_record {
	struct ms_record_file *file;
	const char *path;
	struct ms_log_clock clock;
	bool timed;
	uint64_t line;
	double span;
	long bucket;
	struct ms_sample most;
	struct ms_sample last;
	bool begun;
	struct ms_sample before;
	uint64_t nr;
	struct written *written;
	uint32_t nr_written;
	int error;
};

/**
 * ms_replay_sum() - the books of all processes together
 * @r:		the state
 * @sum:	where to put them; peaks are left out, and Ready of MAP_NORESERVE, beside
 *		which nothing else could be seen
 */
void ms_replay_sum(const struct ms_replay *r, struct memstate_totals *sum)
{
	__u64 *to = (__u64 *)sum;

	memset(sum, 0, sizeof(*sum));
	for (u32 i = 0; i < ms_replay_count(r); i++) {
		const struct ms_process *p = ms_replay_process(r, i);
		struct memstate_totals rest;
		const __u64 *from = (const __u64 *)&rest;

		if (!p->books || ms_replay_shares(r, p))
			continue;
		rest = ms_books_rest(p->books);
		for (size_t k = 0; k < sizeof(*sum) / sizeof(__u64); k++)
			to[k] += from[k];
		sum->tasks++;
	}
	sum->peak_ready = 0;
	sum->charged = ms_totals_charged(sum);
}

static void write_header(struct ms_replay_record *rec, const char *log, uint64_t nr_lines)
{
	struct json_object *o = ms_record_header("replay"), *target = json_object_new_object();
	time_t start = (time_t)rec->clock.first;
	char text[40];
	struct tm tm;

	json_object_object_add(o, "time_unit",
			       json_object_new_string(rec->timed ? "s" : "line"));
	if (rec->timed && rec->clock.absolute) {
		gmtime_r(&start, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		json_object_object_add(o, "start", json_object_new_string(text));
	}
	json_object_object_add(target, "kind", json_object_new_string("log"));
	json_object_object_add(target, "path", ms_json_text(log));
	ms_json_add(target, "lines", nr_lines);
	json_object_object_add(o, "target", target);
	rec->error = ms_record_add(rec->file, o);
}

/**
 * ms_replay_record_create() - begin a recording
 * @path:	its file
 * @log:	name of the log
 * @clock:	as it is at the log's end
 * @nr_lines:	of the log; a time counts where nine of ten have one
 *
 * Return: the recording, or NULL after a message.
 */
struct ms_replay_record *ms_replay_record_create(const char *path, const char *log,
						 const struct ms_log_clock *clock,
						 uint64_t nr_lines)
{
	struct ms_replay_record *rec = calloc(1, sizeof(*rec));

	if (!rec)
		abort();
	rec->path = path;
	rec->clock = *clock;
	rec->timed = clock->nr && clock->now > 0 && clock->nr >= nr_lines - nr_lines / 10;
	rec->span = rec->timed ? clock->now : (double)nr_lines;
	rec->file = ms_record_create(path, MAX_BYTES);
	if (!rec->file) {
		free(rec);
		return NULL;
	}
	write_header(rec, log, nr_lines);
	rec->clock = (struct ms_log_clock) {};
	return rec;
}

static void write_sample(struct ms_replay_record *rec, const struct ms_sample *s)
{
	if (rec->error || (rec->nr && s->t <= rec->before.t))
		return;
	rec->error = ms_record_sample(rec->file, s);
	rec->before = *s;
	rec->nr++;
}

static void write_ledger(struct ms_replay_record *rec, const struct ms_process *p, u32 i)
{
	u32 nr = p->books ? p->books->map.nr : 0;
	struct memstate_range *ranges;

	if (rec->error || (rec->written[i].transitions == p->transitions &&
			   rec->written[i].nr == nr))
		return;
	ranges = malloc((nr + 1) * sizeof(*ranges));
	if (!ranges)
		abort();
	for (u32 k = 0; k < nr; k++)
		ms_rangemap_range(&p->books->map.ranges[k], &ranges[k]);
	rec->error = ms_record_ranges(rec->file, rec->last.t, p->pid, ranges, nr, true);
	rec->written[i] = (struct written) { p->transitions, nr };
	free(ranges);
}

static void write_ledgers(struct ms_replay_record *rec, const struct ms_replay *r)
{
	u32 nr = ms_replay_count(r);

	if (nr > rec->nr_written) {
		rec->written = reallocarray(rec->written, nr, sizeof(*rec->written));
		if (!rec->written)
			abort();
		memset(rec->written + rec->nr_written, 0,
		       (nr - rec->nr_written) * sizeof(*rec->written));
		rec->nr_written = nr;
	}
	for (u32 i = 0; i < nr; i++) {
		const struct ms_process *p = ms_replay_process(r, i);

		if (!ms_replay_shares(r, p))
			write_ledger(rec, p, i);
	}
}

static u64 held(const struct ms_sample *s)
{
	return ms_totals_state(&s->totals, MEMSTATE_READY) +
	       ms_totals_state(&s->totals, MEMSTATE_PREPARED);
}

static bool same(const struct ms_sample *a, const struct ms_sample *b)
{
	return !memcmp(a->totals.bytes, b->totals.bytes, sizeof(a->totals.bytes)) &&
	       a->totals.reserved_lazy == b->totals.reserved_lazy &&
	       a->totals.prepared_lazy == b->totals.prepared_lazy;
}

/* The bucket is over. */
static void flush(struct ms_replay_record *rec)
{
	if (!rec->begun)
		return;
	if (!rec->nr || !same(&rec->most, &rec->before))
		write_sample(rec, &rec->most);
	if (!same(&rec->last, &rec->before))
		write_sample(rec, &rec->last);
	rec->begun = false;
}

/**
 * ms_replay_record_line() - a line has been replayed
 * @rec:	the recording
 * @r:		the state after it
 * @l:		the line
 */
void ms_replay_record_line(struct ms_replay_record *rec, const struct ms_replay *r,
			   const struct ms_line *l)
{
	struct ms_sample s = {};
	long bucket;

	rec->line++;
	ms_log_clock_line(&rec->clock, l);
	s.t = rec->timed ? rec->clock.now : (double)rec->line;
	bucket = (long)(s.t / rec->span * BUCKETS);
	if (bucket != rec->bucket) {
		flush(rec);
		if (bucket / LEDGER_EACH != rec->bucket / LEDGER_EACH)
			write_ledgers(rec, r);
		rec->bucket = bucket;
	}
	ms_replay_sum(r, &s.totals);
	if (!rec->begun || held(&s) > held(&rec->most))
		rec->most = s;
	rec->last = s;
	rec->begun = true;
}

/**
 * ms_replay_record_end() - the log has ended
 * @rec:	the recording, gone afterwards
 * @r:		the state
 *
 * Return: 0; 1 after a message.
 */
int ms_replay_record_end(struct ms_replay_record *rec, const struct ms_replay *r)
{
	struct ms_sample last = rec->last;
	struct json_object *o;
	int ret;

	flush(rec);
	/* Where it ends, also if nothing has changed for long. */
	write_sample(rec, &last);
	write_ledgers(rec, r);
	o = ms_record_object("end", last.t);
	json_object_object_add(o, "reason",
			       json_object_new_string(rec->error ? "error" : "end of the log"));
	ms_json_add(o, "samples", rec->nr);
	ret = ms_record_end(rec->file, o);
	if (!rec->error)
		rec->error = ret;
	ret = rec->error;
	if (ret)
		ms_err("%s: %s", rec->path, ret == -EFBIG ? "more than 1 GiB: cut off" :
							   ms_error_text(-ret));
	free(rec->written);
	free(rec);
	return ret ? 1 : 0;
}
