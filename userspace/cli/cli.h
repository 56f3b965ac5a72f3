/* SPDX-License-Identifier: MIT */
/*
 * What the commands share. A command is one function, in a file of its own; the
 * table of them is in main.c.
 *
 * Exit status: 0; 1: it did not work, and a message said why; 2: the command line
 * is wrong. run passes on that of the program; audit: 1 also where something was
 * found.
 *
 * What is said: of a file "FILE: why", by ms_error_text(); of an option's value "option '--x':
 * 'y' is not ..."; options by their long names, and in --help "(default N)" where one is not given.
 */
#ifndef MS_CLI_H
#define MS_CLI_H

#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <json-c/json.h>
#include <memstate.h>

#include "names.h"

#define EXIT_USAGE	2

int memstate_cmd_adapt(int argc, char **argv);
int memstate_cmd_advise(int argc, char **argv);
int memstate_cmd_audit(int argc, char **argv);
int memstate_cmd_export(int argc, char **argv);
int memstate_cmd_limit(int argc, char **argv);
int memstate_cmd_observe(int argc, char **argv);
int memstate_cmd_plot(int argc, char **argv);
int memstate_cmd_ranges(int argc, char **argv);
int memstate_cmd_record(int argc, char **argv);
int memstate_cmd_replay(int argc, char **argv);
int memstate_cmd_run(int argc, char **argv);
int memstate_cmd_scan(int argc, char **argv);
int memstate_cmd_shrink(int argc, char **argv);
int memstate_cmd_stat(int argc, char **argv);
int memstate_cmd_tend(int argc, char **argv);
int memstate_cmd_top(int argc, char **argv);
int memstate_cmd_watch(int argc, char **argv);

/* ---- out.c: messages, and words for figures ---------------------------------- */

