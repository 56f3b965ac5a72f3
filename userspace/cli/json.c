// SPDX-License-Identifier: MIT
/* JSON documents, and what several of them have. */
#include <stdio.h>

#include "cli.h"
#include "counters.h"
#include "internal.h"

/* json-c leaves alone what is above 0x7e. */
static int put_json(struct json_object *o, struct printbuf *out, int level, int flags)
{
	const char *p = json_object_get_string(o);

	(void)level;
	(void)flags;
	printbuf_strappend(out, "\"");
	while (*p) {
		size_t n = ms_utf8_length(p);
		unsigned int c = n ? ms_utf8_char(p, n) : 0xfffd;

		if (c > 0xffff && ms_is_control(c))
			sprintbuf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
				  0xdc00 + ((c - 0x10000) & 0x3ff));
		else if (!n || ms_is_control(c))
			sprintbuf(out, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			sprintbuf(out, "\\%c", c);
		else
			printbuf_memappend(out, p, (int)n);
		p += n ? n : 1;
	}
	printbuf_strappend(out, "\"");
	return 0;
}

/**
 * ms_json_text() - a name as a string of a JSON document
 * @text: of any bytes; what is not UTF-8 becomes U+FFFD, controls are escaped
 *
 * Return: the string.
 */
struct json_object *ms_json_text(const char *text)
{
	struct json_object *o = json_object_new_string(text);

	json_object_set_serializer(o, put_json, NULL, NULL);
	return o;
}

struct json_object *ms_json_u64(uint64_t value)
{
	return json_object_new_uint64(value);
}

/**
 * ms_json_add_text() - add a name
 * @o:		where to
 * @key:	its name
 * @text:	see ms_json_text()
 */
void ms_json_add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, ms_json_text(text));
}

void ms_json_add(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, ms_json_u64(value));
}

/**
 * ms_json_add_limit() - add a limit
 * @o:		the object
 * @key:	its name
 * @limit:	bytes, or MEMSTATE_UNLIMITED: null
 */
void ms_json_add_limit(struct json_object *o, const char *key, uint64_t limit)
{
	json_object_object_add(o, key, limit == MEMSTATE_UNLIMITED ? NULL : ms_json_u64(limit));
}

/**
 * ms_json_add_known() - add a figure that may not be known
 * @o:		the object
 * @key:	its name
 * @value:	it, or below zero: null
 */
void ms_json_add_known(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, value < 0 ? NULL : ms_json_u64((uint64_t)value));
}

#define COUNTER(name, ...)	{ #name, offsetof(struct memstate_totals, name) },

/* The counters of totals, as their files are called; the last has no name. */
const struct ms_counter ms_counters[] = { MS_TOTALS_COUNTERS(COUNTER) {} };

/**
 * ms_json_totals() - totals as members of an object
 * @o:	the object
 * @t:	the totals
 */
void ms_json_totals(struct json_object *o, const struct memstate_totals *t)
{
	struct json_object *classes = json_object_new_object();

	ms_json_add(o, "reserved", ms_totals_state(t, MEMSTATE_RESERVED));
	ms_json_add(o, "reserved_lazy", t->reserved_lazy);
	ms_json_add(o, "prepared", ms_totals_state(t, MEMSTATE_PREPARED));
	ms_json_add(o, "prepared_lazy", t->prepared_lazy);
	ms_json_add(o, "ready", ms_totals_state(t, MEMSTATE_READY));
	for (const struct ms_counter *c = ms_counters; c->name; c++)
		ms_json_add(o, c->name, *(const u64 *)((const char *)t + c->offset));
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
		struct json_object *class_ = json_object_new_object();

		for (uint32_t s = MEMSTATE_RESERVED; s <= MEMSTATE_READY; s++)
			ms_json_add(class_, ms_state_names[s], t->bytes[s - 1][c]);
		json_object_object_add(classes, ms_class_names[c], class_);
	}
	json_object_object_add(o, "classes", classes);
}

/**
 * ms_json_alloc() - what allocators count, and what follows from it
 * @o:		the object it goes to, as "alloc", if anybody counts
 * @heap:	Ready bytes of the heap
 * @a:		the counters
 */
void ms_json_alloc(struct json_object *o, uint64_t heap, const struct memstate_alloc *a)
{
	struct json_object *alloc;
	struct ms_alloc_parts parts;

	if (!a->nr_shards)
		return;
	alloc = json_object_new_object();
	ms_alloc_parts(a, heap, &parts);
	ms_json_add(alloc, "data_bytes", parts.data);
	ms_json_add(alloc, "frag_overhead_bytes", parts.frag);
	ms_json_add(alloc, "idle_bytes", parts.idle);
	ms_json_add(alloc, "slab_bytes", a->counters[MEMSTATE_SLAB_BYTES]);
	ms_json_add(alloc, "allocated_bytes", a->counters[MEMSTATE_ALLOC_BYTES]);
	ms_json_add(alloc, "allocated_count", a->counters[MEMSTATE_ALLOC_COUNT]);
	ms_json_add(alloc, "freed_bytes", a->counters[MEMSTATE_FREE_BYTES]);
	ms_json_add(alloc, "freed_count", a->counters[MEMSTATE_FREE_COUNT]);
	json_object_object_add(o, "alloc", alloc);
}

/**
 * ms_json_bounds() - a limit, those above it, and what there is of it
 * @o:	where to
 * @l:	the limit
 */
void ms_json_bounds(struct json_object *o, const struct memstate_limit *l)
{
	ms_json_add_limit(o, "high", l->high);
	ms_json_add_limit(o, "max", l->max);
	ms_json_add_limit(o, "lowest_high", l->lowest_high);
	ms_json_add_limit(o, "lowest_max", l->lowest_max);
	ms_json_add(o, "charged", l->charged);
	ms_json_add(o, "peak", l->peak);
	json_object_object_add(o, "pressure",
			       json_object_new_string(ms_pressure_name(l->pressure)));
}

/**
 * ms_json_print() - print a document and forget it
 * @o: the document
 *
 * Return: the exit status.
 */
int ms_json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
	return ms_print_end();
}
