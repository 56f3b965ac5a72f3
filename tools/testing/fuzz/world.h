/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a round begins with, and what must be so when it is over.
 *
 * Model
 *
 *   When all its processes have ended, nobody holds memory: totals and charges are zero, no
 *   task has a file or directory, and groups are those of cgroups that are there. What
 *   workers of the kernel's still have to do is waited for. Then the module can go, if it
 *   is to: also before that, as it has to wait by itself.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "rnd.h"

#define SETTLES_S	60	/* more than it takes on any machine */

bool soon_within(int seconds, bool (*holds)(char *why, size_t bytes), char *why, size_t bytes);
int world_prepare(void);
bool world_is_at_rest(char *why, size_t bytes);
void world_remove_cgroups(void);
void world_kill_all(void);

/* The module: its file, and the parameters it was loaded with. */
int module_load(const char *path, const char *parameters);
bool module_is_gone(char *why, size_t bytes);
void module_pick_parameters(char *parameters, size_t bytes, u64 *seed);

/* The kernel's reports: what vm.sh takes for one. */
int console_init(const char *pattern);
bool console_has_report(char *line, size_t bytes);

#endif /* FUZZ_WORLD_H */
