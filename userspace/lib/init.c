// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "lock.h"
#include "tally.h"

/* Inherited by a child, unlike the above: it then begins anew. */
static bool lib_was_ready;

/* This thread is in ms_lib_init(). */
static __thread bool initialising __attribute__((tls_model("initial-exec")));

/* The kernel does wipe it. */
static bool state_is_wiped;

static struct ms_state *state_page(void)
{
	struct ms_state *page = __atomic_load_n(&ms_lib_state, __ATOMIC_ACQUIRE);
	struct ms_state *none = NULL;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (page)
		return page;
	page = ms_raw_mmap(size);
	if (!page)
		return NULL;
	/* Before 4.14 there is none: then a child needs the handlers. */
	__atomic_store_n(&state_is_wiped, !ms_raw3(SYS_madvise, page, size, MADV_WIPEONFORK),
			 __ATOMIC_RELAXED);
	if (!__atomic_compare_exchange_n(&ms_lib_state, &none, page, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		ms_raw_munmap(page, size);
		page = none;
	}
	return page;
}

/* Begins anew with a text that does not begin with a space. */
static void set_error(const char *what, int error)
{
	const char *why = error ? strerrordesc_np(error) : "";
	size_t n = *what == ' ' ? strlen(ms_lib.error) : 0;
	size_t size = sizeof(ms_lib.error) - 1;

	for (; *what && n < size; what++)
		ms_lib.error[n++] = *what;
	for (; why && *why && n < size; why++)
		ms_lib.error[n++] = *why;
	ms_lib.error[n] = '\0';
}

static int use(const struct ms_ops *ops, enum memstate_backend backend,
	       bool inherited)
{
	int ret = ops->open(&ms_lib.ring, inherited);

	if (ret)
		return ret;
	ms_lib.ops = ops;
	ms_lib.backend = backend;
	if (ms_tally_begin(inherited, backend)) {
		ms_lib.doorbell = &ms_tally_doorbell;
		ms_tally_put(NULL);
	}
	return 0;
}

/* A limit of the process's own, from the environment. */
static bool limit_from(const char *name, uint64_t *limit)
{
	const char *text = ms_env(name);

	*limit = MEMSTATE_UNLIMITED;
	if (!text || !*text || !memstate_parse_bytes(text, limit))
		return true;
	set_error(name, 0);
	set_error(" is not a size (as 512M, or max)", 0);
	return false;
}

/* A program's first lines may be a sanitizer's, whose strcmp() does not work yet. */
static bool same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return *a == *b;
}

static void choose(void)
{
	const char *wanted = ms_env("MEMSTATE_BACKEND");
	bool device = true, embedded = true;
	int ret = 0;

	if (wanted && same(wanted, "device")) {
		embedded = false;
	} else if (wanted && same(wanted, "embedded")) {
		device = false;
	} else if (wanted && *wanted && !same(wanted, "auto")) {
		set_error("MEMSTATE_BACKEND is not device, embedded or auto", 0);
		return;
	}
	if (!limit_from("MEMSTATE_HIGH", &ms_lib.high) ||
	    !limit_from("MEMSTATE_MAX", &ms_lib.max))
		return;
	if (device) {
		ret = use(&ms_device_ops, MEMSTATE_BACKEND_DEVICE, false);
		if (!ret)
			return;
		set_error(MEMSTATE_DEVICE ": ", -ret);
	}
	if (embedded) {
		ret = use(&ms_embedded_ops, MEMSTATE_BACKEND_EMBEDDED, false);
		if (ret)
			set_error("embedded books: ", -ret);
	}
}

/* In a child: the same back end as in the parent, with books of its own. */
static void begin_again(void)
{
	const struct ms_ops *ops = ms_lib.ops;
	enum memstate_backend backend = ms_lib.backend;
	int ret;

	if (!ops)
		return;
	ms_lib.ops = NULL;
	ms_lib.credit = NULL;
	ms_lib.backend = MEMSTATE_BACKEND_NONE;
	ret = use(ops, backend, true);
	if (ret)
		set_error("in the child: ", -ret);
}

