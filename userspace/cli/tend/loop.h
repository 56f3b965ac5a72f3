/* SPDX-License-Identifier: MIT */
/* Tending a group: what is asked for (tend.c), and the loop. */
#ifndef MS_TEND_LOOP_H
#define MS_TEND_LOOP_H

#include "tend/socket.h"
#include "tend/tend.h"

#define TEND_TONGUES	2

extern const struct tend_tongue *const tend_tongues[TEND_TONGUES];

/**
 * struct tend_options - what is asked for
 * @without:	by language: those that speak it are left alone
 * @percent:	redis: share of the limit
 * @secret:	redis: file with its password, or NULL
 * @socket:	where one is to be, or NULL
 * @pause_ms:	no process is told of pressure again before
 * @patience_ms: so long one may take to answer
 * @quiet:	say only what cannot be reached
 */
struct tend_options {
	bool without[TEND_TONGUES];
	unsigned long percent;
	const char *secret;
	const char *socket;
	int64_t pause_ms;
	int64_t patience_ms;
	bool quiet;
};

int tend_loop(const struct tend_options *opt, struct tend_group *group,
	      struct tend_socket *socket, int signals);

#endif /* MS_TEND_LOOP_H */
