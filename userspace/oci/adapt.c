// SPDX-License-Identifier: MIT
/*
 * The precreate stage: a container's configuration goes through, and what its runtimes are to
 * be told of its limit is added to its environment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "knobs.h"
#include "oci.h"

/* Return: what a variable is in a list of NAME=VALUE, and where; NULL: it is not there. */
static const char *find(struct json_object *env, const char *name, size_t *at)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < json_object_array_length(env); i++) {
		struct json_object *o = json_object_array_get_idx(env, i);
		const char *text = json_object_is_type(o, json_type_string) ?
					   json_object_get_string(o) : "";

		if (!strncmp(text, name, length) && text[length] == '=') {
			*at = i;
			return text + length + 1;
		}
	}
	return NULL;
}

static const char *get(const char *name, void *arg)
{
	size_t at;

	return find(arg, name, &at);
}

static int set(struct json_object *env, const char *name, const char *value)
{
	struct json_object *o;
	char *text;
	size_t at;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return -ENOMEM;
	o = json_object_new_string(text);
	free(text);
	if (!o)
		return -ENOMEM;
	if (find(env, name, &at) ? json_object_array_put_idx(env, at, o) :
				   json_object_array_add(env, o)) {
		json_object_put(o);
		return -ENOMEM;
	}
	return 0;
}

/* The list of the container's process, made if it has none. Return: 0 or a negative errno. */
static int environment(struct json_object *config, struct json_object **env, char *why)
{
	struct json_object *process = json_object_object_get(config, "process");

	if (!json_object_is_type(process, json_type_object)) {
		snprintf(why, MS_OCI_WHY_MAX, "config: 'process' is %s",
			 process ? "not of type object" : "missing");
		return -EINVAL;
	}
	*env = json_object_object_get(process, "env");
	if (!*env) {
		*env = json_object_new_array();
		if (!*env || json_object_object_add(process, "env", *env)) {
			snprintf(why, MS_OCI_WHY_MAX, "config: %s", strerror(ENOMEM));
			return -ENOMEM;
		}
	}
	if (json_object_is_type(*env, json_type_array))
		return 0;
	snprintf(why, MS_OCI_WHY_MAX, "config: 'env' is not of type array");
	return -EINVAL;
}

/* What will be the limit: nothing is known yet of what the container needs besides. */
static int limit(const struct ms_oci_wish *wish, uint64_t memory_max, uint64_t *max, char *why)
{
	const struct ms_oci_figures figures = { .memory_max = memory_max, .page_size = 4096 };
	struct ms_oci_limits limits;
	int ret = ms_oci_limits(wish, &figures, &limits, why);

	*max = limits.max;
	if (ret || *max != MEMSTATE_UNLIMITED)
		return ret;
	snprintf(why, MS_OCI_WHY_MAX,
		 "annotation " MS_OCI_PREFIX "adapt: there is no limit to tell of (" MS_OCI_PREFIX
		 "max, or a memory limit and " MS_OCI_PREFIX "derive)");
	return -EINVAL;
}

/**
 * ms_oci_adapt() - tell a container's runtimes of its limit, by its environment
 * @state:	the container; its configuration is changed
 * @wish:	what its annotations ask for
 * @why:	MS_OCI_WHY_MAX bytes, what is wrong
 *
 * What its image or its user has set stays. PHP's setting takes a file that images have not.
 *
 * Context: any. Return: 0 or a negative errno, see @why.
 */
int ms_oci_adapt(struct ms_oci_state *state, const struct ms_oci_wish *wish, char *why)
{
	struct ms_adapt a = { .workers = wish->workers, .get = get };
	char text[MS_KNOB_VALUE_MAX];
	struct json_object *env;
	int ret;

	if (!wish->adapt)
		return 0;
	ret = limit(wish, state->memory_max, &a.max, why);
	if (!ret)
		ret = environment(state->config, &env, why);
	if (ret)
		return ret;
	a.arg = env;
	for (size_t i = 0; i < ms_knobs_nr; i++) {
		if (!ms_knob_value(&ms_knobs_all[i], &a, text, sizeof(text)))
			continue;
		ret = set(env, ms_knobs_all[i].name, text);
		if (ret) {
			snprintf(why, MS_OCI_WHY_MAX, "config: %s", strerror(-ret));
			return ret;
		}
	}
	return 0;
}
