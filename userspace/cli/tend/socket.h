/* SPDX-License-Identifier: MIT */
/* Pressure for whoever understands $MEMORY_PRESSURE_WATCH. */
#ifndef MS_TEND_SOCKET_H
#define MS_TEND_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include <memstate.h>

/* The variable that names it, and the one that says what is to be written there: nothing. */
#define TEND_SOCKET_ENV		"MEMORY_PRESSURE_WATCH"
#define TEND_SOCKET_WRITE_ENV	"MEMORY_PRESSURE_WRITE"

/* Of all processes, and of one. */
#define TEND_CLIENTS		1024
#define TEND_CLIENTS_EACH	16

/**
 * struct tend_client - who listens
 * @fd:		the connection
 * @pid:	who made it
 */
struct tend_client {
	int fd;
	pid_t pid;
};

/**
 * struct tend_socket - a socket where a byte says that memory is scarce
 * @fd:		it, below 0: there is none
 * @events:	readable when somebody comes or goes: tend_socket_serve()
 * @path:	of its file
 * @inode:	of its file, on
 * @device:	this one
 * @clients:	those that listen
 * @nr:		how many
 */
struct tend_socket {
	int fd;
	int events;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	ino_t inode;
	dev_t device;
	struct tend_client clients[TEND_CLIENTS];
	int nr;
};

int tend_socket_open(struct tend_socket *s, const char *path);
void tend_socket_serve(struct tend_socket *s, bool pressed);
void tend_socket_tell(struct tend_socket *s);
void tend_socket_close(struct tend_socket *s);
bool tend_is_news(const struct memstate_limit *now, const struct memstate_limit *before);

#endif /* MS_TEND_SOCKET_H */
