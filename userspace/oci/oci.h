/* SPDX-License-Identifier: MIT */
/*
 * What the parts of memstate-oci-hook share.
 *
 * Model
 *
 *   state.c reads what the runtime says, cgroup.c what the kernel says; limits.c makes
 *   limits of both and looks at nothing else; adapt.c puts them into the container's
 *   environment, before it is created; memstate-oci-hook.c sets them.
 *
 *   Whoever fails says why in one line, without the program's name. MS_OCI_MISSING is
 *   no failure where the container takes memstate for optional.
 */
#ifndef MS_OCI_H
#define MS_OCI_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <json-c/json.h>
#include <memstate.h>

#define MS_OCI_PREFIX "org.memstate."
#define MS_OCI_MISSING 1
#define MS_OCI_WHY_MAX (2 * PATH_MAX)

/* ---- limits.c: from annotations and figures to limits ------------------------- */

/* What is kept for memory that memstate does not see: a fraction, and a least. */
#define MS_OCI_ALLOWANCE_SHARE 8
#define MS_OCI_ALLOWANCE_LEAST (UINT64_C(16) << 20)

/* Percent of max that may be granted: of one that was asked for, and of one that was derived. */
#define MS_OCI_OVERCOMMIT 100
#define MS_OCI_OVERCOMMIT_DERIVED 200

/**
 * struct ms_oci_annotations - what was written down, NULL where it was not
 * @max:	org.memstate.max
 * @high:	org.memstate.high
 * @allowance:	org.memstate.allowance
 * @optional:	org.memstate.optional
 * @derive:	org.memstate.derive
 * @overcommit:	org.memstate.overcommit
 * @adapt:	org.memstate.adapt
 * @workers:	org.memstate.workers
 */
struct ms_oci_annotations {
	const char *max;
	const char *high;
	const char *allowance;
	const char *optional;
	const char *derive;
	const char *overcommit;
	const char *adapt;
	const char *workers;
};

/**
 * struct ms_oci_wish - what that means
 * @has_max:	@max was given
 * @has_high:	@high was given
 * @has_allowance: @allowance was given
 * @optional:	the container may start without memstate
 * @derive:	max is to be made from the memory limit where it was not given
 * @adapt:	runtimes are to be told of the limit
 * @overcommit:	percent, 0: not given
 * @workers:	so many processes alike share it
 * @max:	bytes, or MEMSTATE_UNLIMITED
 * @high:	bytes, or MEMSTATE_UNLIMITED
 * @allowance:	bytes
 */
struct ms_oci_wish {
	bool has_max;
	bool has_high;
	bool has_allowance;
	bool optional;
	bool derive;
	bool adapt;
	uint32_t overcommit;
	uint32_t workers;
	uint64_t max;
	uint64_t high;
	uint64_t allowance;
};

/**
 * struct ms_oci_figures - what the container has and may have, in bytes
 * @memory_max:	its memory limit, or MEMSTATE_UNLIMITED
 * @file:	page cache, shared memory included
 * @kernel:	the kernel's own, for it
 * @sock:	buffers of sockets
 * @page_size:	that of the system
 */
struct ms_oci_figures {
	uint64_t memory_max;
	uint64_t file;
	uint64_t kernel;
	uint64_t sock;
	uint64_t page_size;
};

/**
 * struct ms_oci_limits - what is to be set
 * @set:	MEMSTATE_LIMIT_*, 0: nothing
 * @high:	bytes, or MEMSTATE_UNLIMITED
 * @max:	bytes, or MEMSTATE_UNLIMITED
 * @overcommit:	percent of max that may be granted as long as it is not touched
 */
struct ms_oci_limits {
	unsigned int set;
	uint32_t overcommit;
	uint64_t high;
	uint64_t max;
};

int ms_oci_wish(const struct ms_oci_annotations *annotations, bool derive,
		struct ms_oci_wish *wish, char *why);
int ms_oci_limits(const struct ms_oci_wish *wish,
		  const struct ms_oci_figures *figures,
		  struct ms_oci_limits *limits, char *why);

/* ---- state.c: what the runtime says --------------------------------------------- */

/**
 * struct ms_oci_state - the container, as the runtime describes it
 * @pid:	its first process
 * @annotations: those that are ours; text of @state and @config
 * @memory_max:	bytes by its configuration, or MEMSTATE_UNLIMITED
 * @state:	the document that was read
 * @config:	the bundle's config.json, or NULL
 */
struct ms_oci_state {
	pid_t pid;
	struct ms_oci_annotations annotations;
	uint64_t memory_max;
	struct json_object *state;
	struct json_object *config;
};

int ms_oci_state_read(FILE *in, struct ms_oci_state *state, char *why);
int ms_oci_config_read(FILE *in, struct ms_oci_state *state, char *why);
void ms_oci_state_free(struct ms_oci_state *state);

/* ---- adapt.c: what goes into the container's environment ------------------------- */

int ms_oci_adapt(struct ms_oci_state *state, const struct ms_oci_wish *wish, char *why);

/* ---- cgroup.c: what the kernel says --------------------------------------------- */

/**
 * struct ms_oci_cgroup - a cgroup v2 directory
 * @fd:		descriptor of it
 * @path:	its path, for messages
 */
struct ms_oci_cgroup {
	int fd;
	char path[PATH_MAX];
};

int ms_oci_cgroup_open(pid_t pid, struct ms_oci_cgroup *cgroup, char *why);
int ms_oci_cgroup_max(const struct ms_oci_cgroup *cgroup, uint64_t *max,
		      char *why);
int ms_oci_cgroup_usage(const struct ms_oci_cgroup *cgroup,
			struct ms_oci_figures *figures, char *why);

#endif /* MS_OCI_H */
