// SPDX-License-Identifier: MIT
/* What memstate run prints of a program that was observed: of all its processes as a whole. */
#include <stdlib.h>

#include "cli.h"
#include "run.h"

static void print_line(FILE *out, const char *name, const char *value, const char *what)
{
	fprintf(out, "%-14s %12s   %s\n", name, value, what);
}

static void print_all(FILE *out, const struct ms_run_end *end)
{
	const struct ms_place *p = end->place;
	char text[96];

	print_line(out, "PROGRAM", ms_name(end->command),
		   "observed by the module, with all that it has started");
	print_line(out, "Held", ms_size(p->limit.peak),
		   "at most: backed, or granted and not touched yet");
	snprintf(text, sizeof(text), "at most, seen in %llu look%s: resident or swapped out",
		 (unsigned long long)p->looks, p->looks == 1 ? "" : "s");
	print_line(out, "Backed", ms_size(p->backed), text);
	print_line(out, "Commit", ms_size(p->commit),
		   "likewise: what it could write to without asking again");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)ms_place_refused(p));
	print_line(out, "Refused", text, "requests for memory");
}

static void print_running(FILE *out, const struct ms_place *p)
{
	bool one = p->observe.spaces == 1;

	if (p->observe.spaces)
		fprintf(out, "%llu process%s of it that report%s nothing go%s on in %s: backed %s, commit %s\n",
			(unsigned long long)p->observe.spaces, one ? "" : "es", one ? "s" : "",
			one ? "es" : "", ms_name(ms_place_name(p)), ms_size(p->observe.backed),
			ms_size(p->observe.commit));
}

/**
 * ms_run_place() - figures for people
 * @out:	where to
 * @end:	how it went; it was observed
 */
void ms_run_place(FILE *out, const struct ms_run_end *end)
{
	const struct ms_place *p = end->place;

	if (!end->reported)
		print_all(out, end);
	else
		fprintf(out, "observed of what does not report: backed %s, commit %s at most, seen in %llu look%s\n",
			ms_size(p->backed), ms_size(p->commit), (unsigned long long)p->looks,
			p->looks == 1 ? "" : "s");
	print_running(out, p);
}

/**
 * ms_run_place_json() - figures for programs
 * @p: the place, observed
 *
 * Return: an object.
 */
struct json_object *ms_run_place_json(const struct ms_place *p)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "place", json_object_new_string(p->kind->name));
	json_object_object_add(o, "path", *p->cgroup.path ? ms_json_text(p->cgroup.path) : NULL);
	ms_json_add(o, "held_peak", p->limit.peak);
	ms_json_add(o, "backed_seen", p->backed);
	ms_json_add(o, "commit_seen", p->commit);
	ms_json_add(o, "looks", p->looks);
	ms_json_add(o, "denied", p->limit.events[MEMSTATE_EVENT_DENIED]);
	ms_json_add(o, "running", p->observe.spaces);
	ms_json_add(o, "backed", p->observe.backed);
	ms_json_add(o, "commit", p->observe.commit);
	return o;
}
