// SPDX-License-Identifier: MIT
/*
 * HotSpot: by the socket to which jcmd attaches (jvm_attach.c).
 *
 * Model
 *
 *   Flags that can be changed while it runs are what a limit can be told by. What the user has
 *   set of them stays: the list of flags has those that differ from their default, and of these
 *   the ones that were set here have the values of here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "knobs.h"
#include "tend/jvm.h"

#define MIB	((uint64_t)1 << 20)

/* Lines of its mappings that are looked at: its library is one of them. */
#define MAPS_MAX	200000

/* How much of the heap is kept free, percent: less under a limit; the rest is given back. */
struct ratio {
	const char *flag;
	uint64_t usual;
	uint64_t limited;
};

static const struct ratio least = { "MinHeapFreeRatio", 40, 10 };
static const struct ratio most = { "MaxHeapFreeRatio", 70, 20 };

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

static int set_flag(struct tend_jvm_peer *j, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return tend_jvm_ask(j, "setflag", name, text);
}

static bool is_users(const char *flags, const struct ratio *r)
{
	uint64_t value;

	return flag_is(flags, r->flag, &value) && value != r->limited && value != r->usual;
}

/* Return: as tend_jvm_ask(); 0 also where they are the user's, or not known to it. */
static int set_ratios(struct tend_jvm_peer *j, const char *flags, bool limited,
		      struct tend_result *r)
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
static int set_soft_max(struct tend_jvm_peer *j, const char *flags, uint64_t max,
			struct tend_result *r)
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

static int tell_limit(struct tend_jvm_peer *j, const struct tend_word *w, struct tend_result *r)
{
	static char flags[TEND_JVM_ANSWER];
	int ret = tend_jvm_ask(j, "jcmd", "VM.flags", "");

	if (ret)
		return ret;
	memcpy(flags, j->answer, sizeof(flags));
	ret = set_ratios(j, flags, w->max != MEMSTATE_UNLIMITED, r);
	return ret ? ret : set_soft_max(j, flags, w->max, r);
}

static int tell_pressure(struct tend_jvm_peer *j, struct tend_result *r)
{
	int ret = tend_jvm_ask(j, "jcmd", "GC.run", ""), trimmed;
	size_t n = strlen(r->text);

	if (ret)
		return ret;
	/* From JDK 18 on, and in later ones of 17 and 11. */
	trimmed = tend_jvm_ask(j, "jcmd", "System.trim_native_heap", "");
	if (trimmed < 0)
		return trimmed;
	snprintf(r->text + n, sizeof(r->text) - n, "%scollected%s", n ? "; " : "",
		 trimmed ? "" : ", and trimmed");
	return 0;
}

static void tell_failure(struct tend_result *r, const struct tend_jvm_peer *j, int ret)
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
	static struct tend_jvm_peer j;
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
	ret = tend_jvm_attach(&j);
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
