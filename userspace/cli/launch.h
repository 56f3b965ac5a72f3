/* SPDX-License-Identifier: MIT */
/* A program that is started with its memory accounted, and limited if one likes. */
#ifndef MS_LAUNCH_H
#define MS_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cgroup.h"
#include "tally.h"

/**
 * struct ms_launch - a program and how it is run
 * @malloc:	with libmemstate-malloc in place of its own
 * @quiet:	say nothing but errors
 * @grouped:	in a cgroup of its own also without a limit, where one may make it
 * @max:	limit as on the command line, or NULL
 * @high:	likewise
 * @tally:	table where its processes leave their last figures, or NULL
 * @mask:	signal mask that it gets, or NULL: ours
 * @pid:	out: its process
 * @started:	out: it could be executed
 * @cgroup:	out: the cgroup made for it; fd below 0: none
 * @preload:	LD_PRELOAD for it
 */
struct ms_launch {
	bool malloc;
	bool quiet;
	bool grouped;
	const char *max;
	const char *high;
	const struct ms_tally_reader *tally;
	const sigset_t *mask;
	pid_t pid;
	bool started;
	struct ms_cgroup cgroup;
	char *preload;
};

int ms_launch_prepare(struct ms_launch *l);
int ms_launch_start(struct ms_launch *l, char **argv);
void ms_launch_finish(struct ms_launch *l);
int ms_launch_status(int wait_status);
int ms_launch_size(const char *command, const char *option, char **argv, const char **text);

#endif /* MS_LAUNCH_H */
