// SPDX-License-Identifier: MIT
#include "arena.h"
#include "heap.h"
#include "lock.h"

__thread bool ms_in_fork __attribute__((tls_model("initial-exec")));

static void prepare(void)
{
	ms_heap_fork_prepare();
	ms_arena_fork_prepare();
	ms_publish_fork_prepare();
	ms_in_fork = true;
}

static void done(void)
{
	ms_in_fork = false;
	ms_publish_fork_done();
	ms_arena_fork_done();
	ms_heap_fork_done();
}

static void child(void)
{
	ms_heap_fork_child();
	done();
}

/* Only here: pthread_atfork() allocates, which works by now. */
__attribute__((constructor)) static void register_handlers(void)
{
	pthread_atfork(prepare, done, child);
}
