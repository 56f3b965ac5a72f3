/* SPDX-License-Identifier: MIT */
/* A program that is started with its memory accounted, and limited if one likes. */
#ifndef MS_LAUNCH_H
#define MS_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "place.h"
#include "tally.h"

/**
 * struct ms_launch - a program and how it is run
 * @command:	the program, as on the command line
 * @malloc:	with libmemstate-malloc in place of its own; so it reports
 * @reported:	with the shim, so that it reports, also where it could be observed without;
 *		out: with the shim
 * @quiet:	say nothing but errors
 * @grouped:	in a place of its own also if it reports, nothing is said, and nothing limited
 * @max:	limit as on the command line, or NULL
 * @high:	likewise
 * @commit_max:	likewise
 * @tally:	table where its processes leave their last figures, or NULL
 * @mask:	signal mask that it gets, or NULL: ours
 * @pid:	out: its process
 * @started:	out: it could be executed
 * @place:	out: the place made for it, if there is one
 * @preload:	LD_PRELOAD for it, or NULL: as it is
 */
struct ms_launch {
	const char *command;
	bool malloc;
	bool reported;
	bool quiet;
	bool grouped;
	const char *max;
	const char *high;
	const char *commit_max;
	const struct ms_tally_reader *tally;
	const sigset_t *mask;
	pid_t pid;
	bool started;
	struct ms_place place;
	char *preload;
};

int ms_launch_prepare(struct ms_launch *l);
int ms_launch_start(struct ms_launch *l, char **argv);
void ms_launch_finish(struct ms_launch *l);
int ms_launch_status(int wait_status);
int ms_launch_size(const char *command, const char *option, char **argv, const char **text);

#endif /* MS_LAUNCH_H */
