// SPDX-License-Identifier: MIT
/*
 * Writes figures as text, in one of two formats: OpenMetrics 1.0.0, and the older one
 * of Prometheus, 0.0.4. They differ in what stands in comments: OpenMetrics has units,
 * a type for facts, counters named without their _total, and an end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "export.h"
#include "files.h"
#include "names.h"

/* ---- names that are anything ------------------------------------------------------- */

/* A label's value. What is not UTF-8, as a scraper would refuse it all, is U+FFFD. */
static void put_value(FILE *f, const char *text)
{
	while (*text) {
		size_t length = ms_utf8_length(text);

		if (!length) {
			fputs("\xef\xbf\xbd", f);
			length = 1;
		} else if (*text == '\n') {
			fputs("\\n", f);
		} else {
			if (*text == '\\' || *text == '"')
				fputc('\\', f);
			fwrite(text, 1, length, f);
		}
		text += length;
	}
}

/* ---- families ---------------------------------------------------------------------- */

static void put_head(FILE *f, enum export_format format, const char *prefix,
		     const char *name, const char *type, const char *unit,
		     const char *help, const char *of)
{
	const char *suffix = "", *typed = type;

	if (!strcmp(type, "info") && format == EXPORT_PROMETHEUS) {
		suffix = "_info";
		typed = "gauge";
	} else if (!strcmp(type, "counter") && format == EXPORT_PROMETHEUS) {
		suffix = "_total";
	}
	fprintf(f, "# HELP %s%s%s %s%s\n", prefix, name, suffix, help, of);
	fprintf(f, "# TYPE %s%s%s %s\n", prefix, name, suffix, typed);
	if (unit && format == EXPORT_OPENMETRICS)
		fprintf(f, "# UNIT %s%s %s\n", prefix, name, unit);
}

static void put_labels(FILE *f, enum export_level level, const struct export_object *o,
		       const char *labels)
{
	size_t length = strlen(labels);

	if (level == EXPORT_SYSTEM) {
		/* Without what separates it from nothing. */
		if (length)
			fprintf(f, "{%.*s}", (int)length - 1, labels);
		return;
	}
	fprintf(f, "{%s%s=\"", labels, level == EXPORT_GROUP ? "group" : "comm");
	put_value(f, o->name);
	if (level == EXPORT_GROUP)
		fprintf(f, "\",cgroup_id=\"%" PRIu64 "\"}", o->id);
	else if (o->group == MS_FILE_UNKNOWN)
		fprintf(f, "\",pid=\"%" PRIu64 "\"}", o->id);
	else
		fprintf(f, "\",pid=\"%" PRIu64 "\",cgroup_id=\"%" PRIu64 "\"}", o->id, o->group);
}

/* Samples of all objects; first: where the family's values begin in an object's. */
static void put_family(FILE *f, enum export_format format, enum export_level level,
		       const struct export_family *family, size_t first,
		       const struct export_list *list)
{
	static const char *const of[EXPORT_NR_LEVELS] = {
		[EXPORT_SYSTEM] = "",
		[EXPORT_GROUP] = " Of the cgroup and all below it.",
		[EXPORT_TASK] = " Of the task.",
	};
	const char *prefix = ms_export_prefix[level];
	bool counter = family->type == EXPORT_COUNTER, headed = false;

	for (size_t i = 0; i < list->nr; i++) {
		const struct export_object *o = &list->objects[i];

		for (unsigned int k = 0; k < family->nr; k++) {
			uint64_t value = o->values[first + k];

			if (value >= MS_FILE_UNLIMITED)
				continue;
			if (!headed)
				put_head(f, format, prefix, family->name,
					 counter ? "counter" : "gauge", family->unit,
					 family->help, of[level]);
			headed = true;
			fprintf(f, "%s%s%s", prefix, family->name, counter ? "_total" : "");
			put_labels(f, level, o, family->samples[k].labels);
			fprintf(f, " %" PRIu64 "\n", value);
		}
	}
}

static void put_version(FILE *f, enum export_format format, const char *name,
			const char *version, const char *help)
{
	put_head(f, format, "memstate_", name, "info", NULL, help, "");
	fprintf(f, "memstate_%s_info{version=\"", name);
	put_value(f, version);
	fputs("\"} 1\n", f);
}

static void put_up(FILE *f, enum export_format format, int up)
{
	put_head(f, format, "memstate_", "up", "gauge", NULL,
		 "1: the module's figures could be read. 0: they could not.", "");
	fprintf(f, "memstate_up %d\n", up);
	put_version(f, format, "build", MS_VERSION, "Version of the exporter.");
}

