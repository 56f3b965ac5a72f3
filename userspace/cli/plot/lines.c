// SPDX-License-Identifier: MIT
/* Lines of a recording, as record/lines.c and record/trace_event.c write them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "grown.h"
#include "read.h"
#include "rules.h"

/* ---- members ---------------------------------------------------------------------- */

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static uint64_t get(struct json_object *o, const char *key)
{
	return json_object_get_uint64(member(o, key));
}

static const char *get_text(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key);

	return v && json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

/* A limit: null is none. */
static uint64_t get_limit(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key);

	return v ? json_object_get_uint64(v) : MEMSTATE_UNLIMITED;
}

static int find_name(const char *name, const char *const *names, int nr)
{
	int i = nr;

	while (i-- > 0)
		if (!strcmp(name, names[i]))
			break;
	return i;
}

/* ---- lines ------------------------------------------------------------------------- */

static char *describe_target(struct json_object *target)
{
	struct json_object *argv = member(target, "argv");
	const char *kind = get_text(target, "kind");
	char *text = NULL, *more;
	int ret;

	if (argv && json_object_is_type(argv, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(argv); i++) {
			const char *arg =
				json_object_get_string(json_object_array_get_idx(argv, i));

			ret = asprintf(&more, "%s%s%s", text ? text : "", text ? " " : "",
				       arg ? arg : "");
			free(text);
			text = ret < 0 ? NULL : more;
		}
		return text;
	}
	if (!strcmp(kind, "group"))
		ret = asprintf(&text, "cgroup %s", get_text(target, "path"));
	else if (!strcmp(kind, "process"))
		ret = asprintf(&text, "%s, process %llu", get_text(target, "name"),
			       (unsigned long long)get(target, "pid"));
	else if (!strcmp(kind, "log"))
		ret = asprintf(&text, "%s", get_text(target, "path"));
	else
		ret = asprintf(&text, "the system");
	return ret < 0 ? NULL : text;
}

static bool take_header(struct ms_reader *in, struct json_object *o)
{
	struct json_object *target = member(o, "target");
	struct ms_recording *r = in->r;

	in->why = "this is no recording of memstate's";
	if (strcmp(get_text(o, "type"), "header") != 0 ||
	    strcmp(get_text(o, "format"), MS_RECORD_FORMAT) != 0)
		return false;
	in->why = "a recording of a later version than this program knows";
	if (get(o, "version") != MS_RECORD_VERSION)
		return false;
	in->why = NULL;
	r->name = describe_target(target);
	if (*get_text(o, "start"))
		r->start = strdup(get_text(o, "start"));
	r->interval = json_object_get_double(member(o, "interval"));
	r->calls = !strcmp(get_text(o, "time_unit"), "line");
	r->pid = (pid_t)get(target, "pid");
	return true;
}

static void take_classes(struct json_object *classes, struct memstate_totals *t)
{
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
		struct json_object *o = member(classes, ms_class_names[c]);

		for (uint32_t s = MEMSTATE_RESERVED; o && s <= MEMSTATE_READY; s++)
			t->bytes[s - 1][c] = get(o, ms_state_names[s]);
	}
}

static bool take_sample(struct ms_reader *in, struct json_object *o, double t)
{
	struct json_object *limits = member(o, "limits"), *events = member(o, "events");
	struct json_object *observed = member(o, "observed");
	struct ms_recording *r = in->r;
	struct ms_sample s = { .t = t };
	int pressure;

	take_classes(member(o, "classes"), &s.totals);
	s.totals.reserved_lazy = get(o, "reserved_lazy");
	s.totals.prepared_lazy = get(o, "prepared_lazy");
	s.totals.ready_direct = get(o, "ready_direct");
	s.totals.charged = get(o, "charged");
	s.totals.tasks = get(o, "tasks");
	s.totals.ranges = get(o, "ranges");
	s.totals.transitions = get(o, "transitions");
	if (observed) {
		s.observed.spaces = get(observed, "nr_tasks");
		s.observed.commit = get(observed, "commit");
		s.observed.backed = get(observed, "backed");
		s.observed.inherited = get(observed, "inherited");
	}
	s.limited = limits;
	s.limit.high = get_limit(limits, "high");
	s.limit.max = get_limit(limits, "max");
	s.limit.lowest_high = get_limit(limits, "lowest_high");
	s.limit.lowest_max = get_limit(limits, "lowest_max");
	if (limits) {
		s.limit.charged = get(limits, "charged");
		pressure = find_name(get_text(limits, "pressure"), ms_pressure_names,
				     MS_NR_PRESSURES);
		s.limit.pressure = pressure > 0 ? (uint32_t)pressure : 0;
	}
	for (int i = 0; events && i < MEMSTATE_NR_EVENTS; i++)
		s.events[i] = get(events, ms_event_names[i]);
	in->why = "a sample that is older than the one before it";
	if (r->nr_samples && t < r->samples[r->nr_samples - 1].t)
		return false;
	/* What is in Reserved lazily is no more than that. */
	in->why = "a sample whose lazy bytes are more than their state's";
	if (s.totals.reserved_lazy > ms_totals_state(&s.totals, MEMSTATE_RESERVED) ||
	    s.totals.prepared_lazy > ms_totals_state(&s.totals, MEMSTATE_PREPARED))
		return false;
	r->samples = ms_grown(r->samples, r->nr_samples, sizeof(s));
	r->samples[r->nr_samples++] = s;
	return true;
}

