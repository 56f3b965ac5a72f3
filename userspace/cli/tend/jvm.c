// SPDX-License-Identifier: MIT
/*
 * HotSpot: its attach socket, by which jcmd speaks to it.
 *
 * Model
 *
 *   A JVM opens the socket /tmp/.java_pidN when it gets SIGQUIT and finds a file /tmp/.attach_pidN
 *   of its own user; N is its number in its own namespace. SIGQUIT ends whoever does not catch
 *   it, as a JVM with -Xrs does not: it is sent only where the kernel says that it is caught. A
 *   connection takes one command, of five words that end in zeros, and answers with a number, a
 *   newline, and text until its end.
 *
 *   Flags that can be changed while it runs are what a limit can be told by. What the user has
 *   set of them stays: the list of flags has those that differ from their default, and of these
 *   the ones that were set here have the values of here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"
#include "knobs.h"
#include "tend/tend.h"

#define MIB	((uint64_t)1 << 20)

/* Lines of its mappings that are looked at: its library is one of them. */
#define MAPS_MAX	200000

/* Of an answer so much is read: a list of flags is some two thousand characters. */
#define ANSWER_MAX	32768

/* It is waited so long for the socket: as often, and so many microseconds more each time. */
#define OPEN_TRIES	60
#define OPEN_PAUSE	2000

/* Neither leads anywhere by a link. */
#define RESOLVE		(RESOLVE_NO_SYMLINKS)

/* How much of the heap is kept free, percent: less under a limit; the rest is given back. */
struct ratio {
	const char *flag;
	uint64_t usual;
	uint64_t limited;
};

static const struct ratio least = { "MinHeapFreeRatio", 40, 10 };
static const struct ratio most = { "MaxHeapFreeRatio", 70, 20 };

/**
 * struct jvm - one that is spoken to
 * @peer:	it
 * @root:	its root directory
 * @name:	of the socket
 * @answer:	its last one, terminated
 */
struct jvm {
	const struct tend_peer *peer;
	int root;
	char name[48];
	char answer[ANSWER_MAX];
};

