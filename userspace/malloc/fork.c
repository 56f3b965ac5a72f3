// SPDX-License-Identifier: MIT
#include <pthread.h>

#include <memstate.h>

#include "background.h"
#include "heaps.h"
#include "lock.h"
#include "publish.h"
#include "supply.h"

static void prepare(void)
{
	ms_background_fork_prepare();
	ms_heaps_fork_prepare();
	ms_supply_fork_prepare();
	ms_publish_fork_prepare();
	ms_in_fork = true;
}

static void done(void)
{
	ms_in_fork = false;
	ms_publish_fork_done();
	ms_supply_fork_done();
	ms_heaps_fork_done();
	ms_background_fork_done();
}

static void child(void)
{
	ms_heaps_fork_child();
	done();
	/* Not before: ours they are by the number that we had. */
	ms_lock_fork_child();
	ms_background_fork_child();
}

/*
 * Before all others: what is registered first prepares last, so that nobody waits for a lock
 * or a thread while we hold ours, as it is with the C library's own malloc. The shared library
 * is linked with initfirst, and in a static program the priority says it. pthread_atfork()
 * allocates, which works by now; libmemstate's locks are inside ours. The C library does not
 * know the environment yet, but gives it to constructors.
 */
__attribute__((constructor(101))) static void register_handlers(int argc, char **argv,
								char **envp)
{
	(void)argc;
	(void)argv;
	memstate_atfork();
	pthread_atfork(prepare, done, child);
	ms_background_start(envp);
}
