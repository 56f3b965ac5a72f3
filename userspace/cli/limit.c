// SPDX-License-Identifier: MIT
/* memstate limit: show or set the limits of a cgroup. */
#include <errno.h>
#include <string.h>

#include "cgroup.h"
#include "cli.h"
#include "rules.h"

static const char help[] =
	"usage: memstate limit TARGET [OPTION]...\n\n"
	"Show or set the limits of a cgroup and all below it. TARGET is a directory of\n"
	"cgroupfs, a path in the hierarchy, a process id, or the name or id of a container.\n"
	"To set them takes CAP_SYS_RESOURCE, or the right to write to the directory above.\n"
	"SIZE is as for memory.max: bytes, with K, M, G or T behind, or max for none. Over\n"
	"max memory does not become Ready: the program gets an error; nothing is killed.\n\n"
	"  --max SIZE    what may be charged\n"
	"  --high SIZE   above it there is pressure: allocators give back what they can\n"
	"  --json        one JSON document\n"
	"  --help        this text\n";

static const struct option options[] = {
	{ "max", required_argument, NULL, 'm' },
	{ "high", required_argument, NULL, 'H' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static const char *const pressures[] = { "none", "high", "max" };

/**
 * ms_limit_size() - a limit for a table
 * @limit: bytes, or MEMSTATE_UNLIMITED
 *
 * Return: a text that stays valid for the next fourteen calls.
 */
const char *ms_limit_size(uint64_t limit)
{
	return limit == MEMSTATE_UNLIMITED ? "max" : ms_size(limit);
}

/**
 * ms_pressure_name() - a pressure's name
 * @pressure: MEMSTATE_PRESSURE_*
 *
 * Return: the name.
 */
const char *ms_pressure_name(uint32_t pressure)
{
	return pressure <= MEMSTATE_PRESSURE_MAX ? pressures[pressure] : "?";
}

/**
 * ms_json_limit() - limits as members of an object
 * @o:	the object
 * @l:	the limits
 */
void ms_json_limit(struct json_object *o, const struct memstate_limit *l)
{
	static const char *const events[] = { "high", "max", "denied", "breach", "drift" };
	struct json_object *all = json_object_new_object();
	struct json_object *local = json_object_new_object();

	ms_json_add(o, "cgroup_id", l->group);
	json_object_object_add(o, "high", l->high == MEMSTATE_UNLIMITED ? NULL :
							ms_json_u64(l->high));
	json_object_object_add(o, "max", l->max == MEMSTATE_UNLIMITED ? NULL :
							ms_json_u64(l->max));
	ms_json_add(o, "charged", l->charged);
	ms_json_add(o, "peak", l->peak);
	json_object_object_add(o, "pressure",
			       json_object_new_string(ms_pressure_name(l->pressure)));
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++) {
		ms_json_add(all, events[i], l->events[i]);
		ms_json_add(local, events[i], l->events_local[i]);
	}
	json_object_object_add(o, "events", all);
	json_object_object_add(o, "events_local", local);
}

/**
 * ms_limit_error() - why limits could not be read or set
 * @what:	the cgroup
 * @ret:	negative errno
 *
 * Return: the exit status.
 */
int ms_limit_error(const char *what, int ret)
{
	switch (ret) {
	case -ENOENT:
		ms_err(MEMSTATE_DEVICE " is not there, or %s is gone: is the module loaded?",
		       what);
		break;
	case -EPERM:
		ms_err("%s: setting its limits takes CAP_SYS_RESOURCE, or the right to write to the directory above",
		       what);
		break;
	case -EROFS:
		ms_err("%s: mounted read-only here", what);
		break;
	case -EBADF:
		ms_err("%s: not a cgroup v2 directory", what);
		break;
	default:
		ms_err("%s: %s", what, strerror(-ret));
		break;
	}
	return 1;
}

static void print_limit(const char *path, const struct memstate_limit *l)
{
	printf("%-14s %12s   cgroup id %llu\n", "GROUP", path,
	       (unsigned long long)l->group);
	printf("%-14s %12s   enforced (peak %s)\n", "Charged", ms_size(l->charged),
	       ms_size(l->peak));
	printf("%-14s %12s   enforced: pressure above it\n", "High",
	       ms_limit_size(l->high));
	printf("%-14s %12s   enforced: nothing gets Ready above it\n", "Max",
	       ms_limit_size(l->max));
	printf("%-14s %12s   in force, with the groups above\n", "Lowest max",
	       ms_limit_size(l->lowest_max));
	printf("%-14s %12s\n", "Pressure", ms_pressure_name(l->pressure));
	printf("events high %llu, max %llu, denied %llu, breach %llu, drift %llu\n",
	       l->events[0], l->events[1], l->events[2], l->events[3], l->events[4]);
}

static int size_arg(const char *option, const char *text, uint64_t *bytes)
{
	int ret = memstate_parse_bytes(text, bytes);

	if (!ret)
		return 0;
	return ms_usage_error("limit", ret == -ERANGE ?
				      "option '%s': '%s' is too large" :
				      "option '%s': '%s' is not a size (as 512M, or max)",
			      option, text);
}

int memstate_cmd_limit(int argc, char **argv)
{
	uint64_t high = 0, max = 0;
	struct memstate_limit l;
	struct json_object *doc;
	unsigned int set = 0;
	struct ms_cgroup cg;
	bool json = false;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (size_arg("--max", optarg, &max))
				return EXIT_USAGE;
			set |= MEMSTATE_LIMIT_MAX;
			break;
		case 'H':
			if (size_arg("--high", optarg, &high))
				return EXIT_USAGE;
			set |= MEMSTATE_LIMIT_HIGH;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("limit", c, argv);
		}
	}
	if (optind + 1 != argc)
		return ms_usage_error("limit", "one target is needed");
	if (ms_cgroup_find("limit", argv[optind], &cg))
		return 1;
	ret = set ? memstate_limit_set(cg.fd, set, high, max) : 0;
	if (!ret)
		ret = memstate_limit_get(cg.fd, &l);
	ms_cgroup_close(&cg);
	if (ret)
		return ms_limit_error(cg.dir, ret);
	if (!json) {
		print_limit(cg.path, &l);
		return 0;
	}
	doc = json_object_new_object();
	json_object_object_add(doc, "source", json_object_new_string("enforced"));
	json_object_object_add(doc, "path", json_object_new_string(cg.path));
	ms_json_limit(doc, &l);
	return ms_json_print(doc);
}
