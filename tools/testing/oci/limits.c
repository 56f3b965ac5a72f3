// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* From annotations and figures to limits. */
#include <errno.h>
#include <string.h>

#include "oci.h"
#include "tap.h"

#define M	(UINT64_C(1) << 20)
#define G	(UINT64_C(1) << 30)
#define NONE	MEMSTATE_UNLIMITED

static char why[MS_OCI_WHY_MAX];

static const struct {
	const char *name;
	struct ms_oci_annotations text;
	int ret;
	const char *why;
	struct ms_oci_wish wish;
	bool derive;	/* the host's configuration */
} wishes[] = {
	{ .name = "nothing" },
	{ .name = "max", .text = { .max = "512M" },
	  .wish = { .has_max = true, .max = 512 * M } },
	{ .name = "max in bytes", .text = { .max = "4096" },
	  .wish = { .has_max = true, .max = 4096 } },
	{ .name = "max of none", .text = { .max = "max" },
	  .wish = { .has_max = true, .max = NONE } },
	{ .name = "max of 0", .text = { .max = "0" }, .wish = { .has_max = true } },
	{ .name = "high", .text = { .high = "1G" },
	  .wish = { .has_high = true, .high = G } },
	{ .name = "high of none", .text = { .high = "max" },
	  .wish = { .has_high = true, .high = NONE } },
	{ .name = "allowance", .text = { .allowance = "0" },
	  .wish = { .has_allowance = true, .derive = true } },
	{ .name = "derive", .text = { .derive = "true" }, .wish = { .derive = true } },
	{ .name = "derive, by the host", .derive = true, .wish = { .derive = true } },
	{ .name = "not derive, whatever the host says", .derive = true,
	  .text = { .derive = "false" } },
	{ .name = "not derive, whatever is to be kept", .text = { .allowance = "0", .derive = "false" },
	  .wish = { .has_allowance = true } },
	{ .name = "overcommit", .text = { .overcommit = "250" }, .wish = { .overcommit = 250 } },
	{ .name = "optional", .text = { .optional = "true" },
	  .wish = { .optional = true } },
	{ .name = "not optional", .text = { .optional = "false" } },
	{ .name = "adapt", .text = { .adapt = "true" }, .wish = { .adapt = true } },
	{ .name = "workers", .text = { .workers = "12" }, .wish = { .workers = 12 } },
	{ .name = "all", .text = { "2M", "1M", "3M", "true", "true", "150", "true", "4" },
	  .wish = { true, true, true, true, true, true, 150, 4, 2 * M, M, 3 * M } },
	{ .name = "wrong adapt", .text = { .adapt = "1" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.adapt: '1' is neither true nor false" },
	{ .name = "no workers", .text = { .workers = "0" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.workers: '0' is not a number from 1 to 65536" },
	{ .name = "too many workers", .text = { .workers = "65537" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.workers: '65537' is not a number" },
	{ .name = "max with a wrong unit", .text = { .max = "12Q" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.max: '12Q' is not a size" },
	{ .name = "max below 0", .text = { .max = "-1" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.max: '-1' is not a size" },
	{ .name = "max that is empty", .text = { .max = "" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.max: '' is not a size" },
	{ .name = "max with a blank", .text = { .max = "1 M" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.max: '1 M' is not a size" },
	{ .name = "max beyond 64 bits", .text = { .max = "99999999999999999999" },
	  .ret = -EINVAL,
	  .why = "annotation org.memstate.max: '99999999999999999999' is too large" },
	{ .name = "wrong high", .text = { .max = "1M", .high = "x" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.high: 'x' is not a size" },
	{ .name = "wrong allowance", .text = { .allowance = "1/8" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.allowance: '1/8' is not a size" },
	{ .name = "allowance of everything", .text = { .allowance = "max" },
	  .ret = -EINVAL, .why = "annotation org.memstate.allowance: 'max' leaves nothing" },
	{ .name = "wrong optional", .text = { .optional = "yes" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.optional: 'yes' is neither true nor false" },
	{ .name = "wrong derive", .text = { .derive = "" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.derive: '' is neither true nor false" },
	{ .name = "overcommit below 100", .text = { .overcommit = "99" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.overcommit: '99' is not a percentage" },
	{ .name = "overcommit that is no number", .text = { .overcommit = "200%" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.overcommit: '200%' is not a percentage" },
	{ .name = "overcommit below 0", .text = { .overcommit = "-100" }, .ret = -EINVAL,
	  .why = "annotation org.memstate.overcommit: '-100' is not a percentage" },
};

#define FIGURES(...)	{ .page_size = 4096, __VA_ARGS__ }

static const struct {
	const char *name;
	struct ms_oci_wish wish;
	struct ms_oci_figures figures;
	int ret;
	unsigned int set;
	uint64_t high;
	uint64_t max;
} cases[] = {
	{ "no limit, no annotation", {}, FIGURES(.memory_max = NONE), 0, 0, NONE, NONE },
	{ "a memory limit alone", {}, FIGURES(.memory_max = G), 0, 0, NONE, NONE },
	{ "high alone", { .has_high = true, .high = 3 * M }, FIGURES(.memory_max = NONE),
	  0, MEMSTATE_LIMIT_HIGH, 3 * M, NONE },
	{ "max as it is given", { .has_max = true, .max = 5000 },
	  FIGURES(.memory_max = G, .file = G), 0, MEMSTATE_LIMIT_MAX, NONE, 5000 },
	{ "max of none hides the memory limit", { .has_max = true, .max = NONE },
	  FIGURES(.memory_max = G), 0, MEMSTATE_LIMIT_MAX, NONE, NONE },
	{ "max and high", { .has_max = true, .has_high = true, .max = 2 * M, .high = M },
	  FIGURES(.memory_max = NONE), 0, MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH, M,
	  2 * M },
	{ "an eighth is kept", { .derive = true }, FIGURES(.memory_max = G), 0, MEMSTATE_LIMIT_MAX, NONE,
	  G - G / 8 },
	{ "16M at least are kept", { .derive = true }, FIGURES(.memory_max = 64 * M), 0,
	  MEMSTATE_LIMIT_MAX, NONE, 48 * M },
	{ "an eighth of 128M is 16M", { .derive = true }, FIGURES(.memory_max = 128 * M), 0,
	  MEMSTATE_LIMIT_MAX, NONE, 112 * M },
	{ "an allowance that is given", { .derive = true, .has_allowance = true, .allowance = M },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX, NONE, 63 * M },
	{ "an allowance of 0", { .derive = true, .has_allowance = true }, FIGURES(.memory_max = 64 * M),
	  0, MEMSTATE_LIMIT_MAX, NONE, 64 * M },
	{ "derived, with a high", { .derive = true, .has_high = true, .high = M },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH, M,
	  48 * M },
	{ "what is not counted", { .derive = true, .has_allowance = true },
	  FIGURES(.memory_max = 64 * M, .file = M, .kernel = 2 * M, .sock = 4 * M),
	  0, MEMSTATE_LIMIT_MAX, NONE, 57 * M },
	{ "an overcommit that is given", { .has_max = true, .max = M, .overcommit = 300 },
	  FIGURES(.memory_max = NONE), 0, MEMSTATE_LIMIT_MAX, NONE, M },
	{ "derived, with an overcommit", { .derive = true, .overcommit = 100 },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX, NONE, 48 * M },
	{ "max goes before", { .derive = true, .has_max = true, .max = M },
	  FIGURES(.memory_max = G), 0, MEMSTATE_LIMIT_MAX, NONE, M },
	{ "whole pages", { .derive = true, .has_allowance = true, .allowance = 1 },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX, NONE, 64 * M - 4096 },
	{ "whole pages of 64K", { .derive = true, .has_allowance = true, .allowance = 1 },
	  { .memory_max = 64 * M, .page_size = 65536 }, 0, MEMSTATE_LIMIT_MAX, NONE,
	  64 * M - 65536 },
	{ "nothing is left by the allowance", { .derive = true }, FIGURES(.memory_max = 16 * M), -ERANGE, 0, 0, 0 },
	{ "less than a page is left", { .derive = true, .has_allowance = true, .allowance = M - 4095 },
	  FIGURES(.memory_max = M), -ERANGE, 0, 0, 0 },
	{ "one page is left", { .derive = true, .has_allowance = true, .allowance = M - 4096 },
	  FIGURES(.memory_max = M), 0, MEMSTATE_LIMIT_MAX, NONE, 4096 },
	{ "nothing is left by what is in use", { .derive = true, .has_allowance = true },
	  FIGURES(.memory_max = 64 * M, .file = 32 * M, .kernel = 32 * M), -ERANGE, 0, 0, 0 },
	{ "no sum overflows", { .derive = true, .has_allowance = true, .allowance = NONE - 1 },
	  FIGURES(.memory_max = NONE - 1, .file = NONE, .kernel = NONE, .sock = NONE), -ERANGE, 0, 0, 0 },
	{ "a memory limit of 0", { .derive = true, .has_allowance = true }, FIGURES(.memory_max = 0),
	  -ERANGE, 0, 0, 0 },
	{ "the largest limit there is", { .derive = true, .has_allowance = true },
	  FIGURES(.memory_max = NONE - 1), 0, MEMSTATE_LIMIT_MAX, NONE, NONE - 4095 },
};

static bool same_wish(const struct ms_oci_wish *a, const struct ms_oci_wish *b)
{
	return a->has_max == b->has_max && a->has_high == b->has_high &&
	       a->has_allowance == b->has_allowance && a->optional == b->optional &&
	       a->derive == b->derive && a->overcommit == b->overcommit &&
	       a->adapt == b->adapt && a->workers == (b->workers ? b->workers : 1) &&
	       a->max == b->max && a->high == b->high && a->allowance == b->allowance;
}

/* Who said nothing of it is granted twice as much where max was made of a memory limit. */
static uint32_t overcommit(const struct ms_oci_wish *wish, const struct ms_oci_figures *figures)
{
	if (wish->overcommit)
		return wish->overcommit;
	return wish->derive && !wish->has_max && figures->memory_max != NONE ? 200 : 100;
}

int main(void)
{
	struct ms_oci_limits limits;
	struct ms_oci_wish wish;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		why[0] = '\0';
		ret = ms_oci_wish(&wishes[i].text, wishes[i].derive, &wish, why);
		tap_ok(ret == wishes[i].ret, "annotation: %s", wishes[i].name);
		if (wishes[i].ret)
			tap_ok(!strncmp(why, wishes[i].why, strlen(wishes[i].why)) &&
			       !strchr(why, '\n'), "annotation: %s: %s",
			       wishes[i].name, why);
		else
			tap_ok(!*why && same_wish(&wish, &wishes[i].wish),
			       "annotation: %s: what it means", wishes[i].name);
	}
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why[0] = '\0';
		ret = ms_oci_limits(&cases[i].wish, &cases[i].figures, &limits, why);
		tap_is(ret, cases[i].ret, "limits: %s", cases[i].name);
		if (cases[i].ret) {
			tap_ok(strstr(why, "leaves nothing"), "limits: %s: %s",
			       cases[i].name, why);
			continue;
		}
		tap_is(limits.set, cases[i].set, "limits: %s: which", cases[i].name);
		tap_is(limits.high, cases[i].high, "limits: %s: high", cases[i].name);
		tap_is(limits.max, cases[i].max, "limits: %s: max", cases[i].name);
		tap_is(limits.overcommit, overcommit(&cases[i].wish, &cases[i].figures),
		       "limits: %s: overcommit", cases[i].name);
	}
	return tap_end();
}
