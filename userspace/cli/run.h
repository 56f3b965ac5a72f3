/* SPDX-License-Identifier: MIT */
/* What memstate run says when the program has ended. */
#ifndef MS_RUN_H
#define MS_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>

#include "place.h"
#include "tally.h"
#include "unseen.h"

/**
 * struct ms_run_end - how it went
 * @command:	what was run, as on the command line
 * @status:	as waitpid() has it
 * @tally:	figures that were reported
 * @place:	where it ran, and what was seen there
 * @reported:	the shim was in it
 * @all:	each process by itself, whatever it held
 * @unseen:	programs that could not report
 * @adapted:	runtimes were told of the limit
 * @others:	what it has started goes on, as far as that is known
 */
struct ms_run_end {
	const char *command;
	int status;
	struct ms_tally_reader *tally;
	const struct ms_place *place;
	const struct ms_unseen *unseen;
	bool reported;
	bool all;
	bool adapted;
	bool others;
};

void ms_run_table(FILE *out, const struct ms_run_end *end);
void ms_run_json(FILE *out, const struct ms_run_end *end);
void ms_run_place(FILE *out, const struct ms_run_end *end);
struct json_object *ms_run_place_json(const struct ms_place *p);
const char *ms_run_why(const struct ms_run_end *end);
/* run_socket.c: pressure, told while it runs */
bool ms_run_socket_begin(char *why, size_t size);
void ms_run_socket_look(const struct memstate_limit *now);
void ms_run_socket_end(void);
void ms_run_refused(FILE *out, const struct ms_run_end *end);
void ms_run_refused_json(struct json_object *doc, const struct ms_run_end *end);

#endif /* MS_RUN_H */
