/* SPDX-License-Identifier: MIT */
/* One limit, told to each runtime in its own words. */
#ifndef MS_ADAPT_KNOBS_H
#define MS_ADAPT_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct ms_adapt - what is shared out
 * @max:	the limit, bytes
 * @workers:	so many processes alike live within it, from 1
 */
struct ms_adapt {
	uint64_t max;
	uint32_t workers;
};

/**
 * struct ms_knob - an environment variable
 * @runtime:	who reads it
 * @name:	its own
 * @value:	makes what it is to be of what it is (NULL: nothing); returns false where it is
 *		to stay: its owner has said so, or the limit is too small for that runtime
 * @why:	the share, and why it is this one
 * @untested:	by what is written of it alone
 */
struct ms_knob {
	const char *runtime;
	const char *name;
	bool (*value)(const struct ms_adapt *a, const char *own, char *text, size_t size);
	const char *why;
	bool untested;
};

extern const struct ms_knob ms_knobs_all[];
extern const size_t ms_knobs_nr;

int ms_adapt_environment(const struct ms_adapt *a);
int ms_workers_arg(const char *command, const char *text, uint32_t *workers);

#endif /* MS_ADAPT_KNOBS_H */
