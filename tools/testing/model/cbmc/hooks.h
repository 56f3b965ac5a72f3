/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The userspace port with something that happens before each access: hook_load()
 * and hook_store(), which the harness defines. CBMC does not follow pointers
 * between threads; what another thread may do between two accesses of the code
 * under test is done there instead.
 */
#ifndef HOOKS_H
#define HOOKS_H

#define ms_load32		port_load32
#define ms_load64		port_load64
#define ms_load32_acquire	port_load32_acquire
#define ms_load64_acquire	port_load64_acquire
#define ms_store32		port_store32
#define ms_store64		port_store64
#define ms_store32_release	port_store32_release
#define ms_store64_release	port_store64_release
#include "port.h"
#undef ms_load32
#undef ms_load64
#undef ms_load32_acquire
#undef ms_load64_acquire
#undef ms_store32
#undef ms_store64
#undef ms_store32_release
#undef ms_store64_release

static void hook_load(const void *p);
static void hook_store(void *p);

#define HOOKED(bits)							\
static inline u##bits ms_load##bits(const u##bits *p)			\
{									\
	hook_load(p);							\
	return port_load##bits(p);					\
}									\
static inline u##bits ms_load##bits##_acquire(const u##bits *p)		\
{									\
	hook_load(p);							\
	return port_load##bits##_acquire(p);				\
}									\
static inline void ms_store##bits(u##bits *p, u##bits v)		\
{									\
	hook_store(p);							\
	port_store##bits(p, v);						\
}									\
static inline void ms_store##bits##_release(u##bits *p, u##bits v)	\
{									\
	hook_store(p);							\
	port_store##bits##_release(p, v);				\
}

HOOKED(32)
HOOKED(64)

#endif /* HOOKS_H */
