/* SPDX-License-Identifier: MIT */
/* Where a process listens. */
#ifndef MS_TEND_LISTEN_H
#define MS_TEND_LISTEN_H

#include <netinet/in.h>

#include "tend/tend.h"

/* So many are found. */
#define TEND_LISTENERS	8

/**
 * struct tend_listener - a socket that it listens at
 * @path:	of a file, from its root; empty: it is at
 * @family:	AF_INET or AF_INET6: an address in its network
 * @port:	likewise
 * @address:	likewise, of four or sixteen bytes
 */
struct tend_listener {
	char path[112];
	sa_family_t family;
	in_port_t port;
	uint8_t address[16];
};

int tend_listeners(const struct tend_peer *p, struct tend_listener found[TEND_LISTENERS]);
int tend_listener_connect(const struct tend_listener *l, int root, const struct tend_peer *p);

#endif /* MS_TEND_LISTEN_H */
