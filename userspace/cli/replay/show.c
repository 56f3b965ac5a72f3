// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "show.h"
#include "rules.h"

/**
 * struct output - where the figures go
 * @json:	list of marks, NULL for a table
 * @line:	of the log
 */
struct output {
	struct json_object *json;
	uint64_t line;
};

static void add_totals(struct memstate_totals *sum, const struct memstate_totals *t)
{
	const __u64 *from = (const __u64 *)t;
	__u64 *to = (__u64 *)sum;

	for (size_t i = 0; i < sizeof(*t) / sizeof(__u64); i++)
		to[i] += from[i];
}

/**
 * struct figures - of a process, or of all
 * @rest:	without Ready of MAP_NORESERVE
 * @noreserve:	that, bytes by class
 * @peak:	the highest
 */
struct figures {
	struct memstate_totals rest;
	uint64_t noreserve[MEMSTATE_NR_CLASSES];
	struct ms_peaks peak;
};

static void add_figures(struct figures *sum, const struct figures *f)
{
	add_totals(&sum->rest, &f->rest);
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++)
		sum->noreserve[c] += f->noreserve[c];
	sum->peak.ready += f->peak.ready;
	sum->peak.noreserve += f->peak.noreserve;
	sum->peak.rest += f->peak.rest;
}

static uint64_t all_classes(const struct figures *f)
{
	uint64_t sum = 0;

	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++)
		sum += f->noreserve[c];
	return sum;
}

static struct json_object *json_figures(const struct output *out,
					const struct ms_process *p, const struct figures *f)
{
	struct json_object *o = json_object_new_object();
	struct memstate_totals t = f->rest;

	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++)
		t.bytes[MEMSTATE_READY - 1][c] += f->noreserve[c];
	t.peak_ready = f->peak.ready;
	ms_json_add(o, "line", out->line);
	json_object_object_add(o, "pid", p ? ms_json_u64((uint64_t)p->pid) : NULL);
	ms_json_totals(o, &t);
	ms_json_add(o, "ready_noreserve", all_classes(f));
	ms_json_add(o, "peak_ready_noreserve", f->peak.noreserve);
	ms_json_add(o, "peak_ready_rest", f->peak.rest);
	/* What only a kernel can know of. */
	json_object_object_del(o, "rejected");
	json_object_object_del(o, "unmaps");
	json_object_object_del(o, "resyncs");
	return o;
}

/* Address space that is writable, and that nobody means to fill. */
static void print_apart(const struct figures *f)
{
	uint64_t now = all_classes(f);

	if (!f->peak.noreserve)
		return;
	printf("  + %s Ready of MAP_NORESERVE", ms_size(now));
	if (now != f->peak.noreserve)
		printf(", at its peak %s", ms_size(f->peak.noreserve));
}

static void print_row(const char *who, const struct figures *f, const char *note)
{
	const struct memstate_totals *t = &f->rest;

	printf("  %-10s %11s %11s %11s %11s %11s %11s %12llu", who,
	       ms_size(memstate_totals_state(t, MEMSTATE_RESERVED)),
	       ms_size(memstate_totals_state(t, MEMSTATE_PREPARED)),
	       ms_size(memstate_totals_state(t, MEMSTATE_READY)),
	       ms_size(t->reserved_lazy + t->prepared_lazy),
	       ms_size(memstate_totals_charged(t)), ms_size(f->peak.rest),
	       (unsigned long long)t->transitions);
	print_apart(f);
	puts(note);
}

static void print_classes(const struct memstate_totals *t)
{
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
		uint64_t r = t->bytes[MEMSTATE_RESERVED - 1][c];
		uint64_t p = t->bytes[MEMSTATE_PREPARED - 1][c];
		uint64_t y = t->bytes[MEMSTATE_READY - 1][c];

		if (r | p | y)
			printf("    %-8s %11s %11s %11s\n", memstate_class_name(c),
			       ms_size(r), ms_size(p), ms_size(y));
	}
}

/**
 * ms_replay_show() - print all processes so far
 * @r:		the state; those that have ended hold nothing and have had a peak
 * @line_nr:	of the log
 * @json:	list to add to, NULL for a table
 */
void ms_replay_show(const struct ms_replay *r, uint64_t line_nr, struct json_object *json)
{
	const struct output where = { json, line_nr }, *out = &where;
	struct json_object *mark = NULL, *list = NULL;
	char line[MEMSTATE_LINE_MAX];
	struct figures sum = {};

	if (out->json) {
		mark = json_object_new_object();
		list = json_object_new_array();
		ms_json_add(mark, "line", out->line);
		json_object_object_add(mark, "processes", list);
	} else {
		printf("after line %" PRIu64 "\n", out->line);
		printf("  %-10s %11s %11s %11s %11s %11s %11s %12s\n", "PID",
		       "RESERVED", "PREPARED", "READY", "LAZY", "CHARGED",
		       "PEAK READY", "TRANSITIONS");
	}
	for (u32 i = 0; i < ms_replay_count(r); i++) {
		const struct ms_process *p = ms_replay_process(r, i);
		pid_t with = ms_replay_shares(r, p);
		char who[16], note[40] = "";
		struct figures f = {};

		if (p->books && !with) {
			f.rest = ms_books_rest(p->books);
			memcpy(f.noreserve, p->books->noreserve, sizeof(f.noreserve));
		}
		if (!with)
			f.peak = p->peak;
		f.rest.transitions = with ? 0 : p->transitions;
		f.rest.tasks = p->books && !with;
		add_figures(&sum, &f);
		if (mark) {
			struct json_object *o = json_figures(out, p, &f);

			json_object_object_add(o, "ended",
					       json_object_new_boolean(!p->books));
			if (with)
				ms_json_add(o, "shares_with", (uint64_t)with);
			json_object_array_add(list, o);
			continue;
		}
		if (!p->books)
			snprintf(note, sizeof(note), "  ended");
		else if (with)
			snprintf(note, sizeof(note), "  shares with %d", with);
		snprintf(who, sizeof(who), "%d", p->pid);
		print_row(who, &f, note);
		print_classes(&f.rest);
	}
	if (mark) {
		json_object_object_add(mark, "all", json_figures(out, NULL, &sum));
		json_object_array_add(out->json, mark);
		return;
	}
	print_row("all", &sum, "  (peaks added up)");
	printf("  %s\n", memstate_format_line(line, sizeof(line), &sum.rest));
}
