// SPDX-License-Identifier: MIT
/*
 * What memstate run prints of processes that report: those that held most, by their peaks, the
 * others in one line, and the sum.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "run.h"

/* So many are shown however little they held, and so many at the most. */
#define ROWS_FEW	4
#define ROWS_MANY	20

/* What held less than this part of what the first held is not worth a line. */
#define PART_NAMED	100

static const char *const value_names[MS_TALLY_VALUES] = {
	"reserved", "reserved_lazy", "prepared", "prepared_lazy", "ready", "ready_direct",
	"peak_ready", "transitions", "drift", "rejected", "ranges",
};

/* What it held, of which Reserved is nothing but addresses. */
static uint64_t held(const struct ms_tally_slot *slot)
{
	u64 peak = slot->values[MS_TALLY_PEAK_READY], prepared = slot->values[MS_TALLY_PREPARED];

	return peak > prepared ? peak : prepared;
}

static int by_peak(const void *a, const void *b)
{
	const struct ms_tally_slot *x = &((const struct ms_tally_row *)a)->slot;
	const struct ms_tally_slot *y = &((const struct ms_tally_row *)b)->slot;
	uint64_t p = x->values[MS_TALLY_PEAK_READY], q = y->values[MS_TALLY_PEAK_READY];

	if (p == q) {
		p = held(x);
		q = held(y);
	}
	if (p != q)
		return p > q ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

static const char *backend_name(uint32_t backend)
{
	switch (backend) {
	case MEMSTATE_BACKEND_DEVICE:
		return "device";
	case MEMSTATE_BACKEND_EMBEDDED:
		return "embedded";
	default:
		return "?";
	}
}

static void print_values(FILE *out, const u64 *v)
{
	fprintf(out, " %11s %11s %11s %11s %12llu\n", ms_size(v[MS_TALLY_RESERVED]),
		ms_size(v[MS_TALLY_PREPARED]), ms_size(v[MS_TALLY_READY]),
		ms_size(v[MS_TALLY_PEAK_READY]), (unsigned long long)v[MS_TALLY_TRANSITIONS]);
}

static void add(u64 *sum, const struct ms_tally_slot *slot)
{
	for (int i = 0; i < MS_TALLY_VALUES; i++)
		sum[i] += slot->values[i];
}

/* How many of the rows, which are sorted, have a line of their own. */
static size_t nr_named(const struct ms_run_end *end)
{
	const struct ms_tally_reader *t = end->tally;
	uint64_t most = 0;
	size_t nr;

	if (end->all || t->nr <= ROWS_FEW)
		return t->nr;
	for (nr = 0; nr < t->nr; nr++)
		if (held(&t->rows[nr].slot) > most)
			most = held(&t->rows[nr].slot);
	for (nr = 0; nr < t->nr && nr < ROWS_MANY; nr++)
		if (held(&t->rows[nr].slot) < most / PART_NAMED || !held(&t->rows[nr].slot))
			break;
	/* A line for one other is no shorter than its own. */
	return nr + 1 == t->nr ? t->nr : nr;
}

/* What is not as one may think. */
static void print_notes(FILE *out, const struct ms_run_end *end)
{
	const struct ms_tally_reader *t = end->tally;
	const struct ms_tally_slot *last = NULL;
	size_t running = 0;

	for (size_t i = 0; i < t->nr; i++) {
		if (!t->rows[i].running)
			continue;
		running++;
		last = &t->rows[i].slot;
	}
	if (running == 1)
		fprintf(out, "%s (process %u) goes on; its figures are those of now\n",
			ms_name(last->comm), last->pid);
	else if (running)
		fprintf(out, "%zu of them go on; their figures are those of now\n", running);
	else if (end->others)
		fprintf(out, "what it has started goes on, and has left no figures yet\n");
	ms_unseen_say(out, end->unseen);
	if (t->table && t->table->lost)
		fprintf(out, "%u more have no figures: there was no room for so many at once\n",
			t->table->lost);
}

/* What was reported. */
static void print_rows(FILE *out, const struct ms_run_end *end)
{
	struct ms_tally_reader *t = end->tally;
	u64 others[MS_TALLY_VALUES] = {}, sum[MS_TALLY_VALUES] = {};
	char text[48];
	size_t named;

	if (!t->nr) {
		fprintf(out, "no process of the program left figures: %s\n", ms_run_why(end));
		return;
	}
	qsort(t->rows, t->nr, sizeof(*t->rows), by_peak);
	named = nr_named(end);
	fprintf(out, "%-8s %-16s %-9s %11s %11s %11s %11s %12s   reported\n", "PID", "COMMAND",
		"BACK END", "RESERVED", "PREPARED", "READY", "PEAK READY", "TRANSITIONS");
	for (size_t i = 0; i < t->nr; i++) {
		const struct ms_tally_slot *slot = &t->rows[i].slot;

		add(sum, slot);
		if (i >= named) {
			add(others, slot);
			continue;
		}
		fprintf(out, "%-8u %-16s %-9s", slot->pid, ms_name(slot->comm),
			backend_name(slot->backend));
		print_values(out, slot->values);
	}
	if (named < t->nr) {
		snprintf(text, sizeof(text), "%zu %s (--all: each)", t->nr - named,
			 others[MS_TALLY_PEAK_READY] | others[MS_TALLY_PREPARED] ?
				 "others" : "held nothing");
		fprintf(out, "%-35s", text);
		print_values(out, others);
	}
	if (t->nr > 1) {
		snprintf(text, sizeof(text), "sum of %zu", t->nr);
		fprintf(out, "%-35s", text);
		print_values(out, sum);
	}
	print_notes(out, end);
}

/**
 * ms_run_table() - figures for people
 * @out: where to
 * @end: how it went
 */
void ms_run_table(FILE *out, const struct ms_run_end *end)
{
	if (end->place->observed && !end->reported)
		ms_run_place(out, end);
	/* Who brings the library along himself reports without being told to. */
	if (end->reported || end->tally->nr)
		print_rows(out, end);
	if (end->place->observed && end->reported)
		ms_run_place(out, end);
	ms_run_refused(out, end);
}

/**
 * ms_run_json() - figures for programs: each process, whatever it held
 * @out: where to
 * @end: how it went
 */
void ms_run_json(FILE *out, const struct ms_run_end *end)
{
	struct json_object *doc = json_object_new_object(), *list = json_object_new_array();
	struct ms_tally_reader *t = end->tally;

	qsort(t->rows, t->nr, sizeof(*t->rows), by_peak);
	json_object_object_add(doc, "source",
			       json_object_new_string(end->reported ? "reported" : "observed"));
	json_object_object_add(doc, "observed", end->place->observed ?
			       ms_run_place_json(end->place) : NULL);
	for (size_t i = 0; i < t->nr; i++) {
		const struct ms_tally_slot *slot = &t->rows[i].slot;
		struct json_object *o = json_object_new_object();

		ms_json_add(o, "pid", slot->pid);
		json_object_object_add(o, "comm", ms_json_text(slot->comm));
		json_object_object_add(o, "backend",
				       json_object_new_string(backend_name(slot->backend)));
		for (int v = 0; v < MS_TALLY_VALUES; v++)
			ms_json_add(o, value_names[v], slot->values[v]);
		json_object_object_add(o, "running", json_object_new_boolean(t->rows[i].running));
		json_object_array_add(list, o);
	}
	ms_run_refused_json(doc, end);
	json_object_object_add(doc, "processes", list);
	json_object_object_add(doc, "unseen", ms_unseen_json(end->unseen));
	if (t->table)
		ms_json_add(doc, "lost", t->table->lost);
	if (!t->nr && end->reported)
		json_object_object_add(doc, "why", ms_json_text(ms_run_why(end)));
	fprintf(out, "%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY));
	json_object_put(doc);
}
