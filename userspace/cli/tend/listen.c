// SPDX-License-Identifier: MIT
/*
 * Where a process listens: which of its descriptors are sockets that the kernel lists as
 * listening, in that process's own network.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tend/listen.h"

/* Descriptors, sockets among them, and lines of a list: so many are looked at. */
#define FDS_MAX		4096
#define SOCKETS_MAX	256
#define LINES_MAX	65536

#define LISTENS		0x0a	/* TCP_LISTEN in its list */
#define ACCEPTS		0x10000	/* likewise __SO_ACCEPTCON */

struct sockets {
	unsigned long inodes[SOCKETS_MAX];
	int nr;
};

/* Low descriptors come first, and whoever listens has begun with that. */
static void read_sockets(const struct tend_peer *p, struct sockets *s)
{
	char path[64], target[64];
	struct dirent *e;
	ssize_t n;
	DIR *d;

	s->nr = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", p->pid);
	d = opendir(path);
	for (int i = 0; d && i < FDS_MAX && s->nr < SOCKETS_MAX && (e = readdir(d)); i++) {
		n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		s->nr += sscanf(target, "socket:[%lu]", &s->inodes[s->nr]) == 1;
	}
	if (d)
		closedir(d);
}

static bool has(const struct sockets *s, unsigned long inode)
{
	for (int i = 0; i < s->nr; i++)
		if (s->inodes[i] == inode)
			return true;
	return false;
}

/* An address as the list has it: words in the machine's order, as digits. Any is this machine. */
static void parse_address(const char *hex, struct tend_listener *l)
{
	static const uint8_t any[16], loopback[] = { 127, 0, 0, 1 };
	size_t size = strlen(hex) / 2;

	l->family = size == 4 ? AF_INET : AF_INET6;
	for (size_t i = 0; i < size; i += 4) {
		char part[9] = "";
		uint32_t word;

		memcpy(part, hex + 2 * i, 8);
		word = (uint32_t)strtoul(part, NULL, 16);
		memcpy(l->address + i, &word, sizeof(word));
	}
	if (memcmp(l->address, any, sizeof(any)))
		return;
	if (size == 4)
		memcpy(l->address, loopback, sizeof(loopback));
	else
		memcpy(l->address, &in6addr_loopback, sizeof(in6addr_loopback));
}

static bool parse_tcp(const char *line, const struct sockets *s, struct tend_listener *l)
{
	unsigned int port, state;
	unsigned long inode;
	char hex[33];

	if (sscanf(line, " %*d: %32[0-9A-F]:%x %*[^ ] %x %*s %*s %*s %*d %*d %lu", hex, &port,
		   &state, &inode) != 4 || state != LISTENS || !has(s, inode) ||
	    (strlen(hex) != 8 && strlen(hex) != 32))
		return false;
	*l = (struct tend_listener) { .port = htons((in_port_t)port) };
	parse_address(hex, l);
	return true;
}

static bool parse_unix(const char *line, const struct sockets *s, struct tend_listener *l)
{
	unsigned long inode;
	unsigned int flags;
	int n = 0;

	*l = (struct tend_listener) {};
	if (sscanf(line, "%*s %*x %*x %x %*x %*x %lu %n", &flags, &inode, &n) != 2 || !n ||
	    !(flags & ACCEPTS) || !has(s, inode) || line[n] != '/')
		return false;
	snprintf(l->path, sizeof(l->path), "%s", line + n);
	l->path[strcspn(l->path, "\n")] = '\0';
	return true;
}

static int read_list(const struct tend_peer *p, const char *name, const struct sockets *s,
		     bool (*parse)(const char *line, const struct sockets *s,
				   struct tend_listener *l),
		     struct tend_listener *found, int nr)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", p->pid, name);
	f = fopen(path, "re");
	for (int i = 0; f && i < LINES_MAX && nr < TEND_LISTENERS; i++) {
		if (!fgets(line, sizeof(line), f))
			break;
		nr += parse(line, s, &found[nr]);
	}
	if (f)
		fclose(f);
	return nr;
}

/**
 * tend_listeners() - where a process listens
 * @p:		the process
 * @found:	out: files before addresses
 *
 * Context: before tend_peer_become().
 * Return: how many there are; -ESRCH: it has ended.
 */
int tend_listeners(const struct tend_peer *p, struct tend_listener found[TEND_LISTENERS])
{
	static struct sockets s;
	int nr;

	read_sockets(p, &s);
	nr = read_list(p, "unix", &s, parse_unix, found, 0);
	nr = read_list(p, "tcp", &s, parse_tcp, found, nr);
	nr = read_list(p, "tcp6", &s, parse_tcp, found, nr);
	return tend_alive(p->pidfd) ? nr : -ESRCH;
}

/**
 * tend_listener_connect() - connect to it
 * @l:		from tend_listeners()
 * @root:	the process's root
 * @p:		the process
 *
 * Context: after tend_peer_become(). It may wait for as long as the other one likes.
 * Return: a descriptor, or a negative errno.
 */
int tend_listener_connect(const struct tend_listener *l, int root, const struct tend_peer *p)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = l->port };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = l->port };
	int fd, ret;

	/* Directories may be links (/var/run); they lead out of its root by none. */
	if (*l->path)
		return tend_connect_in(root, l->path, 0, p);
	memcpy(&in.sin_addr, l->address, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, l->address, sizeof(in6.sin6_addr));
	fd = socket(l->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = l->family == AF_INET ? connect(fd, (const struct sockaddr *)&in, sizeof(in)) :
				     connect(fd, (const struct sockaddr *)&in6, sizeof(in6));
	if (!ret)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
