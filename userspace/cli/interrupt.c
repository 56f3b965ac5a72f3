// SPDX-License-Identifier: MIT
/* Commands that go on for a while, and have something to do when they are interrupted. */
#include <signal.h>

#include "cli.h"

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/**
 * ms_interrupt_catch() - be asked from now on: SIGINT, SIGTERM, SIGHUP no longer end the command
 *
 * What waits in a system call meanwhile returns.
 */
void ms_interrupt_catch(void)
{
	const struct sigaction act = { .sa_handler = interrupt };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
}

/**
 * ms_interrupted() - did one of them come?
 *
 * Return: true: whatever goes on is to end.
 */
bool ms_interrupted(void)
{
	return interrupted;
}
