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
	  .wish = { .has_allowance = true } },
	{ .name = "optional", .text = { .optional = "true" },
	  .wish = { .optional = true } },
	{ .name = "not optional", .text = { .optional = "false" } },
	{ .name = "all", .text = { "2M", "1M", "3M", "true" },
	  .wish = { true, true, true, true, 2 * M, M, 3 * M } },
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
	{ "high alone", { .has_high = true, .high = 3 * M }, FIGURES(.memory_max = NONE),
	  0, MEMSTATE_LIMIT_HIGH, 3 * M, NONE },
	{ "max as it is given", { .has_max = true, .max = 5000 },
	  FIGURES(.memory_max = G, .file = G), 0, MEMSTATE_LIMIT_MAX, NONE, 5000 },
	{ "max of none hides the memory limit", { .has_max = true, .max = NONE },
	  FIGURES(.memory_max = G), 0, MEMSTATE_LIMIT_MAX, NONE, NONE },
	{ "max and high", { .has_max = true, .has_high = true, .max = 2 * M, .high = M },
	  FIGURES(.memory_max = NONE), 0, MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH, M,
	  2 * M },
	{ "an eighth is kept", {}, FIGURES(.memory_max = G), 0, MEMSTATE_LIMIT_MAX, NONE,
	  G - G / 8 },
	{ "16M at least are kept", {}, FIGURES(.memory_max = 64 * M), 0,
	  MEMSTATE_LIMIT_MAX, NONE, 48 * M },
	{ "an eighth of 128M is 16M", {}, FIGURES(.memory_max = 128 * M), 0,
	  MEMSTATE_LIMIT_MAX, NONE, 112 * M },
	{ "an allowance that is given", { .has_allowance = true, .allowance = M },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX, NONE, 63 * M },
	{ "an allowance of 0", { .has_allowance = true }, FIGURES(.memory_max = 64 * M),
	  0, MEMSTATE_LIMIT_MAX, NONE, 64 * M },
	{ "derived, with a high", { .has_high = true, .high = M },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH, M,
	  48 * M },
	{ "what is not seen", { .has_allowance = true },
	  FIGURES(.memory_max = 64 * M, .file = M, .kernel = 2 * M, .sock = 4 * M,
		  .anon = 8 * M), 0, MEMSTATE_LIMIT_MAX, NONE, 49 * M },
	{ "what is reported is seen", { .has_allowance = true },
	  FIGURES(.memory_max = 64 * M, .anon = 8 * M, .ready = 5 * M), 0,
	  MEMSTATE_LIMIT_MAX, NONE, 61 * M },
	{ "more reported than there is", { .has_allowance = true },
	  FIGURES(.memory_max = 64 * M, .anon = 8 * M, .ready = 9 * M), 0,
	  MEMSTATE_LIMIT_MAX, NONE, 64 * M },
	{ "whole pages", { .has_allowance = true, .allowance = 1 },
	  FIGURES(.memory_max = 64 * M), 0, MEMSTATE_LIMIT_MAX, NONE, 64 * M - 4096 },
	{ "whole pages of 64K", { .has_allowance = true, .allowance = 1 },
	  { .memory_max = 64 * M, .page_size = 65536 }, 0, MEMSTATE_LIMIT_MAX, NONE,
	  64 * M - 65536 },
	{ "nothing is left by the allowance", {}, FIGURES(.memory_max = 16 * M), -ERANGE, 0, 0, 0 },
	{ "less than a page is left", { .has_allowance = true, .allowance = M - 4095 },
	  FIGURES(.memory_max = M), -ERANGE, 0, 0, 0 },
	{ "one page is left", { .has_allowance = true, .allowance = M - 4096 },
	  FIGURES(.memory_max = M), 0, MEMSTATE_LIMIT_MAX, NONE, 4096 },
	{ "nothing is left by what is in use", { .has_allowance = true },
	  FIGURES(.memory_max = 64 * M, .file = 32 * M, .kernel = 32 * M), -ERANGE, 0, 0, 0 },
	{ "no sum overflows", { .has_allowance = true, .allowance = NONE - 1 },
	  FIGURES(.memory_max = NONE - 1, .file = NONE, .kernel = NONE, .sock = NONE,
		  .anon = NONE), -ERANGE, 0, 0, 0 },
	{ "a memory limit of 0", { .has_allowance = true }, FIGURES(.memory_max = 0),
	  -ERANGE, 0, 0, 0 },
	{ "the largest limit there is", { .has_allowance = true },
	  FIGURES(.memory_max = NONE - 1), 0, MEMSTATE_LIMIT_MAX, NONE, NONE - 4095 },
};

static bool same_wish(const struct ms_oci_wish *a, const struct ms_oci_wish *b)
{
	return a->has_max == b->has_max && a->has_high == b->has_high &&
	       a->has_allowance == b->has_allowance && a->optional == b->optional &&
	       a->max == b->max && a->high == b->high && a->allowance == b->allowance;
}

int main(void)
{
	struct ms_oci_limits limits;
	struct ms_oci_wish wish;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		why[0] = '\0';
		ret = ms_oci_wish(&wishes[i].text, &wish, why);
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
	}
	return tap_end();
}
