// SPDX-License-Identifier: MIT
/*
 * The table of last figures for programs that cannot get at it otherwise: at an abstract address,
 * which needs no file, no right and no root directory. lib/tally_table.h says when.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tally.h"

/* Of as many as come at once, so many are answered before somebody else has his turn. */
#define ANSWERS_AT_ONCE	64

/**
 * ms_tally_listen() - be there for those who ask
 * @t: the reader; @word and @sock are filled in
 *
 * Return: 0; a negative errno, with a word all the same, and nobody listening.
 */
int ms_tally_listen(struct ms_tally_reader *t)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	unsigned char random[MS_TALLY_HALF] = { 0 };
	char *end = stpcpy(at.sun_path + 1, MS_TALLY_ADDRESS);
	int ret;

	t->sock = -1;
	ret = getrandom(random, sizeof(random), GRND_NONBLOCK) == sizeof(random) ? 0 : -EAGAIN;
	for (size_t i = 0; i < sizeof(random); i++)
		sprintf(t->word + 2 * i, "%02x", random[i]);
	/* Whoever knows what we would answer to could have it. */
	if (ret)
		return ret;
	t->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->sock < 0)
		return -errno;
	end = mempcpy(end, t->word, MS_TALLY_HALF);
	if (!bind(t->sock, (struct sockaddr *)&at, (socklen_t)(end - (char *)&at)))
		return 0;
	ret = -errno;
	close(t->sock);
	t->sock = -1;
	return ret;
}

static void send_to(int sock, const struct sockaddr_un *to, socklen_t length, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { "", 1 };
	struct msghdr msg = {
		.msg_name = (void *)to,
		.msg_namelen = length,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	/* Who does not wait for it any more does without. */
	sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/**
 * ms_tally_answer() - give the table to those who have asked with the right word
 * @t: the reader
 *
 * Context: now and then, and when there is something to read.
 */
void ms_tally_answer(struct ms_tally_reader *t)
{
	char word[MS_TALLY_HALF + 1];
	struct sockaddr_un from;
	socklen_t length;

	for (int i = 0; t->sock >= 0 && i < ANSWERS_AT_ONCE; i++) {
		length = sizeof(from);
		ssize_t n = recvfrom(t->sock, word, sizeof(word), 0, (struct sockaddr *)&from,
				     &length);

		if (n < 0)
			return;
		if (n == MS_TALLY_HALF && !memcmp(word, t->word + MS_TALLY_HALF, MS_TALLY_HALF))
			send_to(t->sock, &from, length, t->fd);
	}
}
