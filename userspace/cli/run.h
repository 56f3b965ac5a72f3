/* SPDX-License-Identifier: MIT */
/* What memstate run says when the program has ended. */
#ifndef MS_RUN_H
#define MS_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "tally.h"

/**
 * struct ms_run_end - how it went
 * @command:	what was run, as on the command line
 * @status:	as waitpid() has it
 * @tally:	figures
 * @all:	each process by itself, whatever it held
 */
struct ms_run_end {
	const char *command;
	int status;
	struct ms_tally_reader *tally;
	bool all;
};

void ms_run_table(FILE *out, const struct ms_run_end *end);
void ms_run_json(FILE *out, const struct ms_run_end *end);
const char *ms_run_why(const struct ms_run_end *end);

#endif /* MS_RUN_H */
