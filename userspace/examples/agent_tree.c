// SPDX-License-Identifier: MIT
/* Cgroups below a directory: those that are there, and, as inotify tells, those that are made. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent.h"

/* By watch descriptor, the directories in which more may be made. */
static int tree_fd = -1;
static char **dirs;
static int nr_dirs;

static void (*tree_found)(const char *path);

int tree_open(void (*found)(const char *path))
{
	tree_found = found;
	tree_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return tree_fd;
}

static void tree_watch(const char *path)
{
	int wd = inotify_add_watch(tree_fd, path, IN_CREATE | IN_ONLYDIR);

	if (wd < 0) {
		if (errno != ENOENT)
			agent_complain("%s: what is made in it is not seen: %s", path,
				       strerror(errno));
		return;
	}
	if (wd >= nr_dirs) {
		dirs = agent_must(realloc(dirs, (size_t)(wd + 64) * sizeof(*dirs)));
		memset(dirs + nr_dirs, 0, (size_t)(wd + 64 - nr_dirs) * sizeof(*dirs));
		nr_dirs = wd + 64;
	}
	free(dirs[wd]);
	dirs[wd] = agent_must(strdup(path));
}

/* Watch what is below a directory; first for what will be made, so that nothing is missed. */
void tree_scan(const char *path)
{
	struct dirent *entry;
	DIR *dir;

	tree_watch(path);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char child[PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(child))
			continue;
		tree_found(child);
		tree_scan(child);
	}
	if (dir)
		closedir(dir);
}

static void tree_event(const struct inotify_event *event)
{
	const char *dir = event->wd >= 0 && event->wd < nr_dirs ? dirs[event->wd] : NULL;
	char path[PATH_MAX];

	if (event->mask & IN_IGNORED && dir) {
		free(dirs[event->wd]);
		dirs[event->wd] = NULL;
	} else if (event->mask & IN_Q_OVERFLOW) {
		/* Something was made, and nobody knows what. */
		for (int wd = 0; wd < nr_dirs; wd++)
			if (dirs[wd] && snprintf(path, sizeof(path), "%s", dirs[wd]) > 0)
				tree_scan(path);
	} else if (dir && event->mask & IN_CREATE && event->mask & IN_ISDIR &&
		   snprintf(path, sizeof(path), "%s/%s", dir, event->name) < (int)sizeof(path)) {
		tree_found(path);
		tree_scan(path);
	}
}

void tree_read(void)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(tree_fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buf + at);

			at += (ssize_t)(sizeof(*event) + event->len);
			tree_event(event);
		}
}
