// SPDX-License-Identifier: MIT
/*
 * redis and valkey: CONFIG SET maxmemory, MEMORY PURGE.
 *
 * Model
 *
 *   A server is found by its name, and spoken to where it listens: among its descriptors are
 *   sockets, and the kernel lists which of those listen, and where (listen.c). What it answers is
 *   read word by word, and so many bytes of it at the most.
 *
 *   maxmemory is a share of the limit, or what the user has set if that is less. A value that was
 *   set here is known by its end; any other is the user's, and remembered for when the limit goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "tend/listen.h"
#include "tend/tend.h"

/* All that is read in a talk; an answer is some ten words. */
#define READ_MAX	65536
#define WORD_MAX	512
#define WORDS_MAX	64

/**
 * struct wire - a connection
 * @fd:		of the socket
 * @read:	so many bytes so far
 * @at:		of @buf, the next one
 * @have:	so many are in @buf
 * @buf:	what was read ahead
 * @answer:	the last word of the last answer, with its first character in front if it is an
 *		error ('-')
 */
struct wire {
	int fd;
	size_t read;
	size_t at;
	size_t have;
	char buf[4096];
	char answer[WORD_MAX + 1];
};

/* Return: the next byte, or a negative errno. */
static int next_byte(struct wire *w)
{
	ssize_t n;

	if (w->at == w->have) {
		if (w->read >= READ_MAX)
			return -EMSGSIZE;
		n = recv(w->fd, w->buf, sizeof(w->buf), 0);
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		w->read += (size_t)n;
		w->have = (size_t)n;
		w->at = 0;
	}
	return (unsigned char)w->buf[w->at++];
}

/* A line without its end, into the answer. Return: 0 or a negative errno. */
static int read_line(struct wire *w)
{
	size_t n = 0;
	int c;

	while ((c = next_byte(w)) >= 0 && c != '\n') {
		if (n == WORD_MAX)
			return -EMSGSIZE;
		if (c != '\r')
			w->answer[n++] = (char)c;
	}
	w->answer[n] = '\0';
	return c < 0 ? c : 0;
}

/* Return: the length that is in the line, or a negative errno. */
static int read_length(const struct wire *w, int most)
{
	char *end;
	long n = strtol(w->answer + 1, &end, 10);

	/* -1 is "nothing". */
	return end == w->answer + 1 || *end || n > most ? -EPROTO : n < 0 ? 0 : (int)n;
}

/* Return: 0; 1: a list of more follows, so many as @more says then; a negative errno. */
static int read_word(struct wire *w, int *more)
{
	int ret = read_line(w), c;
	bool nothing;

	if (ret)
		return ret;
	nothing = w->answer[1] == '-';
	switch (*w->answer) {
	case '+':
	case ':':
		memmove(w->answer, w->answer + 1, strlen(w->answer));
		return 0;
	case '-':
		return 0;
	case '*':
		*more = read_length(w, WORDS_MAX);
		return *more < 0 ? *more : 1;
	case '$':
		ret = read_length(w, WORD_MAX);
		if (ret < 0)
			return ret;
		for (int i = 0; i < ret; i++) {
			c = next_byte(w);
			if (c < 0)
				return c;
			/* One that looks like an error is none. */
			w->answer[i] = i || c != '-' ? (char)c : '_';
		}
		w->answer[ret] = '\0';
		if (nothing)
			return 0;
		c = next_byte(w);
		return c == '\r' && next_byte(w) == '\n' ? 0 : c < 0 ? c : -EPROTO;
	default:
		return -EPROTO;
	}
}

/* Return: 0; 1: the answer is an error; a negative errno. */
static int read_answer(struct wire *w)
{
	int left = 1, more, ret;

	for (int words = 0; left; words++) {
		if (words == WORDS_MAX)
			return -EMSGSIZE;
		ret = read_word(w, &more);
		if (ret < 0)
			return ret;
		left += ret ? more - 1 : -1;
	}
	return *w->answer == '-';
}

/* A command of up to four words; ends with NULL. Return: as read_answer(). */
static int ask(struct wire *w, const char *const *words)
{
	char text[4 * (WORD_MAX + 16)];
	int nr = 0, ret;
	size_t n = 0;

	while (words[nr])
		nr++;
	n += (size_t)snprintf(text, sizeof(text), "*%d\r\n", nr);
	for (int i = 0; i < nr && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "$%zu\r\n%s\r\n",
				      strlen(words[i]), words[i]);
	if (n >= sizeof(text))
		return -EMSGSIZE;
	ret = tend_send_all(w->fd, text, n);
	return ret ? ret : read_answer(w);
}

/* What is read by whoever began the talk: a password, and a user in the line behind it. */
struct secret {
	char password[WORD_MAX];
	char user[WORD_MAX];
};

static void read_secret(const char *path, struct secret *s)
{
	FILE *f = path ? fopen(path, "re") : NULL;

	if (!f || !fgets(s->password, sizeof(s->password), f))
		*s->password = '\0';
	if (!f || !fgets(s->user, sizeof(s->user), f))
		*s->user = '\0';
	s->password[strcspn(s->password, "\r\n")] = '\0';
	s->user[strcspn(s->user, "\r\n")] = '\0';
	if (f)
		fclose(f);
}

