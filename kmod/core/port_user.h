/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The port for userspace: see port.h for what each primitive promises. */
#ifndef MS_CORE_PORT_USER_H
#define MS_CORE_PORT_USER_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

static inline u32 ms_load32(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline u64 ms_load64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void ms_store32(u32 *p, u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void ms_store64(u64 *p, u64 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline u32 ms_load32_acquire(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline u64 ms_load64_acquire(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ms_store32_release(u32 *p, u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void ms_store64_release(u64 *p, u64 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline bool ms_cas32(u32 *p, u32 old, u32 new_)
{
	return __atomic_compare_exchange_n(p, &old, new_, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline bool ms_cas64(u64 *p, u64 old, u64 new_)
{
	return __atomic_compare_exchange_n(p, &old, new_, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline u64 ms_fetch_add64(u64 *p, u64 v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}

/*
 * Two words at once, where there is such an instruction: 16-byte aligned. The
 * sanitizer for threads does not see into it.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MS_NO_CAS128
#endif
#endif
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && \
	!defined(MS_NO_CAS128) && !defined(__CPROVER__)
#define MS_HAVE_CAS128
static inline bool ms_cas128(u64 *p, u64 old0, u64 old1, u64 new0, u64 new1)
{
	bool ok;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(ok), "+m"(*(__uint128_t *)p), "+a"(old0), "+d"(old1)
			 : "b"(new0), "c"(new1)
			 : "memory");
	return ok;
}
#endif

/*
 * ThreadSanitizer does not know fences. What they order here is only ever
 * accessed by the atomics above, so nothing is hidden from it.
 */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void ms_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void ms_mb_after_cas(void)
{
#if defined(__x86_64__) || defined(__i386__)
	/* A locked instruction is one already. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void ms_rmb(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#pragma GCC diagnostic pop
#endif

static inline void ms_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* Set by tests that want to see a warning; the default aborts. */
void ms_warn(const char *cond, const char *file, int line);

#define MS_WARN_ON_ONCE(cond)						\
	({								\
		bool ms_warn_cond = !!(cond);				\
									\
		if (ms_warn_cond)					\
			ms_warn(#cond, __FILE__, __LINE__);		\
		ms_warn_cond;						\
	})
#define MS_BUILD_ASSERT(cond)	_Static_assert(cond, #cond)

#ifndef fallthrough
#define fallthrough		__attribute__((__fallthrough__))
#endif

#endif /* MS_CORE_PORT_USER_H */