static bool take_event(struct ms_reader *in, struct json_object *o, double t)
{
	struct ms_recording *r = in->r;
	int event = find_name(get_text(o, "event"), ms_event_names, MEMSTATE_NR_EVENTS);

	/* Of a kind that is later than we are. */
	if (event < 0)
		return true;
	r->marks = ms_grown(r->marks, r->nr_marks, sizeof(*r->marks));
	r->marks[r->nr_marks++] = (struct ms_mark) { t, event, get(o, "by") };
	return true;
}

static bool take_range(struct json_object *o, struct memstate_range *range)
{
	const char *state, *class_;
	int s, c;

	if (!json_object_is_type(o, json_type_array) || json_object_array_length(o) < 5)
		return false;
	state = json_object_get_string(json_object_array_get_idx(o, 2));
	class_ = json_object_get_string(json_object_array_get_idx(o, 3));
	s = find_name(state ? state : "", ms_state_names, MEMSTATE_NR_STATES);
	c = find_name(class_ ? class_ : "", ms_class_names, MEMSTATE_NR_CLASSES);
	if (s <= 0 || c < 0)
		return false;
	*range = (struct memstate_range) {
		.start = json_object_get_uint64(json_object_array_get_idx(o, 0)),
		.end = json_object_get_uint64(json_object_array_get_idx(o, 1)),
		.state = (uint8_t)s,
		.class_ = (uint8_t)c,
		.flags = (uint8_t)json_object_get_int(json_object_array_get_idx(o, 4)),
	};
	return range->start < range->end;
}

static bool take_ranges(struct ms_reader *in, struct json_object *o, double t)
{
	struct json_object *list = member(o, "ranges");
	struct ms_recording *r = in->r;
	uint64_t first = get(o, "first"), of = get(o, "of");
	size_t nr = list && json_object_is_type(list, json_type_array) ?
		    json_object_array_length(list) : 0;
	struct ms_ledger *l;

	in->why = "part of a ledger without what comes before it";
	if (first) {
		l = r->nr_ledgers ? &r->ledgers[r->nr_ledgers - 1] : NULL;
		if (!l || !in->open || l->nr != first)
			return false;
	} else {
		r->ledgers = ms_grown(r->ledgers, r->nr_ledgers, sizeof(*r->ledgers));
		l = &r->ledgers[r->nr_ledgers++];
		*l = (struct ms_ledger) { .t = t, .pid = (pid_t)get(o, "pid"),
					  .at = r->nr_steps };
	}
	in->why = "a range that is none";
	l->ranges = ms_must(reallocarray(l->ranges, l->nr + nr + 1, sizeof(*l->ranges)));
	for (size_t i = 0; i < nr; i++) {
		struct memstate_range *range = &l->ranges[l->nr];

		if (!take_range(json_object_array_get_idx(list, i), range) ||
		    (l->nr && range->start < range[-1].end))
			return false;
		l->nr++;
	}
	in->open = l->nr < of;
	return true;
}

static bool take_step(struct ms_reader *in, struct json_object *o, double t,
		      enum ms_trace_kind kind)
{
	struct ms_recording *r = in->r;
	struct ms_trace_event e = {
		.kind = kind, .t = t, .pid = (pid_t)get(o, "pid"), .addr = get(o, "addr"),
		.bytes = get(o, "bytes"), .value = get(o, "group"),
		.error = json_object_get_int(member(o, "error")),
	};
	const char *flags = get_text(o, "flags");

	if (kind == MS_TRACE_TRANSITION) {
		int from = find_name(get_text(o, "from"), ms_record_ends, MS_RECORD_ENDS);
		int to = find_name(get_text(o, "to"), ms_record_ends, MS_RECORD_ENDS);
		int class_ = find_name(get_text(o, "class"), ms_class_names,
				       MEMSTATE_NR_CLASSES);

		in->why = "a transition between states that there are not";
		if (from < 0 || to < 0 || class_ < 0)
			return false;
		e.from = (unsigned int)from;
		e.to = (unsigned int)to;
		e.class_ = (unsigned int)class_;
		e.flags = (strstr(flags, "lazy") ? MEMSTATE_LAZY : 0) |
			  (strstr(flags, "only") ? MEMSTATE_ONLY : 0) |
			  (strstr(flags, "keep_class") ? MEMSTATE_KEEP_CLASS : 0);
	}
	r->steps = ms_grown(r->steps, r->nr_steps, sizeof(e));
	r->steps[r->nr_steps++] = e;
	return true;
}

/**
 * ms_recording_line() - add what a line says
 * @in:	the reading, @line counted
 * @o:	the line, an object
 *
 * Return: true; false: it is none of a recording's, and @why says so.
 */
bool ms_recording_line(struct ms_reader *in, struct json_object *o)
{
	static const char *const steps[] = { "", "transition", "unmap", "open", "close" };
	struct ms_recording *r = in->r;
	const char *type = get_text(o, "type");
	double t = json_object_get_double(member(o, "t"));
	int step;

	if (in->line == 1)
		return take_header(in, o);
	in->why = "its time is no number";
	if (!isfinite(t) || t < -1e12 || t > 1e12)
		return false;
	if (t > r->end)
		r->end = t;
	if (!strcmp(type, "sample"))
		return take_sample(in, o, t);
	if (!strcmp(type, "event"))
		return take_event(in, o, t);
	if (!strcmp(type, "ranges"))
		return take_ranges(in, o, t);
	if (!strcmp(type, "end") && get(o, "lost"))
		r->lost = get(o, "lost");
	if (!strcmp(type, "lost"))
		r->lost += get(o, "events");
	step = find_name(type, steps, 5);
	if (step > 0)
		return take_step(in, o, t, (enum ms_trace_kind)step);
	/* Of a kind that is later than we are. */
	return true;
}
