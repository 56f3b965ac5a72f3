/* SPDX-License-Identifier: MIT */
/*
 * memstate export: figures for Prometheus.
 *
 *	families.c	which there are: names, files, what they mean
 *	data.c		reads them; with ids.c, which there are, and values.c, one's (data.h)
 *	text.c		writes them
 *	export.c		the command
 *	exec.c		--listen, in memstate(1): runs the server, a program apart,
 *	http.c		--listen, there: serves them (http.h)
 */
#ifndef MS_CLI_EXPORT_H
#define MS_CLI_EXPORT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/**
 * struct export_paths - where figures come from
 * @sysfs:	the module's directory
 * @module:	the module's directory among modules, for its version
 * @mountinfo:	mounts, of which one is of type cgroup2
 * @proc:	processes
 * @fresh:	called before they are read; NULL: nothing is
 */
struct export_paths {
	const char *sysfs;
	const char *module;
	const char *mountinfo;
	const char *proc;
	void (*fresh)(void);
};

/* What figures are of. */
enum export_level {
	EXPORT_SYSTEM,
	EXPORT_GROUP,
	EXPORT_TASK,
};

#define EXPORT_NR_LEVELS	3

/* ---- families.c ------------------------------------------------------------ */

enum export_type {
	EXPORT_GAUGE,
	EXPORT_COUNTER,
};

/* How a figure is read. */
enum export_source {
	EXPORT_NUMBER,		/* the module's file is a number, or "max" */
	EXPORT_PRESSURE,	/* the file "pressure" */
	EXPORT_ALLOC,		/* a number, if the task's allocator counts */
	EXPORT_ANON,		/* observed: memory.stat, or the task's status */
	EXPORT_REFUSAL,		/* a part of the last refusal, by its name */
};

/**
 * struct export_sample - one sample of a family
 * @labels:	what tells it from the family's others, with a comma at its end, or ""
 * @file:	where its value is read
 */
struct export_sample {
	const char *labels;
	const char *file;
};

/**
 * struct export_family - samples of one name
 * @name:	without what is put before and behind it
 * @unit:	that it ends in, or NULL
 * @help:	what it means
 * @samples:	of each object
 * @nr:		how many
 * @levels:	what it is told of: 1 << enum export_level, or-ed
 * @type:	gauge, or a counter
 * @source:	how it is read
 */
struct export_family {
	const char *name;
	const char *unit;
	const char *help;
	const struct export_sample *samples;
	unsigned int nr;
	unsigned int levels;
	enum export_type type;
	enum export_source source;
};

extern const struct export_family ms_export_families[];
extern const size_t ms_export_nr_families;
extern const char *const ms_export_prefix[EXPORT_NR_LEVELS];

/* ---- data.c ---------------------------------------------------------------- */

/* Samples of the exporter's own; there is always room for these and the system's. */
#define EXPORT_OWN_SAMPLES	10
#define EXPORT_SAMPLES_MIN	100

/**
 * struct export_object - the system, a group or a task
 * @id:		cgroup id, or process id
 * @group:	of a task: cgroup id of its group, or MS_FILE_UNKNOWN
 * @name:	path of the cgroup, name of the task; "": not known
 * @values:	of the samples of all families of its level, one after the other;
 *		MS_FILE_UNKNOWN, MS_FILE_UNLIMITED: there is no sample
 */
struct export_object {
	uint64_t id;
	uint64_t group;
	char *name;
	uint64_t *values;
};

/**
 * struct export_list - objects of one level
 * @objects:	by id
 * @nr:		how many
 * @room:	for how many
 * @samples:	how many they have
 * @bounded:	how many were left out: there would have been too many samples
 * @late:	likewise: the time was up
 * @withheld:	likewise: somebody else's
 */
struct export_list {
	struct export_object *objects;
	size_t nr;
	size_t room;
	size_t samples;
	size_t bounded;
	size_t late;
	size_t withheld;
};

/**
 * struct export_options - what is asked for
 * @groups:	groups
 * @tasks:	tasks
 * @max_samples: no more samples than these
 * @limit_ns:	no longer than this
 */
struct export_options {
	bool groups;
	bool tasks;
	size_t max_samples;
	uint64_t limit_ns;
};

/**
 * struct export_data - everything at one time
 * @options:	what was asked for
 * @lists:	by enum export_level
 * @version:	of the module, "": it does not tell
 * @took_ns:	how long it took
 */
struct export_data {
	struct export_options options;
	struct export_list lists[EXPORT_NR_LEVELS];
	char version[64];
	uint64_t took_ns;
};

int ms_export_collect(const struct export_paths *paths,
		      const struct export_options *options, struct export_data *data);
void ms_export_free(struct export_data *data);
size_t ms_export_left_out(const struct export_data *data);

/* ---- text.c ---------------------------------------------------------------- */

enum export_format {
	EXPORT_PROMETHEUS,	/* text format 0.0.4 */
	EXPORT_OPENMETRICS,	/* 1.0.0 */
};

void ms_export_write(FILE *f, enum export_format format, const struct export_data *data);
void ms_export_write_down(FILE *f, enum export_format format);
const char *ms_export_content_type(enum export_format format);
enum export_format ms_export_negotiate(const char *accept);

/* ---- exec.c, http.c ------------------------------------------------- */

/* The server, below the directory of programs that only programs run. */
#define EXPORT_SERVER	"memstate-export-http"

/**
 * struct export_address - where to listen
 * @any:	address and port
 * @v4:	the same, if it is of IPv4
 * @v6:	the same, if it is of IPv6
 * @length:	of it
 */
struct export_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

int ms_export_serve(const struct export_paths *paths,
		    const struct export_options *options,
		    const struct export_address *address, char **argv);

/* ---- export.c --------------------------------------------------------------------- */

/* Room for a message. */
#define EXPORT_TEXT_MAX		512

const char *ms_export_error(const struct export_paths *paths, int ret,
			    char text[EXPORT_TEXT_MAX]);
void ms_export_warn(const struct export_data *data);
int ms_export(const struct export_paths *paths, int argc, char **argv);

#endif /* MS_CLI_EXPORT_H */
