// SPDX-License-Identifier: MIT
/* memstate observe: programs that report nothing, seen by the module. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "cli.h"
#include "files.h"

#define HOOKS	SYSFS_DIR "/hooks"

static const char help[] =
	"usage: memstate observe TARGET [OPTION]...\n"
	"       memstate observe --release|--hook\n\n"
	"Have the module observe the programs of a cgroup and of all below it that report\n"
	"nothing, whatever they are made of, those that run as well as those to come; and\n"
	"show what is seen of them. TARGET and rights are as for 'memstate limit', which\n"
	"turns this on by itself. It stays until the cgroup is removed.\n\n"
	"  --off                  observe no more: then only what reports is limited\n"
	"  --overcommit PERCENT   of max, what may be granted as long as it is not touched;\n"
	"                         (default 100: what is mapped is refused when it is mapped)\n"
	"  --show                 change nothing\n"
	"  --release              take the module's hooks away, as for a livepatch: what\n"
	"                         reports nothing is limited no more, on the whole machine\n"
	"  --hook                 set them again\n"
	"  --json                 one JSON document\n"
	"  --help                 this text\n";

enum { OPT_OFF = 256, OPT_SHOW, OPT_RELEASE, OPT_HOOK };

static const struct option options[] = {
	{ "off", no_argument, NULL, OPT_OFF },
	{ "overcommit", required_argument, NULL, 'o' },
	{ "show", no_argument, NULL, OPT_SHOW },
	{ "release", no_argument, NULL, OPT_RELEASE },
	{ "hook", no_argument, NULL, OPT_HOOK },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static void print(const struct ms_cgroup *cg, const struct memstate_observe *w)
{
	printf("%-14s %12s   cgroup id %llu\n", "GROUP", ms_name(cg->path),
	       (unsigned long long)cg->id);
	printf("%-14s %12s   processes that report nothing are %sobserved\n", "Observe",
	       w->on ? "on" : "off", w->on ? "" : "not ");
	if (ms_is_unenforced(w))
		printf("%-14s %12s   " MS_UNENFORCED "\n", "Enforced", "no");
	printf("%-14s %11u%%   of max, what may be granted\n", "Overcommit", w->overcommit);
	printf("%-14s %12llu   observed\n", "Processes", (unsigned long long)w->spaces);
	printf("%-14s %12s   observed: writable without asking again\n", "Commit",
	       ms_size(w->commit));
	printf("%-14s %12s   observed: Ready, resident or swapped out\n", "Backed",
	       ms_size(w->backed));
	printf("%-14s %12s   of that, charged to who has forked them\n", "Inherited",
	       ms_size(w->inherited));
	printf("%-14s %12s   granted and charged, not backed yet\n", "Pending",
	       ms_size(w->pending));
	printf("%-14s %12s   of those that report (%u), beyond what they report\n", "Excess",
	       w->trust ? "-" : ms_size(w->excess), w->reports);
	if (w->breached)
		printf("%-14s %12s   above max: no growth is granted until it has fallen\n",
		       "Breached", ms_size(w->breached));
}

/* Set what is asked for. Return: 0, or the exit status after a message. */
static int set(const struct ms_cgroup *cg, struct memstate_observe *w)
{
	bool off = w->set & MEMSTATE_OBSERVE_ON && !w->on;
	int ret = memstate_group_observe(cg->fd, w);

	if (ret)
		return ms_observe_error(cg->dir, ret);
	/* It may be on in one above. */
	if (off && w->on) {
		ms_err("%s: turned off, and still observed, as a cgroup above it is; turn it off there",
		       ms_name(cg->path));
		return 1;
	}
	return 0;
}

/* What became of each hook, a line each. */
static void print_hooks(void)
{
	char text[4096];

	if (ms_file_text(AT_FDCWD, HOOKS, text, sizeof(text)) > 0)
		fputs(text, stdout);
}

/* Of the whole machine. Return: the exit status. */
static int hooks(bool set)
{
	int fd = open(HOOKS, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0 && errno == ENOENT) {
		ms_err(access(SYSFS_DIR, F_OK) ? MS_NO_MODULE :
						 "%s is not there: this module keeps its hooks until it is unloaded: modprobe -r memstate",
		       HOOKS);
		return 1;
	}
	ret = fd < 0 || write(fd, set ? "1" : "0", 1) != 1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (ret == EPERM || ret == EACCES) {
		ms_err("hooks are the administrator's: it takes CAP_SYS_ADMIN");
		return 1;
	}
	if (ret)
		return ms_observe_error("the system", -ret);
	print_hooks();
	return 0;
}

int memstate_cmd_observe(int argc, char **argv)
{
	struct memstate_observe w = { .size = sizeof(w), .set = MEMSTATE_OBSERVE_ON, .on = 1 };
	bool json = false, show = false, off = false, release = false, hook = false;
	struct json_object *doc;
	struct ms_cgroup cg;
	int c, ret;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":jh", options, NULL)) != -1) {
		switch (c) {
		case OPT_OFF:
			off = true;
			w.on = 0;
			break;
		case OPT_SHOW:
			show = true;
			break;
		case OPT_RELEASE:
			release = true;
			break;
		case OPT_HOOK:
			hook = true;
			break;
		case 'o':
			if (ms_percent_arg("observe", optarg, &w.overcommit))
				return EXIT_USAGE;
			w.set |= MEMSTATE_OBSERVE_OVERCOMMIT;
			break;
		default:
			ret = ms_last_options("observe", help, c, argv, &json);
			if (ret >= 0)
				return ret;
		}
	}
	if (release || hook) {
		if (release == hook || off || show || w.overcommit || optind < argc)
			return ms_usage_error("observe", "--release and --hook go alone: they are for the whole machine");
		return hooks(hook);
	}
	if (optind + 1 != argc)
		return ms_usage_error("observe", "one target is needed");
	if (show && (off || w.overcommit))
		return ms_usage_error("observe", "--show changes nothing: neither --off nor --overcommit goes with it");
	if (show)
		w = (struct memstate_observe) { .size = sizeof(w) };
	if (ms_cgroup_find("observe", argv[optind], &cg))
		return 1;
	ret = w.set && ms_cgroup_is_whole(&cg, argv[optind]);
	if (!ret)
		ret = set(&cg, &w);
	ms_cgroup_close(&cg);
	if (ret)
		return ret;
	if (!json) {
		print(&cg, &w);
		return 0;
	}
	doc = json_object_new_object();
	json_object_object_add(doc, "source", json_object_new_string("observed"));
	ms_json_add_text(doc, "path", cg.path);
	ms_json_add(doc, "cgroup_id", cg.id);
	ms_json_observe(doc, &w);
	return ms_json_print(doc);
}
