/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The port for the kernel: see port.h for what each primitive promises. */
#ifndef MS_CORE_PORT_KERNEL_H
#define MS_CORE_PORT_KERNEL_H

#include <linux/types.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/processor.h>
#include <linux/string.h>
#include <asm/barrier.h>

static __always_inline u32 ms_load32(const u32 *p)
{
	return READ_ONCE(*p);
}

static __always_inline u64 ms_load64(const u64 *p)
{
	return READ_ONCE(*p);
}

static __always_inline void ms_store32(u32 *p, u32 v)
{
	WRITE_ONCE(*p, v);
}

static __always_inline void ms_store64(u64 *p, u64 v)
{
	WRITE_ONCE(*p, v);
}

static __always_inline u32 ms_load32_acquire(const u32 *p)
{
	return smp_load_acquire(p);
}

static __always_inline u64 ms_load64_acquire(const u64 *p)
{
	return smp_load_acquire(p);
}

static __always_inline void ms_store32_release(u32 *p, u32 v)
{
	smp_store_release(p, v);
}

static __always_inline void ms_store64_release(u64 *p, u64 v)
{
	smp_store_release(p, v);
}

static __always_inline bool ms_cas32(u32 *p, u32 old, u32 new)
{
	return cmpxchg(p, old, new) == old;
}

static __always_inline bool ms_cas64(u64 *p, u64 old, u64 new)
{
	return cmpxchg64(p, old, new) == old;
}

static __always_inline u64 ms_fetch_add64(u64 *p, u64 v)
{
	/* A plain word in memory that is shared: the same on all that have 64 bits. */
	return atomic64_fetch_add(v, (atomic64_t *)p);
}

static __always_inline void ms_mb(void)
{
	smp_mb();
}

static __always_inline void ms_mb_after_cas(void)
{
	barrier();
}

static __always_inline void ms_rmb(void)
{
	smp_rmb();
}

static __always_inline void ms_relax(void)
{
	cpu_relax();
}

#define MS_WARN_ON_ONCE(cond)	WARN_ON_ONCE(cond)
#define MS_BUILD_ASSERT(cond)	static_assert(cond)

#endif /* MS_CORE_PORT_KERNEL_H */
