// SPDX-License-Identifier: MIT
/* From annotations and figures to limits; looks at nothing but its arguments. */
#include <errno.h>
#include <string.h>

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

static int parse_bool(const char *name, const char *text, bool *value,
		      char *why)
{
	*value = text && !strcmp(text, "true");
	if (!text || *value || !strcmp(text, "false"))
		return 0;
	snprintf(why, MS_OCI_WHY_MAX,
		 "annotation " MS_OCI_PREFIX
		 "%s: '%.64s' is neither true nor false",
		 name, text);
	return -EINVAL;
}

/**
 * ms_oci_wish() - read the annotations
 * @annotations: their texts
 * @wish:	what they mean
 * @why:	MS_OCI_WHY_MAX bytes, what is wrong with them
 *
 * Context: any. Return: 0; -EINVAL: one of them is wrong, see @why.
 */
int ms_oci_wish(const struct ms_oci_annotations *annotations,
		struct ms_oci_wish *wish, char *why)
{
	memset(wish, 0, sizeof(*wish));
	if (parse_size("max", annotations->max, &wish->has_max, &wish->max,
		       why) ||
	    parse_size("high", annotations->high, &wish->has_high, &wish->high,
		       why) ||
	    parse_size("allowance", annotations->allowance,
		       &wish->has_allowance, &wish->allowance, why) ||
	    parse_bool("optional", annotations->optional, &wish->optional, why))
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
	uint64_t unseen = less(f->anon, f->ready), left = f->memory_max;
	uint64_t kept = allowance(wish, f->memory_max);

	/* One by one: no sum can overflow. */
	left = less(left, f->file);
	left = less(left, f->kernel);
	left = less(left, f->sock);
	left = less(left, unseen);
	unseen = f->memory_max - left;
	left = less(left, kept);
	left -= left % f->page_size;
	if (!left) {
		snprintf(
			why, MS_OCI_WHY_MAX,
			"the memory limit of %llu bytes leaves nothing: %llu are in use and not seen by memstate, %llu are kept (annotation org.memstate.allowance)",
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
 * Without a max asked for it is the memory limit, less what memstate does not see of
 * what is in use, less the allowance, in whole pages.
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
	if (wish->has_high) {
		limits->set |= MEMSTATE_LIMIT_HIGH;
		limits->high = wish->high;
	}
	if (wish->has_max) {
		limits->set |= MEMSTATE_LIMIT_MAX;
		limits->max = wish->max;
	} else if (figures->memory_max != MEMSTATE_UNLIMITED) {
		limits->set |= MEMSTATE_LIMIT_MAX;
		return derive_max(wish, figures, &limits->max, why);
	}
	return 0;
}
