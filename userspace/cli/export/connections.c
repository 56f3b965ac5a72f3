// SPDX-License-Identifier: MIT
/* Connections to the server, and how old they may become. */
#include <sys/socket.h>

#include "http.h"

#define AGE_SECONDS	30

static time_t now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/**
 * ms_export_connections_none() - there is none yet
 * @server: everything
 */
void ms_export_connections_none(struct export_server *server)
{
	for (size_t i = 0; i < EXPORT_CONNECTIONS; i++)
		server->connections[i].fd = -1;
}

/**
 * ms_export_connection() - one begins, or ends; the library calls it
 * @arg:	everything
 * @connection:	the library's
 * @context:	where ours is noted
 * @what:	which of both
 */
void ms_export_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct export_server *server = arg;
	const union MHD_ConnectionInfo *info;
	struct export_connection *c;

	pthread_mutex_lock(&server->lock);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		c = *context;
		if (c)
			c->fd = -1;
	} else {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = NULL;
		for (size_t i = 0; info && i < EXPORT_CONNECTIONS; i++) {
			c = &server->connections[i];
			if (c->fd >= 0)
				continue;
			c->fd = info->connect_fd;
			c->since = now_seconds();
			*context = c;
			break;
		}
	}
	pthread_mutex_unlock(&server->lock);
}

/**
 * ms_export_connections_end() - end what has been here for too long
 * @server: everything
 */
void ms_export_connections_end(struct export_server *server)
{
	time_t now = now_seconds();

	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < EXPORT_CONNECTIONS; i++) {
		const struct export_connection *c = &server->connections[i];

		if (c->fd >= 0 && now - c->since > AGE_SECONDS)
			shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&server->lock);
}

/**
 * ms_export_connection_renew() - it has asked: from here on it is we who may take their time
 * @server:	everything
 * @connection:	the library's
 */
void ms_export_connection_renew(struct export_server *server, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct export_connection *c = info ? info->socket_context : NULL;

	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
				  EXPORT_IDLE_SECONDS + server->wait_seconds);
	pthread_mutex_lock(&server->lock);
	if (c)
		c->since = now_seconds() + server->wait_seconds;
	pthread_mutex_unlock(&server->lock);
}
