/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The primitives that the core is written against. The port exists twice; the
 * core includes nothing else but the uapi header and itself.
 *
 *   loads and stores    ms_load32 ms_load64 ms_store32 ms_store64: once, not torn
 *   ordered             ms_load32_acquire ms_load64_acquire
 *                       ms_store32_release ms_store64_release
 *   read-modify-write   ms_cas32 ms_cas64 ms_fetch_add64 (fully ordered)
 *                       ms_cas128: two words, if MS_HAVE_CAS128
 *   fences              ms_mb ms_rmb; ms_mb_after_cas: full, behind ms_cas*
 *   waiting             ms_relax
 *   checks              MS_WARN_ON_ONCE MS_BUILD_ASSERT
 *
 * Positions and words in shared memory are plain integers; only these functions
 * touch them.
 */
#ifndef MS_CORE_PORT_H
#define MS_CORE_PORT_H

#ifdef __KERNEL__
#include "port_kernel.h"
#else
#include "port_user.h"
#endif

#endif /* MS_CORE_PORT_H */