static int log_in(struct wire *w, const struct secret *s)
{
	return ask(w, *s->user ?
		   (const char *const[]) { "AUTH", s->user, s->password, NULL } :
		   (const char *const[]) { "AUTH", s->password, NULL });
}

/* What is set, once it is known that it listens to us. Return: as read_answer(). */
static int get_max(struct wire *w, const struct secret *s, uint64_t *bytes)
{
	static const char *const words[] = { "CONFIG", "GET", "maxmemory", NULL };
	int ret = ask(w, words);
	char *end;

	if (ret == 1 && !strncmp(w->answer, "-NOAUTH", 7) && *s->password) {
		ret = log_in(w, s);
		if (!ret)
			ret = ask(w, words);
	}
	if (ret)
		return ret;
	errno = 0;
	*bytes = strtoull(w->answer, &end, 10);
	return errno || end == w->answer || *end ? -EPROTO : 0;
}

/* Return: what it is to be; 0: unlimited. */
static uint64_t share(const struct tend_word *word, uint64_t found)
{
	uint64_t most;

	if (word->max == MEMSTATE_UNLIMITED)
		return found;
	most = tend_ours(word->max / 100 * word->percent + word->max % 100 * word->percent / 100);
	return found && found < most ? found : most;
}

/* Return: as read_answer(). */
static int tell_limit(struct wire *w, const struct tend_word *word, uint64_t now,
		      struct tend_result *r)
{
	uint64_t want;
	char text[24];
	int ret = 0;

	if (!tend_is_ours(now))
		r->found = now;
	want = share(word, r->found);
	if (!want && word->max != MEMSTATE_UNLIMITED) {
		tend_say(r, TEND_TOLD, "a limit of %s is too small for a share",
			 ms_size(word->max));
		return 0;
	}
	if (want == now)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)want);
	ret = ask(w, (const char *const[]) { "CONFIG", "SET", "maxmemory", text, NULL });
	if (!ret)
		tend_say(r, TEND_TOLD, "maxmemory is %s", want ? ms_size(want + 1) : "unlimited");
	return ret;
}

/* Return: as read_answer(), of the first that was not 0. */
static int converse(struct wire *w, const struct tend_word *word, const struct secret *s,
		    struct tend_result *r)
{
	uint64_t now;
	int ret = get_max(w, s, &now);
	size_t n;

	if (!ret && word->limit)
		ret = tell_limit(w, word, now, r);
	if (!ret && word->pressure)
		ret = ask(w, (const char *const[]) { "MEMORY", "PURGE", NULL });
	if (ret || !word->pressure)
		return ret;
	n = strlen(r->text);
	snprintf(r->text + n, sizeof(r->text) - n, "%spurged", n ? "; " : "");
	return 0;
}

static void tell_failure(struct tend_result *r, const struct wire *w, int ret)
{
	if (ret == 1 && !strncmp(w->answer, "-NOAUTH", 7))
		tend_say(r, TEND_FAILED, "it wants a password, or another: --redis-secret");
	else if (ret == 1 && (!strncmp(w->answer, "-LOADING ", 9) ||
			      !strncmp(w->answer, "-BUSY ", 6)))
		tend_say(r, TEND_LATER, "%s", "");
	else if (ret == 1)
		tend_say(r, TEND_FAILED, "it answers: %.160s", w->answer + 1);
	else if (ret == -EMSGSIZE)
		tend_say(r, TEND_FAILED, "it answers without end");
	else
		tend_say(r, TEND_FAILED, "%s", strerror(-ret));
}

static void tell(struct tend_peer *p, const struct tend_word *word, struct tend_result *r)
{
	static struct tend_listener found[TEND_LISTENERS];
	struct wire w = { .fd = -EAFNOSUPPORT };
	struct secret s;
	bool net = false;
	int nr, root, ret;

	/* Before this is no more than that process. */
	read_secret(word->secret, &s);
	nr = tend_listeners(p, found);
	if (nr <= 0) {
		/* A copy that saves to disk, or one that is not there yet. */
		tend_say(r, TEND_OTHER, "%s", "");
		return;
	}
	root = tend_peer_root(p);
	if (root < 0) {
		tend_say(r, TEND_FAILED, "%s", strerror(-root));
		return;
	}
	for (int i = 0; i < nr; i++)
		net |= !*found[i].path;
	ret = tend_peer_become(p, net, (const int[]) { root, p->pidfd, word->talk_fd }, 3);
	if (ret) {
		tend_say(r, TEND_FAILED, "one may not speak as it, or in its network: %s",
			 strerror(-ret));
		return;
	}
	for (int i = 0; i < nr && w.fd < 0; i++)
		w.fd = tend_listener_connect(&found[i], root, p);
	ret = w.fd < 0 ? w.fd : converse(&w, word, &s, r);
	if (ret)
		tell_failure(r, &w, ret);
}

static bool speaks(const struct tend_peer *p)
{
	return !strcmp(p->name, "redis-server") || !strcmp(p->name, "valkey-server");
}

const struct tend_tongue tend_redis = { .name = "redis", .speaks = speaks, .tell = tell };
