// SPDX-License-Identifier: MIT
/* From annotations and figures to limits; looks at nothing but its arguments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "knobs.h"
#include "oci.h"

static int parse_size(const char *name, const char *text, bool *has,
		      uint64_t *bytes, char *why)
{
	int ret;

	*has = text;
	ret = text ? memstate_parse_bytes(text, bytes) : 0;
	if (ret == -ERANGE)
		snprintf(why, MS_OCI_WHY_MAX,
			 "annotation " MS_OCI_PREFIX "%s: '%.64s' is too large",
			 name, text);
	else if (ret)
		snprintf(
			why, MS_OCI_WHY_MAX,
			"annotation " MS_OCI_PREFIX
			"%s: '%.64s' is not a size (bytes, a number with K, M, G, T or P behind it, or max)",
			name, text);
	return ret;
}

/* What is not given stays as it is. */
static int parse_bool(const char *name, const char *text, bool *value,
		      char *why)
{
	if (!text)
		return 0;
	*value = !strcmp(text, "true");
	if (*value || !strcmp(text, "false"))
		return 0;
	snprintf(why, MS_OCI_WHY_MAX,
		 "annotation " MS_OCI_PREFIX
		 "%s: '%.64s' is neither true nor false",
		 name, text);
	return -EINVAL;
}

static int parse_percent(const char *name, const char *text, uint32_t *percent,
			 char *why)
{
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && value >= 100 &&
	    value <= 10000) {
		*percent = (uint32_t)value;
		return 0;
	}
	snprintf(why, MS_OCI_WHY_MAX,
		 "annotation " MS_OCI_PREFIX
		 "%s: '%.64s' is not a percentage from 100 to 10000",
		 name, text);
	return -EINVAL;
}

static int parse_workers(const char *text, uint32_t *workers, char *why)
{
	*workers = 1;
	if (!text || ms_workers_parse(text, workers))
		return 0;
	snprintf(why, MS_OCI_WHY_MAX,
		 "annotation " MS_OCI_PREFIX "workers: '%.64s' is not a number from 1 to %d", text,
		 MS_WORKERS_MAX);
	return -EINVAL;
}

/**
 * ms_oci_wish() - read the annotations
 * @annotations: their texts
 * @derive:	max is derived from the memory limit unless an annotation says otherwise
 * @wish:	what they mean
 * @why:	MS_OCI_WHY_MAX bytes, what is wrong with them
 *
 * Context: any. Return: 0; -EINVAL: one of them is wrong, see @why.
 */
int ms_oci_wish(const struct ms_oci_annotations *annotations, bool derive,
		struct ms_oci_wish *wish, char *why)
{
	memset(wish, 0, sizeof(*wish));
	/* Whoever says what is to be kept wants the rest. */
	wish->derive = derive || annotations->allowance;
	if (parse_size("max", annotations->max, &wish->has_max, &wish->max,
		       why) ||
	    parse_size("high", annotations->high, &wish->has_high, &wish->high,
		       why) ||
	    parse_size("allowance", annotations->allowance,
		       &wish->has_allowance, &wish->allowance, why) ||
	    parse_bool("optional", annotations->optional, &wish->optional, why) ||
	    parse_bool("derive", annotations->derive, &wish->derive, why) ||
	    parse_bool("adapt", annotations->adapt, &wish->adapt, why) ||
	    parse_workers(annotations->workers, &wish->workers, why) ||
	    parse_percent("overcommit", annotations->overcommit,
			  &wish->overcommit, why))
		return -EINVAL;
	if (wish->has_allowance && wish->allowance == MEMSTATE_UNLIMITED) {
		snprintf(why, MS_OCI_WHY_MAX,
			 "annotation " MS_OCI_PREFIX
			 "allowance: 'max' leaves nothing to the container");
		return -EINVAL;
	}
	return 0;
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

static uint64_t allowance(const struct ms_oci_wish *wish, uint64_t memory_max)
{
	uint64_t share = memory_max / MS_OCI_ALLOWANCE_SHARE;

	if (wish->has_allowance)
		return wish->allowance;
	return share > MS_OCI_ALLOWANCE_LEAST ? share : MS_OCI_ALLOWANCE_LEAST;
}

static int derive_max(const struct ms_oci_wish *wish,
		      const struct ms_oci_figures *f, uint64_t *max, char *why)
{
	uint64_t kept = allowance(wish, f->memory_max), left = f->memory_max;
	uint64_t unseen;

	/* One by one: no sum can overflow. */
	left = less(left, f->file);
	left = less(left, f->kernel);
	left = less(left, f->sock);
	unseen = f->memory_max - left;
	left = less(left, kept);
	left -= left % f->page_size;
	if (!left) {
		snprintf(
			why, MS_OCI_WHY_MAX,
			"the memory limit of %llu bytes leaves nothing: %llu are in use and not counted by memstate, %llu are kept (annotation org.memstate.allowance)",
			(unsigned long long)f->memory_max,
			(unsigned long long)unseen, (unsigned long long)kept);
		return -ERANGE;
	}
	*max = left;
	return 0;
}

/**
 * ms_oci_limits() - the limits that a container gets
 * @wish:	what its annotations ask for
 * @figures:	what it has; only looked at where max is not asked for
 * @limits:	what to set
 * @why:	MS_OCI_WHY_MAX bytes, why there is nothing to set
 *
 * Where it is to be derived it is the memory limit, less what memstate does not count of
 * what is in use, less the allowance, in whole pages. A memory limit counts what is touched:
 * one that is derived grants twice as much, so that whatever ran within the other goes on to.
 *
 * Context: any. Return: 0; -ERANGE: that leaves nothing, see @why.
 */
int ms_oci_limits(const struct ms_oci_wish *wish,
		  const struct ms_oci_figures *figures,
		  struct ms_oci_limits *limits, char *why)
{
	memset(limits, 0, sizeof(*limits));
	limits->high = MEMSTATE_UNLIMITED;
	limits->max = MEMSTATE_UNLIMITED;
	limits->overcommit = wish->overcommit ? wish->overcommit : MS_OCI_OVERCOMMIT;
	if (wish->has_high) {
		limits->set |= MEMSTATE_LIMIT_HIGH;
		limits->high = wish->high;
	}
	if (wish->has_max) {
		limits->set |= MEMSTATE_LIMIT_MAX;
		limits->max = wish->max;
	} else if (wish->derive && figures->memory_max != MEMSTATE_UNLIMITED) {
		limits->set |= MEMSTATE_LIMIT_MAX;
		if (!wish->overcommit)
			limits->overcommit = MS_OCI_OVERCOMMIT_DERIVED;
		return derive_max(wish, figures, &limits->max, why);
	}
	return 0;
}