/**
 * ms_lib_init() - initialise, in a new process or in a child
 *
 * Whoever comes first does it; the others wait. A call that begins anything of ours in there (of
 * a library that stands in for libc's functions, as a sanitizer does) is not told of: it would
 * wait for itself.
 *
 * Context: any. Return: 0; -ENODEV: no back end works, or none yet; -ENOMEM.
 */
int ms_lib_init(void)
{
	struct ms_state *state = state_page();
	u32 seen = 0;
	uint64_t saved;

	if (!state)
		return -ENOMEM;
	if (initialising)
		return -ENODEV;
	ms_signals_block(&saved);
	if (__atomic_compare_exchange_n(&state->init, &seen, MS_LIB_BUSY, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		initialising = true;
		if (lib_was_ready)
			begin_again();
		else
			choose();
		lib_was_ready = true;
		initialising = false;
		__atomic_store_n(&state->init, MS_LIB_READY, __ATOMIC_RELEASE);
		ms_word_wake(&state->init);
	}
	ms_signals_restore(&saved);
	while ((seen = __atomic_load_n(&state->init, __ATOMIC_ACQUIRE)) != MS_LIB_READY)
		ms_word_wait(&state->init, seen);
	return ms_lib.ops ? 0 : -ENODEV;
}

static bool fork_concerns_us(void)
{
	struct ms_state *state = __atomic_load_n(&ms_lib_state, __ATOMIC_ACQUIRE);

	return state && ms_lib.ops &&
	       __atomic_load_n(&state->init, __ATOMIC_ACQUIRE) == MS_LIB_READY;
}

static void fork_prepare(void)
{
	if (!fork_concerns_us())
		return;
	ms_lib.ops->fork(0);
	ms_forking = true;
}

static void fork_done(int when)
{
	if (!ms_forking)
		return;
	ms_forking = false;
	ms_lib.ops->fork(when);
}

static void fork_parent(void)
{
	fork_done(1);
}

static void fork_child(void)
{
	/* Before anything is done to the books: they would be put over the parent's. */
	ms_tally_forget();
	/* Else it is zero, or already the child's: a handler before this one has used it. */
	if (ms_lib_state && !state_is_wiped) {
		ms_lib_state->refused = 0;
		ms_lib_state->reserve = 0;
		ms_lib_state->shards = 0;
		ms_lib_state->shards_epoch = 0;
		ms_lib_state->uring_epoch = 0;
		__atomic_store_n(&ms_lib_state->init, 0, __ATOMIC_RELEASE);
	}
	fork_done(2);
	ms_lock_fork_child();
}

/**
 * memstate_atfork() - register the handlers that keep the books whole in a fork
 *
 * A constructor does it. An allocator whose own handlers hold locks under which it calls
 * libmemstate calls this before it registers them: handlers that prepare a fork run in the
 * reverse order, and locks are to be taken from the outside in.
 *
 * Calls pthread_atfork(), which may call malloc(): hence never from inside one.
 *
 * Context: any, once or more often. Return: 0; -ENOMEM.
 */
int memstate_atfork(void)
{
	static bool done;

	if (__atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		return 0;
	return -pthread_atfork(fork_prepare, fork_parent, fork_child);
}

__attribute__((constructor)) static void begin(void)
{
	memstate_atfork();
	/* While it still may: see tally_table.h. */
	if (ms_tally_wanted())
		ms_lib_init();
}

/**
 * memstate_backend() - which back end keeps the books
 *
 * Context: any. Return: the back end, MEMSTATE_BACKEND_NONE if none works.
 */
enum memstate_backend memstate_backend(void)
{
	return ms_lib_ready() ? MEMSTATE_BACKEND_NONE : ms_lib.backend;
}

/**
 * memstate_backend_name() - its name
 *
 * Context: any. Return: "device", "embedded" or "none".
 */
const char *memstate_backend_name(void)
{
	return ms_lib_ready() ? "none" : ms_lib.ops->name;
}

/**
 * memstate_error() - why the wanted back end is not in use
 *
 * Context: any. Return: a text, empty if there is nothing to say.
 */
const char *memstate_error(void)
{
	ms_lib_ready();
	/* What was tried first may not be the end of it. */
	return initialising ? "" : ms_lib.error;
}
