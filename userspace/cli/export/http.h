/* SPDX-License-Identifier: MIT */
/*
 * memstate-export-http: what memstate export --listen runs. HTTP is libmicrohttpd's.
 *
 *	connections.c	how old they may become
 *	snapshot.c	figures that are read once for all who wait
 *	http.c		requests, answers, the server
 *
 * Model
 *
 *   Each connection has a thread and is good for one request: scrapes are seconds
 *   apart, so keeping connections would save nothing, and this way a connection's age
 *   is its request's. The library ends those on which nothing moves; who sends a byte
 *   now and then is ended by age.
 *
 *   One thread at a time reads figures. Who comes meanwhile waits for it, and then one
 *   of those who wait reads for all of them: what a scraper is told was read after it
 *   asked, and fifty at once cost two readings and two answers in memory.
 *
 *   Bounds: connections, their age, the time of a reading, the samples of an answer.
 *
 * Locking
 *
 *   server.lock	connections, snapshots. A descriptor in the table is open, as the
 *			library closes it after it has said so. Not held while reading.
 */
#ifndef MS_CLI_EXPORT_HTTP_H
#define MS_CLI_EXPORT_HTTP_H

#include <microhttpd.h>
#include <pthread.h>
#include <time.h>

#include "export.h"

#define EXPORT_CONNECTIONS	64U
#define EXPORT_IDLE_SECONDS	10U

/**
 * struct export_connection - one that is open
 * @fd:		its socket, -1: none
 * @since:	when it began, seconds of CLOCK_MONOTONIC; later if it has to wait for us
 */
struct export_connection {
	int fd;
	time_t since;
};

/**
 * struct export_snapshot - figures that were read once, for all who waited for them
 * @users:	requests that have it, and the server while it is the last
 * @number:	of the reading
 * @ret:	from ms_export_collect()
 * @data:	from there
 * @responses:	by enum export_format, made when somebody asks
 */
struct export_snapshot {
	unsigned int users;
	uint64_t number;
	int ret;
	struct export_data data;
	struct MHD_Response *responses[2];
};

/**
 * struct export_server - everything
 * @paths:	where figures come from
 * @options:	what is served
 * @wait_seconds: how long a request may have to wait, for two readings
 * @lock:	protects what follows
 * @done:	a reading has ended
 * @connections: those that are open
 * @readings:	how many have begun
 * @ended:	how many have ended
 * @reading:	one is on its way
 * @last:	what it was that ended last, or NULL: there was no memory
 * @left_out:	how much that had left out
 */
struct export_server {
	const struct export_paths *paths;
	const struct export_options *options;
	unsigned int wait_seconds;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct export_connection connections[EXPORT_CONNECTIONS];
	uint64_t readings;
	uint64_t ended;
	bool reading;
	struct export_snapshot *last;
	size_t left_out;
};

/* ---- connections.c ------------------------------------------------------------------ */

void ms_export_connections_none(struct export_server *server);
void ms_export_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what);
void ms_export_connection_renew(struct export_server *server, struct MHD_Connection *connection);
void ms_export_connections_end(struct export_server *server);

/* ---- snapshot.c --------------------------------------------------------------------- */

struct MHD_Response *ms_export_http_response(const char *type, const char *text, size_t length,
					     enum MHD_ResponseMemoryMode mode);
struct export_snapshot *ms_export_snapshot_get(struct export_server *server);
void ms_export_snapshot_put(struct export_snapshot *s);
struct MHD_Response *ms_export_snapshot_response(struct export_snapshot *s,
						 enum export_format format);

#endif /* MS_CLI_EXPORT_HTTP_H */
