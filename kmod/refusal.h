/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals of growth, observed or asked for: counted, traced, noted in each group, and told in
 * the kernel's log.
 *
 * Model
 *
 *   A refusal that nobody sees is a riddle: the program may say anything or nothing. So the
 *   last one is noted at the group that has refused, and at those below it that the process
 *   is in, whose owner may not be allowed to look further up. The group's worker writes a
 *   line to the log, as the refusal itself is where a console cannot be waited for; how many
 *   is limited for each group, and for all of one user. What a process calls itself is
 *   escaped, and its number is that of the reader's pid namespace; who is not seen there is
 *   nobody.
 *
 * Locking
 *
 *   refusal->lock    spinlock: the note
 */
#ifndef MS_REFUSAL_H
#define MS_REFUSAL_H

#include <linux/types.h>

struct memstate_last_refusal;
struct ms_group;

void ms_refusal(struct ms_group *group, struct ms_group *by, u64 bytes, u32 how);
void ms_refusal_log(struct ms_group *group);
int ms_refusal_show(struct ms_group *group, char *text, size_t size);
void ms_refusal_read(struct ms_group *group, struct memstate_last_refusal *out);

#endif /* MS_REFUSAL_H */
