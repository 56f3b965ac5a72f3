/* SPDX-License-Identifier: MIT */
/* A thread that drops what has been free for long. */
#ifndef MS_MALLOC_BACKGROUND_H
#define MS_MALLOC_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "slab.h"

MS_HIDDEN int ms_background_set(bool on);
MS_HIDDEN bool ms_background_get(void);
MS_HIDDEN void ms_background_start(char *const *env);

MS_HIDDEN void ms_background_fork_prepare(void);
MS_HIDDEN void ms_background_fork_done(void);
/* After the locks have been released. */
MS_HIDDEN void ms_background_fork_child(void);

#endif /* MS_MALLOC_BACKGROUND_H */
