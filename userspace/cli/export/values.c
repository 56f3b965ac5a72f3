// SPDX-License-Identifier: MIT
/* The samples of one object: each family's files, read. */
#include "data.h"
#include "refusal.h"

static uint64_t read_figure(const struct ms_figures *f, enum export_source source,
			    const char *file)
{
	int pressure;

	if (source != EXPORT_PRESSURE)
		return ms_figure_limit(f, file);
	pressure = ms_figure_pressure(f);
	return pressure < 0 ? MS_FILE_UNKNOWN : (uint64_t)pressure;
}

static uint64_t read_anon(enum export_level level, int dir)
{
	if (dir < 0)
		return MS_FILE_UNKNOWN;
	if (level == EXPORT_TASK)
		return ms_file_key(dir, "status", "RssAnon:", 1024);
	return ms_file_key(dir, "memory.stat", "anon ", 1);
}

/* A part of the last refusal, if there was one. */
static uint64_t read_refusal(const struct ms_refusal *r, const char *part)
{
	if (!r->nr)
		return MS_FILE_UNKNOWN;
	switch (*part) {
	case 'w':
		return r->bytes;
	case 'l':
		return ms_refusal_left(r);
	case 't':
		return ms_refusal_time(r->at_us);
	default:
		return r->nr;
	}
}

/**
 * ms_export_values() - read the samples of an object
 * @level:	what it is
 * @at:		where its files are
 * @values:	where to put them: ms_export_nr_values()
 *
 * Return: how many samples there are.
 */
size_t ms_export_values(enum export_level level, const struct export_places *at,
			uint64_t *values)
{
	const struct ms_figures more = { .dir = at->more };
	struct ms_refusal refusal = {};
	uint64_t shards = 0;
	bool counts;
	size_t known = 0;

	counts = level == EXPORT_TASK &&
		 !ms_figure_u64(&at->figures, "alloc_nr_shards", &shards) && shards;
	if (level == EXPORT_GROUP)
		ms_refusal_read(at->figures.dir, &refusal);
	for (size_t i = 0; i < ms_export_nr_families; i++) {
		const struct export_family *f = &ms_export_families[i];

		if (!(f->levels & 1U << level))
			continue;
		for (unsigned int k = 0; k < f->nr; k++, values++) {
			const char *file = f->samples[k].file;

			*values = MS_FILE_UNKNOWN;
			if (f->source == EXPORT_ANON)
				*values = read_anon(level, at->observed);
			else if (f->source == EXPORT_REFUSAL)
				*values = read_refusal(&refusal, file);
			else if (f->source != EXPORT_ALLOC || counts)
				*values = read_figure(&at->figures, f->source, file);
			if (*values == MS_FILE_UNKNOWN && f->source != EXPORT_ANON &&
			    at->more >= 0)
				*values = read_figure(&more, f->source, file);
			known += *values < MS_FILE_UNLIMITED;
		}
	}
	return known;
}

/**
 * ms_export_nr_values() - how many values an object has, whether they are known or not
 * @level: what it is
 */
size_t ms_export_nr_values(enum export_level level)
{
	size_t nr = 0;

	for (size_t i = 0; i < ms_export_nr_families; i++)
		if (ms_export_families[i].levels & 1U << level)
			nr += ms_export_families[i].nr;
	return nr;
}