void ms_vsay(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
void ms_err(const char *format, ...) __attribute__((format(printf, 1, 2)));
int ms_print_end(void);
const char *ms_error_text(int error);
int ms_usage_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int ms_option_error(const char *command, int c, char **argv);
const char *ms_size(uint64_t bytes);
uint64_t ms_alloc_heap(const struct memstate_alloc *a);
void ms_print_alloc(int indent, uint64_t heap, const struct memstate_alloc *a);

/* Of a file that only the module makes. */
#define MS_NO_MODULE	"%s is not there: the module is not loaded (modprobe memstate)"

#define MS_NR_PRESSURES	(MEMSTATE_PRESSURE_MAX + 1)

extern const char *const ms_event_names[MEMSTATE_NR_EVENTS];
extern const char *const ms_pressure_names[MS_NR_PRESSURES];

const char *ms_pressure_name(uint32_t pressure);

/* ---- args.c: what stands on a command line ------------------------------------ */

pid_t ms_pid_arg(const char *command, const char *text);
pid_t ms_one_pid(const char *command, const char *help, int argc, char **argv,
		 bool *json, int *status);
int ms_last_options(const char *command, const char *help, int c, char **argv, bool *json);
const char *ms_size_words(const char *text, char **argv);
int ms_parse_size(const char *command, const char *option, const char *text, uint64_t *bytes);
int ms_size_arg(const char *command, const char *option, char **argv, uint64_t *bytes);
int ms_bytes_arg(const char *command, const char *option, char **argv, uint64_t *bytes);
int ms_seconds_arg(const char *command, const char *option, double least, double most,
		   double *seconds);
int ms_count_arg(const char *command, const char *option, unsigned long least,
		 unsigned long most, unsigned long *count);
int ms_word_arg(const char *command, const char *option, const char *text,
		const char *const *words, int nr);
int ms_percent_arg(const char *command, const char *text, uint32_t *percent);

/* ---- json.c: documents -------------------------------------------------------- */

/**
 * struct ms_counter - a counter of struct memstate_totals
 * @name:	as its file and member are called
 * @offset:	where it is
 */
struct ms_counter {
	const char *name;
	size_t offset;
};

extern const struct ms_counter ms_counters[];

struct json_object *ms_json_text(const char *text);
struct json_object *ms_json_u64(uint64_t value);
void ms_json_add_text(struct json_object *o, const char *key, const char *text);
void ms_json_add(struct json_object *o, const char *key, uint64_t value);
void ms_json_add_limit(struct json_object *o, const char *key, uint64_t limit);
void ms_json_add_known(struct json_object *o, const char *key, int64_t value);
void ms_json_totals(struct json_object *o, const struct memstate_totals *t);
void ms_json_alloc(struct json_object *o, uint64_t heap, const struct memstate_alloc *a);
void ms_json_bounds(struct json_object *o, const struct memstate_limit *l);
int ms_json_print(struct json_object *o);

/* ---- adapt.c: a limit, by runtimes' own settings -------------------------------- */

int ms_adapt_environment(uint64_t max, uint32_t workers);
const char *ms_adapt_runtime(const char *command, const char *comm, uint64_t max);
int ms_workers_arg(const char *command, const char *text, uint32_t *workers);

/* ---- limit_words.c: limits for people and programs -------------------------------------- */

const char *ms_limit_size(uint64_t limit);
void ms_json_limit(struct json_object *o, const struct memstate_limit *l);
int ms_limit_error(const char *what, int ret);
struct ms_refusal;

void ms_group_refusal_text(uint64_t group, char *text, size_t size);
bool ms_is_unenforced(const struct memstate_observe *w);
uint64_t ms_commit_max(const struct memstate_observe *w);
void ms_json_observe(struct json_object *o, const struct memstate_observe *w);

struct ms_cgroup_memory;

void ms_json_memory(struct json_object *o, const struct ms_cgroup_memory *m);

/* What is said where ms_is_unenforced(). */
#define MS_UNENFORCED	"limits are not enforced for what reports nothing: memstate observe --hook"

/* ---- observe_why.c: why programs that report nothing are not observed ------------------ */

int ms_observe_can(void);
const char *ms_observe_why(int ret);
int ms_observe_error(const char *what, int ret);

/* ---- stat_group.c: groups ----------------------------------------------------------- */

int ms_stat_groups(char **targets, int nr, bool json);

/* ---- figures.c: what the kernel says of a process ----------------------------- */

#define SYSFS_DIR	"/sys/class/misc/memstate"

/**
 * struct ms_observed - the kernel's own figures of a process, bytes
 * @vm_size:	address space
 * @rss:	resident
 * @anonymous:	resident and anonymous
 * @lazy_free:	given back by MADV_FREE and not yet taken
 * @swap:	swapped out
 * @commit:	private memory that may be written to, stacks apart
 * @shared:	resident and shared: memfd, shm, tmpfs, MAP_SHARED
 * @anon_mapped: private anonymous mappings and the heap, accessible
 * @anon_reserved: the same, without access
 */
struct ms_observed {
	uint64_t vm_size;
	uint64_t rss;
	uint64_t anonymous;
	uint64_t lazy_free;
	uint64_t swap;
	uint64_t commit;
	uint64_t shared;
	uint64_t anon_mapped;
	uint64_t anon_reserved;
};

struct ms_figures;

int ms_sysfs_tasks(int (*see)(const struct ms_figures *f, pid_t pid, void *arg), void *arg);
int ms_sysfs_totals(pid_t pid, struct memstate_totals *totals, struct memstate_alloc *alloc);
int ms_task_totals(pid_t pid, struct memstate_totals *totals, struct memstate_alloc *alloc);
int ms_system_totals(struct memstate_totals *totals);
int ms_observe(pid_t pid, struct ms_observed *observed);
void ms_observed_states(const struct ms_observed *observed, struct memstate_totals *totals);

/* ---- now.c: how late it is ------------------------------------------------------- */

double ms_now(void);
int64_t ms_now_ms(void);

/* ---- interrupt.c: who is told to end ----------------------------------------------- */

void ms_interrupt_catch(void);
bool ms_interrupted(void);

/* ---- process.c: a process as one sees it in /proc --------------------------------- */

FILE *ms_process_file(pid_t pid, const char *name);
void ms_process_name(pid_t pid, char *name, size_t size);
bool ms_process_exists(pid_t pid);
void ms_own_dir(char *dir, size_t size);

/* ---- handle.c: another task's descriptor --------------------------------------- */

int ms_task_handle(pid_t pid);
int ms_task_handle_quiet(pid_t pid);

/**
 * struct ms_process_fds - what MEMSTATE_SCOPE_PROCESS takes
 * @device:	the device
 * @pidfd:	the process
 */
struct ms_process_fds {
	int device;
	int pidfd;
};

int ms_process_open(pid_t pid, struct ms_process_fds *p);
void ms_process_close(struct ms_process_fds *p);

#endif /* MS_CLI_H */
