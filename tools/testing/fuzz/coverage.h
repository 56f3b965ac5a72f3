/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which code of the module has run: /sys/kernel/debug/kcov.
 *
 * Model
 *
 *   The module is the only code that was compiled for it. Each thread that makes calls has
 *   the kernel write down each block that it runs there, in a buffer that only the process
 *   which starts the others maps. New is a block that has not run before, or not behind the
 *   one that it ran behind. What workers of the kernel run for us is not seen.
 */
#ifndef FUZZ_COVERAGE_H
#define FUZZ_COVERAGE_H

#include "rnd.h"

/* Threads of a process of which it is seen; of more at a time, the first. */
enum {
	COVERAGE_MAIN,
	COVERAGE_MATE,
	COVERAGE_CHILD,
	COVERAGE_THREADS,
};

int coverage_init(void);
void coverage_module_loaded(void);
void coverage_of_thread(u32 which);
void coverage_begin(void);
u32 coverage_end(void);
u32 coverage_blocks(void);
void coverage_write(const char *path);

#endif /* FUZZ_COVERAGE_H */