static void put_left_out(FILE *f, enum export_format format,
			 const struct export_data *data)
{
	static const char *const names[] = { "system", "group", "task" };
	bool wanted[] = { false, data->options.groups, data->options.tasks };

	if (!wanted[EXPORT_GROUP] && !wanted[EXPORT_TASK])
		return;
	put_head(f, format, "memstate_", "export_left_out", "gauge", NULL,
		 "Groups and tasks that are not told of, and why.", "");
	for (int level = EXPORT_GROUP; level <= EXPORT_TASK; level++) {
		const struct export_list *list = &data->lists[level];
		const struct {
			const char *reason;
			size_t nr;
		} reasons[] = {
			{ "max_series", list->bounded },
			{ "time", list->late },
			{ "permission", list->withheld },
		};

		for (size_t i = 0; wanted[level] && i < 3; i++)
			fprintf(f, "memstate_export_left_out{object=\"%s\",reason=\"%s\"} %zu\n",
				names[level], reasons[i].reason, reasons[i].nr);
	}
}

static void put_end(FILE *f, enum export_format format)
{
	if (format == EXPORT_OPENMETRICS)
		fputs("# EOF\n", f);
}

/**
 * ms_export_write() - write figures
 * @f:		where to; whether that worked is the caller's to ask
 * @format:	how
 * @data:	what
 */
void ms_export_write(FILE *f, enum export_format format, const struct export_data *data)
{
	put_up(f, format, 1);
	if (*data->version)
		put_version(f, format, "module", data->version, "Version of the module.");
	put_left_out(f, format, data);
	put_head(f, format, "memstate_", "export_duration_seconds", "gauge", "seconds",
		 "How long it took to read these figures.", "");
	fprintf(f, "memstate_export_duration_seconds %.6f\n", (double)data->took_ns / 1e9);
	for (int level = 0; level < EXPORT_NR_LEVELS; level++) {
		size_t first = 0;

		for (size_t i = 0; i < ms_export_nr_families; i++) {
			const struct export_family *family = &ms_export_families[i];

			if (!(family->levels & 1U << level))
				continue;
			put_family(f, format, (enum export_level)level, family, first,
				   &data->lists[level]);
			first += family->nr;
		}
	}
	put_end(f, format);
}

/**
 * ms_export_write_down() - write that there are no figures
 * @f:		where to
 * @format:	how
 */
void ms_export_write_down(FILE *f, enum export_format format)
{
	put_up(f, format, 0);
	put_end(f, format);
}

/* ---- which format ------------------------------------------------------------------ */

/**
 * ms_export_content_type() - how HTTP names a format
 * @format: the format
 */
const char *ms_export_content_type(enum export_format format)
{
	return format == EXPORT_OPENMETRICS ?
	       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	       "text/plain; version=0.0.4; charset=utf-8";
}

/* The value of a parameter of a media range, or NULL; it ends where valid bytes do. */
static const char *parameter(const char *range, size_t length, const char *name)
{
	const char *end = range + length, *p = range;

	while ((p = memchr(p, ';', (size_t)(end - p)))) {
		p += 1 + strspn(p + 1, " \t");
		if (!strncasecmp(p, name, strlen(name)))
			return p + strlen(name);
	}
	return NULL;
}

/* How much a media range is wanted, in thousandths. */
static long quality(const char *range, size_t length)
{
	const char *q = parameter(range, length, "q=");
	long value = 0, scale = 1000;

	if (!q)
		return 1000;
	if (*q != '0' && *q != '1')
		return 0;
	value = (*q++ - '0') * scale;
	if (*q == '.')
		for (q++; *q >= '0' && *q <= '9' && scale > 1; q++)
			value += (*q - '0') * (scale /= 10);
	return value > 1000 ? 1000 : value;
}

/* Is it this media type, in this version or in none that it says? */
static bool is_type(const char *range, size_t length, const char *type,
		    const char *version)
{
	size_t n = strlen(type);
	const char *said;

	if (length < n || strncasecmp(range, type, n) || !strchr("; \t,", range[n]))
		return false;
	said = parameter(range, length, "version=");
	if (said && *said == '"')
		said++;
	return !said || !strncmp(said, version, strlen(version));
}

/**
 * ms_export_negotiate() - choose a format by HTTP's Accept
 * @accept: the header's value, or NULL
 *
 * Return: OpenMetrics where it is named and nothing else we have is liked better.
 */
enum export_format ms_export_negotiate(const char *accept)
{
	long openmetrics = 0, text = 0;

	while (accept && *accept) {
		const char *range = accept + strspn(accept, " \t,");
		size_t length = strcspn(range, ",");
		long q = quality(range, length);

		if (is_type(range, length, "application/openmetrics-text", "1.0.0"))
			openmetrics = q > openmetrics ? q : openmetrics;
		else if (is_type(range, length, "text/plain", "0.0.4"))
			text = q > text ? q : text;
		accept = range + length;
	}
	return openmetrics > 0 && openmetrics >= text ? EXPORT_OPENMETRICS : EXPORT_PROMETHEUS;
}
