// SPDX-License-Identifier: MIT
/* What the runtime says: the state on standard input, the bundle's config.json. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci.h"

/* No state or configuration comes near this. */
#define DOCUMENT_MAX (16 << 20)

/* All of a stream. Return: 0 or a negative errno. */
static int read_all(FILE *in, char **text, size_t *length)
{
	size_t room = 0;
	char *more;

	*text = NULL;
	*length = 0;
	do {
		if (*length == room) {
			if (room >= DOCUMENT_MAX)
				return -EFBIG;
			room = room ? 2 * room : 4096;
			more = realloc(*text, room);
			if (!more)
				return -ENOMEM;
			*text = more;
		}
		errno = 0;
		*length += fread(*text + *length, 1, room - *length, in);
		if (ferror(in))
			return errno ? -errno : -EIO;
	} while (!feof(in));
	return 0;
}

static int parse(const char *name, const char *text, size_t length,
		 struct json_object **object, char *why)
{
	struct json_tokener *tokener = json_tokener_new();
	enum json_tokener_error error;

	*object = NULL;
	if (!tokener) {
		snprintf(why, MS_OCI_WHY_MAX, "%s: %s", name, strerror(ENOMEM));
		return -ENOMEM;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	*object = json_tokener_parse_ex(tokener, text, (int)length);
	error = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (error == json_tokener_continue)
		snprintf(why, MS_OCI_WHY_MAX, "%s: JSON that %s", name,
			 length ? "does not come to its end" : "is empty");
	else if (error != json_tokener_success)
		snprintf(why, MS_OCI_WHY_MAX, "%s: not JSON: %s", name,
			 json_tokener_error_desc(error));
	else if (!json_object_is_type(*object, json_type_object))
		snprintf(why, MS_OCI_WHY_MAX, "%s: JSON, but not an object",
			 name);
	else
		return 0;
	json_object_put(*object);
	*object = NULL;
	return -EINVAL;
}

static int read_object(const char *name, FILE *in, struct json_object **object,
		       char *why)
{
	size_t length;
	char *text;
	int ret = read_all(in, &text, &length);

	*object = NULL;
	if (ret)
		snprintf(why, MS_OCI_WHY_MAX, "%s: %s", name, strerror(-ret));
	else
		ret = parse(name, text, length, object, why);
	free(text);
	return ret;
}

/* A member of a type; *@member is NULL where it is absent or null. */
static int get(const char *name, struct json_object *o, const char *key,
	       enum json_type type, struct json_object **member, char *why)
{
	*member = NULL;
	if (!o || !json_object_object_get_ex(o, key, member) || !*member ||
	    json_object_is_type(*member, type))
		return 0;
	snprintf(why, MS_OCI_WHY_MAX, "%s: '%s' is not of type %s", name, key,
		 json_type_to_name(type));
	return -EINVAL;
}

/* Ours among the annotations of one document; what is known already stays. */
static int take_annotations(const char *name, struct json_object *document,
			    struct ms_oci_annotations *known, char *why)
{
	const struct {
		const char *name;
		const char **text;
	} ours[] = {
		{ "max", &known->max },
		{ "high", &known->high },
		{ "allowance", &known->allowance },
		{ "optional", &known->optional },
		{ "derive", &known->derive },
		{ "overcommit", &known->overcommit },
		{ "adapt", &known->adapt },
		{ "workers", &known->workers },
	};
	struct json_object *annotations;
	size_t i;

