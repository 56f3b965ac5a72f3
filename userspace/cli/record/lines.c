// SPDX-License-Identifier: MIT
/* What a recording has: its lines, as objects. */
#include <stdio.h>

#include "cli.h"
#include "record.h"
#include "rules.h"

/* What stands at the ends of a transition: its from, and its to. */
const char *const ms_record_ends[MS_RECORD_ENDS] = { "none", "reserved", "prepared", "ready", "keep",
						     "keep_ro", "mapped", "any" };

/**
 * ms_record_object() - begin a line
 * @type:	what it is
 * @t:		seconds since the start
 *
 * Return: an object.
 */
struct json_object *ms_record_object(const char *type, double t)
{
	struct json_object *o = json_object_new_object();
	char text[32];

	json_object_object_add(o, "type", json_object_new_string(type));
	snprintf(text, sizeof(text), "%.6f", t);
	json_object_object_add(o, "t", json_object_new_double_s(t, text));
	return o;
}

/**
 * ms_record_header() - begin the first line
 * @command: which command writes it
 *
 * Return: an object with what every recording has; the target is the caller's.
 */
struct json_object *ms_record_header(const char *command)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string("header"));
	json_object_object_add(o, "format", json_object_new_string(MS_RECORD_FORMAT));
	json_object_object_add(o, "version", json_object_new_int(MS_RECORD_VERSION));
	json_object_object_add(o, "memstate", json_object_new_string(MS_VERSION));
	json_object_object_add(o, "command", json_object_new_string(command));
	json_object_object_add(o, "unit", json_object_new_string("bytes"));
	return o;
}

static void drop_empty_classes(struct json_object *o, const struct memstate_totals *t)
{
	struct json_object *classes;

	if (!json_object_object_get_ex(o, "classes", &classes))
		return;
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++)
		if (!(t->bytes[0][c] | t->bytes[1][c] | t->bytes[2][c]))
			json_object_object_del(classes, ms_class_names[c]);
}

/**
 * ms_record_sample() - add a line with figures
 * @f:	the recording
 * @s:	the figures
 *
 * Return: as ms_record_add().
 */
int ms_record_sample(struct ms_record_file *f, const struct ms_sample *s)
{
	struct json_object *o = ms_record_object("sample", s->t), *limits, *events, *observed;
	const struct memstate_totals_observed *w = &s->observed;

	ms_json_add(o, "tasks", s->totals.tasks);
	ms_json_totals(o, &s->totals);
	drop_empty_classes(o, &s->totals);
	if (w->spaces || w->charged) {
		observed = json_object_new_object();
		ms_json_add(observed, "nr_tasks", w->spaces);
		ms_json_add(observed, "commit", w->commit);
		ms_json_add(observed, "backed", w->backed);
		ms_json_add(observed, "inherited", w->inherited);
		ms_json_add(observed, "pending", w->pending);
		ms_json_add(observed, "excess", w->excess);
		ms_json_add(observed, "charged", w->charged);
		json_object_object_add(o, "observed", observed);
	}
	if (s->limited) {
		limits = json_object_new_object();
		ms_json_bounds(limits, &s->limit);
		json_object_object_add(o, "limits", limits);
	}
	events = json_object_new_object();
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++)
		ms_json_add(events, ms_event_names[i], s->events[i]);
	json_object_object_add(o, "events", events);
	return ms_record_add(f, o);
}

/**
 * ms_record_events() - add a line for each count that has grown
 * @f:		the recording
 * @s:		the figures
 * @before:	those before them
 *
 * Return: as ms_record_add().
 */
int ms_record_events(struct ms_record_file *f, const struct ms_sample *s,
		     const struct ms_sample *before)
{
	int ret = 0;

	for (int i = 0; !ret && i < MEMSTATE_NR_EVENTS; i++) {
		struct json_object *o;

		/* Other books, after an exec, count from zero. */
		if (s->events[i] <= before->events[i])
			continue;
		o = ms_record_object("event", s->t);
		json_object_object_add(o, "event", json_object_new_string(ms_event_names[i]));
		ms_json_add(o, "count", s->events[i]);
		ms_json_add(o, "by", s->events[i] - before->events[i]);
		ret = ms_record_add(f, o);
	}
	return ret;
}

/* In lines of so many, so that none gets too long. */
#define RANGES_LINE	512

/**
 * ms_record_ranges() - add a ledger, in as many lines as it takes
 * @f:		the recording
 * @t:		seconds since the start
 * @pid:	whose it is
 * @ranges:	its ranges
 * @nr:		how many
 * @whole:	it is all there is, of one moment
 *
 * Return: as ms_record_add().
 */
int ms_record_ranges(struct ms_record_file *f, double t, pid_t pid,
		     const struct memstate_range *ranges, uint32_t nr, bool whole)
{
	uint32_t i = 0, end;
	int ret;

	do {
		struct json_object *o = ms_record_object("ranges", t);
		struct json_object *list = json_object_new_array();

		end = nr - i > RANGES_LINE ? i + RANGES_LINE : nr;
		ms_json_add(o, "pid", (uint64_t)pid);
		ms_json_add(o, "first", i);
		ms_json_add(o, "of", nr);
		json_object_object_add(o, "whole", json_object_new_boolean(whole));
		for (; i < end; i++) {
			const struct memstate_range *r = &ranges[i];
			struct json_object *range = json_object_new_array();

			json_object_array_add(range, ms_json_u64(r->start));
			json_object_array_add(range, ms_json_u64(r->end));
			json_object_array_add(range, json_object_new_string(
							     ms_state_names[r->state & 3]));
			json_object_array_add(range, json_object_new_string(
							     ms_class_names[r->class_ & 7]));
			json_object_array_add(range, json_object_new_int(r->flags));
			json_object_array_add(list, range);
		}
		json_object_object_add(o, "ranges", list);
		ret = ms_record_add(f, o);
	} while (!ret && i < nr);
	return ret;
}
