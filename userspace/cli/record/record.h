/* SPDX-License-Identifier: MIT */
/*
 * Recordings: what memstate record and replay write, and memstate plot reads.
 *
 * Model
 *
 *   A recording is lines of JSON, one object each, with a member "type"; times are
 *   seconds since the first line's start. The first line is the header. What is there
 *   can be read at any time: lines are only ever added, and one that is cut off is the
 *   last. memstate-record(1) has the format.
 *
 *   What has more parts has a header of its own: recorder.h, a recording under way; trace.h,
 *   transitions.
 */
#ifndef MS_RECORD_H
#define MS_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <json-c/json.h>
#include <memstate.h>

#define MS_RECORD_FORMAT	"memstate-record"
#define MS_RECORD_VERSION	1

/* ---- file.c: writing -------------------------------------------------------- */

struct ms_record_file;

struct ms_record_file *ms_record_create(const char *path, uint64_t max_bytes);
int ms_record_add(struct ms_record_file *f, struct json_object *o);
int ms_record_printf(struct ms_record_file *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int ms_record_flush(struct ms_record_file *f);
int ms_record_end(struct ms_record_file *f, struct json_object *o);
void ms_record_abandon(struct ms_record_file *f);
uint64_t ms_record_bytes(const struct ms_record_file *f);

/* ---- lines.c: what is written ------------------------------------------------ */

#define MS_RECORD_ENDS	(MEMSTATE_ANY + 1)

extern const char *const ms_record_ends[MS_RECORD_ENDS];

struct json_object *ms_record_header(const char *command);
struct json_object *ms_record_object(const char *type, double t);

/**
 * struct ms_sample - figures of one moment
 * @t:		seconds since the start
 * @totals:	the books
 * @observed:	what is observed of who has none
 * @limited:	@limit is known
 * @limit:	limits, charge, pressure, events
 * @events:	counts by enum memstate_event, as far as they are known
 */
struct ms_sample {
	double t;
	struct memstate_totals totals;
	struct memstate_totals_observed observed;
	bool limited;
	struct memstate_limit limit;
	uint64_t events[MEMSTATE_NR_EVENTS];
};

int ms_record_sample(struct ms_record_file *f, const struct ms_sample *s);
int ms_record_events(struct ms_record_file *f, const struct ms_sample *s,
		     const struct ms_sample *before);
int ms_record_ranges(struct ms_record_file *f, double t, pid_t pid,
		     const struct memstate_range *ranges, uint32_t nr, bool whole);

/* ---- source.c: reading ------------------------------------------------------- */

/**
 * struct ms_source - what is recorded
 * @fd:		watches a group, or is bound to a task, or asks for @pidfd; below 0: none
 * @pid:	the task; 0: a group or the system
 * @pidfd:	of a task that reports nothing; 0: none
 * @files:	its descriptor may not be had: by the module's files, without limits
 * @waiting:	it may come to report later
 */
struct ms_source {
	int fd;
	pid_t pid;
	int pidfd;
	bool files;
	bool waiting;
};

int ms_source_group(struct ms_source *s, int cgroup_fd, const char *name);
int ms_source_task(struct ms_source *s, pid_t pid, bool waiting);
int ms_source_read(struct ms_source *s, struct ms_sample *sample);
void ms_source_close(struct ms_source *s);

/**
 * struct ms_ledger_copy - a ledger as it was
 * @ranges:	its ranges
 * @nr:		how many
 * @version:	changes with the ledger
 * @whole:	all of them: no change came in between, and they are not too many
 */
struct ms_ledger_copy {
	struct memstate_range *ranges;
	uint32_t nr;
	uint64_t version;
	bool whole;
};

#define MS_LEDGER_RANGES_MAX	65536

int ms_source_ranges(int fd, int pidfd, struct ms_ledger_copy *copy);

/* ---- trace_event.c, trace.c: transitions --------------------------------------- */

/**
 * enum ms_trace_kind - what a line of the trace is
 * @MS_TRACE_NOTHING:	nothing to us
 * @MS_TRACE_TRANSITION: a record was taken
 * @MS_TRACE_UNMAP:	a range became None without a record
 * @MS_TRACE_OPEN:	books begin
 * @MS_TRACE_CLOSE:	books end
 * @MS_TRACE_LOST:	events that nobody has read
 */
enum ms_trace_kind {
	MS_TRACE_NOTHING,
	MS_TRACE_TRANSITION,
	MS_TRACE_UNMAP,
	MS_TRACE_OPEN,
	MS_TRACE_CLOSE,
	MS_TRACE_LOST,
};

/**
 * struct ms_trace_event - a line of the trace
 * @kind:	what it is
 * @t:		seconds of the monotonic clock
 * @pid:	the task
 * @addr:	first byte
 * @bytes:	length
 * @from:	as of a record
 * @to:		likewise
 * @class_:	likewise
 * @flags:	likewise
 * @error:	why it was not applied, negative, or 0
 * @value:	OPEN: cgroup id; LOST: how many
 */
struct ms_trace_event {
	enum ms_trace_kind kind;
	double t;
	pid_t pid;
	uint64_t addr;
	uint64_t bytes;
	unsigned int from;
	unsigned int to;
	unsigned int class_;
	unsigned int flags;
	int error;
	uint64_t value;
};

bool ms_trace_parse(const char *line, struct ms_trace_event *e);
int ms_trace_write(struct ms_record_file *f, const struct ms_trace_event *e, double t);

struct ms_trace;

struct ms_trace *ms_trace_start(pid_t pid, uint64_t group, uint64_t buffer_bytes);
int ms_trace_read(struct ms_trace *t, struct ms_record_file *f, double start);
int ms_trace_stop(struct ms_trace *t, struct ms_record_file *f, double start, uint64_t *nr,
		  uint64_t *lost);

#endif /* MS_RECORD_H */
