/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What tests in C wait with; tap.sh has the same for those that are shell scripts. A test
 * waits for what is to come, however long that takes here: the limit is only for what never
 * comes.
 */
#ifndef SOON_H
#define SOON_H

#include <stdbool.h>
#include <unistd.h>

#define SOON_S		300
#define SOON_MS		(SOON_S * 1000)	/* for poll() */
#define SOON_PAUSE_US	2000

/* Until @condition holds, which it may do late on a busy machine; false if it never does. */
#define soon(condition)							\
	({								\
		long soon_pauses = SOON_S * 1000000L / SOON_PAUSE_US;	\
		bool soon_holds;					\
									\
		while (!(soon_holds = (condition)) && soon_pauses-- > 0) \
			usleep(SOON_PAUSE_US);				\
		soon_holds;						\
	})

#endif /* SOON_H */
