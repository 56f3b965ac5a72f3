/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the harnesses ask of CBMC. */
#ifndef HARNESS_H
#define HARNESS_H

#include "port.h"

u8 nondet_u8(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
struct memstate_record nondet_record(void);

#define assume(cond)		__CPROVER_assume(cond)
#define claim(cond, what)	__CPROVER_assert(cond, what)

/* The core never warns, whatever it is given. */
void ms_warn(const char *cond, const char *file, int line)
{
	(void)cond;
	(void)file;
	(void)line;
	claim(0, "the core does not warn");
}

#endif /* HARNESS_H */