	if (get(name, document, "annotations", json_type_object, &annotations,
		why))
		return -EINVAL;
	if (!annotations)
		return 0;
	json_object_object_foreach(annotations, key, value)
	{
		if (strncmp(key, MS_OCI_PREFIX, strlen(MS_OCI_PREFIX)))
			continue;
		for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (!strcmp(key + strlen(MS_OCI_PREFIX), ours[i].name))
				break;
		if (i == sizeof(ours) / sizeof(ours[0])) {
			snprintf(
				why, MS_OCI_WHY_MAX,
				"annotation %.128s: there is none of this name",
				key);
			return -EINVAL;
		}
		if (!json_object_is_type(value, json_type_string)) {
			snprintf(why, MS_OCI_WHY_MAX,
				 "annotation %s: not a string", key);
			return -EINVAL;
		}
		if (!*ours[i].text)
			*ours[i].text = json_object_get_string(value);
	}
	return 0;
}

static int take_pid(struct ms_oci_state *state, char *why)
{
	struct json_object *pid;
	int64_t value;

	if (get("state", state->state, "pid", json_type_int, &pid, why))
		return -EINVAL;
	if (!pid) {
		snprintf(why, MS_OCI_WHY_MAX, "state: no 'pid'");
		return -EINVAL;
	}
	value = json_object_get_int64(pid);
	if (value < 1 || value > INT32_MAX) {
		snprintf(why, MS_OCI_WHY_MAX,
			 "state: 'pid' %lld is not a process id",
			 (long long)value);
		return -EINVAL;
	}
	state->pid = (pid_t)value;
	return 0;
}

/* linux.resources.memory.limit: nothing, 0 or less is none. */
static int take_memory_limit(const char *name, struct ms_oci_state *state,
			     char *why)
{
	static const char *const path[] = { "linux", "resources", "memory" };
	struct json_object *o = state->config;
	int64_t limit;
	int i;

	for (i = 0; i < 3; i++)
		if (get(name, o, path[i], json_type_object, &o, why))
			return -EINVAL;
	if (get(name, o, "limit", json_type_int, &o, why))
		return -EINVAL;
	limit = o ? json_object_get_int64(o) : 0;
	if (limit > 0)
		state->memory_max = (uint64_t)limit;
	return 0;
}

/*
 * A runtime may have been told to take another file; then the annotations of the
 * state must do. Without those nothing is known, and that is an error.
 */
static int read_config(struct ms_oci_state *state, char *why)
{
	struct json_object *bundle;
	char path[PATH_MAX];
	FILE *in;
	int ret;

	if (get("state", state->state, "bundle", json_type_string, &bundle,
		why))
		return -EINVAL;
	if (!bundle || *json_object_get_string(bundle) != '/') {
		snprintf(why, MS_OCI_WHY_MAX, "state: 'bundle' is %s",
			 bundle ? "not an absolute path" : "missing");
		return -EINVAL;
	}
	ret = snprintf(path, sizeof(path), "%s/config.json",
		       json_object_get_string(bundle));
	if (ret >= (int)sizeof(path)) {
		snprintf(why, MS_OCI_WHY_MAX, "state: 'bundle' is too long");
		return -ENAMETOOLONG;
	}
	in = fopen(path, "re");
	if (!in) {
		ret = -errno;
		if (ret == -ENOENT &&
		    json_object_object_get(state->state, "annotations"))
			return 0;
		snprintf(why, MS_OCI_WHY_MAX, "%s: %s", path, strerror(-ret));
		return ret;
	}
	ret = read_object(path, in, &state->config, why);
	fclose(in);
	if (!ret)
		ret = take_annotations(path, state->config, &state->annotations,
				       why);
	return ret ? ret : take_memory_limit(path, state, why);
}

/**
 * ms_oci_state_read() - read the state, and the configuration of its bundle
 * @in:		the state
 * @state:	what they say; to be freed, also after an error
 * @why:	MS_OCI_WHY_MAX bytes, what is wrong with them
 *
 * An annotation of the state hides that of the configuration.
 *
 * Context: any. Return: 0 or a negative errno, see @why.
 */
int ms_oci_state_read(FILE *in, struct ms_oci_state *state, char *why)
{
	int ret;

	memset(state, 0, sizeof(*state));
	state->memory_max = MEMSTATE_UNLIMITED;
	ret = read_object("state", in, &state->state, why);
	if (!ret)
		ret = take_pid(state, why);
	if (!ret)
		ret = take_annotations("state", state->state,
				       &state->annotations, why);
	return ret ? ret : read_config(state, why);
}

/**
 * ms_oci_config_read() - read a configuration alone, of a container that is not there yet
 * @in:		config.json
 * @state:	what it says; to be freed, also after an error
 * @why:	MS_OCI_WHY_MAX bytes, what is wrong with it
 *
 * Context: any. Return: 0 or a negative errno, see @why.
 */
int ms_oci_config_read(FILE *in, struct ms_oci_state *state, char *why)
{
	int ret;

	memset(state, 0, sizeof(*state));
	state->memory_max = MEMSTATE_UNLIMITED;
	ret = read_object("config", in, &state->config, why);
	if (!ret)
		ret = take_annotations("config", state->config, &state->annotations, why);
	return ret ? ret : take_memory_limit("config", state, why);
}

/**
 * ms_oci_state_free() - free what ms_oci_state_read() made
 * @state: the state; its annotations are gone, too
 *
 * Context: any.
 */
void ms_oci_state_free(struct ms_oci_state *state)
{
	json_object_put(state->config);
	json_object_put(state->state);
	memset(state, 0, sizeof(*state));
}
