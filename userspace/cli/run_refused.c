// SPDX-License-Identifier: MIT
/* What memstate run says of what was refused: its last lines. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli.h"
#include "run.h"

/* The limits that were asked for. */
static void limit_words(const struct ms_place_wish *w, char *text, size_t size)
{
	bool max = w->set & MEMSTATE_LIMIT_MAX && w->max != MEMSTATE_UNLIMITED;
	bool commit = w->commit_max != MEMSTATE_UNLIMITED;

	if (!max && !commit)
		snprintf(text, size, "a limit above its own");
	else
		snprintf(text, size, "%s%s%s%s%s", max ? "max " : "", max ? ms_size(w->max) : "",
			 max && commit ? " or " : "", commit ? "commit max " : "",
			 commit ? ms_size(w->commit_max) : "");
}

/* The note may not be read. */
static void print_counted(FILE *out, const struct ms_place *p)
{
	char text[128];

	limit_words(&p->wish, text, sizeof(text));
	fprintf(out, "%s, of which at most %s were taken\n", text, ms_size(p->limit.peak));
}

/* The runtime that would have kept below the limit, if it had been told; or NULL. */
static const char *adaptable(const struct ms_run_end *end)
{
	const struct ms_place_wish *w = &end->place->wish;

	if (end->adapted || !(w->set & MEMSTATE_LIMIT_MAX) || w->max == MEMSTATE_UNLIMITED ||
	    !ms_place_refused(end->place) ||
	    (WIFEXITED(end->status) && !WEXITSTATUS(end->status)))
		return NULL;
	return ms_adapt_runtime(end->command, end->place->refusal.comm, w->max);
}

/**
 * ms_run_refused() - for people: who was refused, and what would have helped
 * @out:	where to
 * @end:	how it went
 */
void ms_run_refused(FILE *out, const struct ms_run_end *end)
{
	const struct ms_place *p = end->place;
	uint64_t nr = ms_place_refused(p);
	const char *runtime = adaptable(end);
	char text[MS_REFUSAL_WORDS];

	if (!nr)
		return;
	fprintf(out, "refused %llu time%s: ", (unsigned long long)nr, nr == 1 ? "" : "s");
	if (p->refusal.nr) {
		ms_refusal_words(&p->refusal, p->limit.group, 0, text, sizeof(text));
		fprintf(out, "%s\n", text);
	} else {
		print_counted(out, p);
	}
	if (runtime)
		fprintf(out, "it ended at its limit: with --adapt %s would have been told of it, to keep below (memstate-adapt(1))\n",
			runtime);
}

/**
 * ms_run_refused_json() - the same for programs
 * @doc:	the object that it goes to
 * @end:	how it went
 */
void ms_run_refused_json(struct json_object *doc, const struct ms_run_end *end)
{
	const struct ms_place *p = end->place;
	struct json_object *last = ms_refusal_json(&p->refusal, 0);
	const char *runtime = adaptable(end);

	/* It is gone by now, and known. */
	if (last)
		json_object_object_add(last, "path", ms_json_text(p->cgroup.path));
	if (last && p->refusal.group == p->cgroup.id)
		json_object_object_add(last, "limit_path", ms_json_text(p->cgroup.path));
	ms_json_add(doc, "refused", ms_place_refused(p));
	json_object_object_add(doc, "last_refusal", last);
	json_object_object_add(doc, "adaptable", runtime ? json_object_new_string(runtime) : NULL);
}
