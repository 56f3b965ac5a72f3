/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Birth and death: of books, and of what is known of an address space.
 *
 * Model
 *
 *   A *space* is an address space that had books once: its notifier, which tells of
 *   unmappings and of the mm's end, and the books that are open now. To register a
 *   notifier stops all who work on any mapping that the mm has, so it is done once, and
 *   the space stays until the mm ends, whatever is opened and closed meanwhile.
 *
 *   Books begin with the first call that needs them: what can fail comes first, then
 *   the mm's own lock, killably and below nothing of ours, then the space takes them;
 *   if another thread was faster, its books are the ones. They end once, by the last
 *   file or by the mm, whoever finds them in the space: first they are out of every
 *   list, then they are closed, below no lock that two tasks share.
 *
 * Locking
 *
 *   mmap_lock           write, of the caller's own mm: a space comes to be
 *     bucket->lock      spinlock: the table of spaces; read under RCU
 *     space->lock       spinlock: which books are open; nr_files of them
 *
 * Races
 *
 *   A space's one use of its notifier is given back by the mm's end or by the module's:
 *   by who takes the space out of the table.
 */
#ifndef MS_LIFE_H
#define MS_LIFE_H

struct mm_struct;
struct ms_task;

/**
 * struct ms_life_ops - what those above do with tasks
 * @appear:	the books have begun
 * @vanish:	they are about to end
 */
struct ms_life_ops {
	void (*appear)(struct ms_task *task);
	void (*vanish)(struct ms_task *task);
};

struct ms_task *ms_task_open(void);
void ms_task_close(struct ms_task *task);
struct ms_task *ms_task_find(const struct mm_struct *mm);
const struct ms_level *ms_task_limit_of(const struct mm_struct *mm);
struct mm_struct *ms_task_mm(struct ms_task *task);
void ms_spaces_init(const struct ms_life_ops *ops);
void ms_spaces_exit(void);

#endif /* MS_LIFE_H */
