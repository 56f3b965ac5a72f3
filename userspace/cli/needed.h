/* SPDX-License-Identifier: MIT */
/* What a program's loader finds for it. */
#ifndef MS_CLI_NEEDED_H
#define MS_CLI_NEEDED_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"

/**
 * struct ms_needed - the shared libraries of a program
 * @missing:	the first that is not there, empty: none is missing, as far as is known
 * @asan:	AddressSanitizer's run-time is one of them
 */
struct ms_needed {
	char missing[256];
	bool asan;
};

bool ms_needed_look(const struct ms_program *p, struct ms_needed *n);

#endif /* MS_CLI_NEEDED_H */
