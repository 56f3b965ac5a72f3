/* SPDX-License-Identifier: MIT */
/* One limit, told to each runtime in its own words. */
#ifndef MS_KNOBS_H
#define MS_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct ms_adapt - what is shared out, and in which environment
 * @max:	the limit, bytes
 * @workers:	so many processes alike live within it, from 1
 * @get:	what a variable is, NULL: it is not set; NULL in place of the function: none is
 * @arg:	for @get
 * @phpdir:	where PHP finds its file, NULL: it does not
 */
struct ms_adapt {
	uint64_t max;
	uint32_t workers;
	const char *(*get)(const char *name, void *arg);
	void *arg;
	const char *phpdir;
};

/* Room for a value; what the user has of it is rarely longer, and stays then. */
#define MS_KNOB_VALUE_MAX	4096

#define MS_WORKERS_MAX		65536

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

bool ms_knob_value(const struct ms_knob *k, const struct ms_adapt *a, char *text, size_t size);
bool ms_workers_parse(const char *text, uint32_t *workers);

#endif /* MS_KNOBS_H */