static bool is_jvm(const struct tend_peer *p)
{
	char path[64], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", p->pid);
	f = fopen(path, "re");
	for (int i = 0; f && !found && i < MAPS_MAX && getline(&line, &size, f) > 0; i++)
		found = strstr(line, "/libjvm.so\n");
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* ---- a command ------------------------------------------------------------------------- */

/* Return: 0; a negative errno. */
static int send_all(int fd, const char *text, size_t size)
{
	ssize_t n;

	for (size_t at = 0; at < size; at += (size_t)n) {
		n = send(fd, text + at, size - at, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
	}
	return 0;
}

/* Return: the number before the text, which stays alone; a negative errno. */
static int read_answer(struct jvm *j, int fd)
{
	size_t have = 0;
	ssize_t n;
	char *end;
	long code;

	while ((n = recv(fd, j->answer + have, sizeof(j->answer) - 1 - have, 0)) > 0) {
		have += (size_t)n;
		if (have == sizeof(j->answer) - 1)
			return -EMSGSIZE;
	}
	if (n < 0)
		return -errno;
	j->answer[have] = '\0';
	code = strtol(j->answer, &end, 10);
	if (end == j->answer || *end != '\n' || code < 0 || code > 255)
		return -EPROTO;
	memmove(j->answer, end + 1, strlen(end + 1) + 1);
	return (int)code;
}

/* Return: what it answers, 0: it has done so; a negative errno. */
static int ask(struct jvm *j, const char *command, const char *first, const char *second)
{
	const char *const words[] = { "1", command, first, second, "" };
	int fd = tend_connect_in(j->root, j->name, RESOLVE, j->peer), ret = 0;

	if (fd < 0)
		return fd;
	for (int i = 0; !ret && i < 5; i++)
		ret = send_all(fd, words[i], strlen(words[i]) + 1);
	if (!ret)
		ret = read_answer(j, fd);
	close(fd);
	return ret;
}

/* ---- the socket ------------------------------------------------------------------------ */

static bool is_there(const struct jvm *j)
{
	int fd = tend_open_in(j->root, j->name, O_PATH, RESOLVE);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Have it open the socket. Return: 0; -ETIMEDOUT: it does not; another negative errno. */
static int attach(const struct jvm *j)
{
	char name[48];
	int fd, tmp, ret = -ETIMEDOUT;

	if (is_there(j))
		return 0;
	tmp = tend_open_in(j->root, "tmp", O_PATH | O_DIRECTORY, RESOLVE);
	if (tmp < 0)
		return tmp;
	snprintf(name, sizeof(name), ".attach_pid%d", j->peer->inner);
	fd = tend_open_in(tmp, name, O_WRONLY | O_CREAT | O_EXCL, RESOLVE);
	/* Where there is one already somebody else is at it: that will do for us. */
	if (fd < 0 && fd != -EEXIST) {
		close(tmp);
		return fd;
	}
	if (syscall(SYS_pidfd_send_signal, j->peer->pidfd, SIGQUIT, NULL, 0))
		ret = -errno;
	for (useconds_t i = 0; ret == -ETIMEDOUT && i < OPEN_TRIES; i++) {
		if (is_there(j))
			ret = 0;
		else
			usleep(i * OPEN_PAUSE);
	}
	/* One that was left behind by whoever was ended goes as well. */
	if (fd >= 0 || !ret)
		unlinkat(tmp, name, 0);
	if (fd >= 0)
		close(fd);
	close(tmp);
	return ret;
}

/* ---- flags ----------------------------------------------------------------------------- */

/* What a flag is, of those that differ from their default. Return: false: it is not listed. */
static bool flag_is(const char *flags, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (const char *at = flags; (at = strstr(at, "-XX:")); at += 4)
		if (!strncmp(at + 4, name, length) && at[4 + length] == '=') {
			*value = strtoull(at + 5 + length, NULL, 10);
			return true;
		}
	return false;
}

static int set_flag(struct jvm *j, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return ask(j, "setflag", name, text);
}

static bool is_users(const char *flags, const struct ratio *r)
{
	uint64_t value;

	return flag_is(flags, r->flag, &value) && value != r->limited && value != r->usual;
}

/* Return: as ask(); 0 also where they are the user's, or not known to it. */
static int set_ratios(struct jvm *j, const char *flags, bool limited, struct tend_result *r)
{
	uint64_t value = least.usual;
	int ret;

	if (is_users(flags, &least) || is_users(flags, &most))
		return 0;
	flag_is(flags, least.flag, &value);
	if (value == (limited ? least.limited : least.usual))
		return 0;
	/* The one may never be above the other. */
	ret = limited ? set_flag(j, least.flag, least.limited) : set_flag(j, most.flag, most.usual);
	if (!ret)
		ret = limited ? set_flag(j, most.flag, most.limited) :
				set_flag(j, least.flag, least.usual);
	if (!ret)
		tend_say(r, TEND_TOLD, "keeps %llu to %llu %% of its heap free",
			 (unsigned long long)(limited ? least.limited : least.usual),
			 (unsigned long long)(limited ? most.limited : most.usual));
	/* A collector that has none of them says so; that is no failure. */
	return ret > 0 ? 0 : ret;
}

/* The heap that memstate adapt would give it. Return: bytes, 0: there is no room for one. */
static uint64_t heap_of(uint64_t max)
{
	const struct ms_adapt a = { .max = max, .workers = 1 };
	char text[MS_KNOB_VALUE_MAX];
	const char *at;

	for (size_t i = 0; i < ms_knobs_nr; i++) {
		if (strcmp(ms_knobs_all[i].name, "JAVA_TOOL_OPTIONS") ||
		    !ms_knob_value(&ms_knobs_all[i], &a, text, sizeof(text)))
			continue;
		at = strstr(text, "-Xmx");
		return at ? strtoull(at + 4, NULL, 10) * MIB : 0;
	}
	return 0;
}

/* Collectors that obey it, alone. Return: as set_ratios(). */
static int set_soft_max(struct jvm *j, const char *flags, uint64_t max, struct tend_result *r)
{
	uint64_t whole, now, want;
	size_t n = strlen(r->text);
	int ret;

	if (!strstr(flags, "-XX:+UseZGC") && !strstr(flags, "-XX:+UseShenandoahGC"))
		return 0;
	if (!flag_is(flags, "MaxHeapSize", &whole))
		return 0;
	if (!flag_is(flags, "SoftMaxHeapSize", &now) || !now)
		now = whole;
	if (!tend_is_ours(now))
		r->found = now < whole ? now : 0;
	want = max == MEMSTATE_UNLIMITED ? whole : tend_ours(heap_of(max));
	if (r->found && r->found < want)
		want = r->found;
	if (want > whole)
		want = whole;
	if (!want || want == now)
		return 0;
	ret = set_flag(j, "SoftMaxHeapSize", want);
	if (!ret)
		snprintf(r->text + n, sizeof(r->text) - n, "%sits heap is to stay below %s",
			 n ? "; " : "", ms_size(tend_is_ours(want) ? want + 1 : want));
	return ret > 0 ? 0 : ret;
}

/* ---- what it is told ------------------------------------------------------------------- */

static int tell_limit(struct jvm *j, const struct tend_word *w, struct tend_result *r)
{
	static char flags[ANSWER_MAX];
	int ret = ask(j, "jcmd", "VM.flags", "");

	if (ret)
		return ret;
	memcpy(flags, j->answer, sizeof(flags));
	ret = set_ratios(j, flags, w->max != MEMSTATE_UNLIMITED, r);
	return ret ? ret : set_soft_max(j, flags, w->max, r);
}

static int tell_pressure(struct jvm *j, struct tend_result *r)
{
	int ret = ask(j, "jcmd", "GC.run", ""), trimmed;
	size_t n = strlen(r->text);

	if (ret)
		return ret;
	/* From JDK 18 on, and in later ones of 17 and 11. */
	trimmed = ask(j, "jcmd", "System.trim_native_heap", "");
	if (trimmed < 0)
		return trimmed;
	snprintf(r->text + n, sizeof(r->text) - n, "%scollected%s", n ? "; " : "",
		 trimmed ? "" : ", and trimmed");
	return 0;
}

static void tell_failure(struct tend_result *r, const struct jvm *j, int ret)
{
	if (ret == -ETIMEDOUT)
		/* It has told its threads' states instead, and would do so each time. */
		tend_say(r, TEND_NEVER, "it opens no socket to attach to");
	else if (ret == -EMSGSIZE)
		tend_say(r, TEND_FAILED, "it answers without end");
	else if (ret > 0)
		tend_say(r, TEND_FAILED, "it answers: %.160s", j->answer);
	else
		tend_say(r, TEND_FAILED, "%s", strerror(-ret));
}

static void tell(struct tend_peer *p, const struct tend_word *w, struct tend_result *r)
{
	static struct jvm j;
	int ret;

	if (!is_jvm(p)) {
		tend_say(r, TEND_OTHER, "%s", "");
		return;
	}
	j.peer = p;
	j.root = tend_peer_root(p);
	snprintf(j.name, sizeof(j.name), "tmp/.java_pid%d", p->inner);
	if (j.root < 0) {
		tell_failure(r, &j, j.root);
		return;
	}
	ret = tend_peer_become(p, false, (const int[]) { j.root, p->pidfd, w->talk_fd }, 3);
	if (ret) {
		tend_say(r, TEND_FAILED, "one may not speak as it: %s", strerror(-ret));
		return;
	}
	ret = attach(&j);
	if (!ret && w->limit)
		ret = tell_limit(&j, w, r);
	if (!ret && w->pressure)
		ret = tell_pressure(&j, r);
	if (ret)
		tell_failure(r, &j, ret);
}

/* Whether it has the library is seen in the talk: its list of mappings may be held back. */
static bool speaks(const struct tend_peer *p)
{
	return p->catches_quit && p->inner > 0;
}

const struct tend_tongue tend_jvm = { .name = "jvm", .speaks = speaks, .tell = tell };
