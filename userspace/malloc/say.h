/* SPDX-License-Identifier: MIT */
/* What is said on standard error. Nothing is allocated. */
#ifndef MS_MALLOC_SAY_H
#define MS_MALLOC_SAY_H

#include "hints.h"

MS_HIDDEN void ms_say(const char *const *parts);
MS_HIDDEN void ms_malloc_say(const char *what, const char *more);

/* What ends the process. */
MS_HIDDEN void ms_malloc_die(const char *what, const void *p) __attribute__((noreturn));

#endif /* MS_MALLOC_SAY_H */
