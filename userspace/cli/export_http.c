// SPDX-License-Identifier: MIT
/*
 * memstate-export-http: what memstate export --listen runs. HTTP is libmicrohttpd's.
 *
 * Model
 *
 *   Each connection has a thread and is good for one request: scrapes are seconds
 *   apart, so keeping connections would save nothing, and this way a connection's age
 *   is its request's. The library ends those on which nothing moves; who sends a byte
 *   now and then is ended by age. A scrape collects for itself: what it is told was
 *   read after it asked.
 *
 *   Bounds: connections, their age, the time a collection may take, the samples of an
 *   answer.
 *
 * Locking
 *
 *   server.lock	connections; a descriptor in the table is open, as the library
 *			closes it after it has said so
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "export.h"

#define CONNECTIONS_MAX		64U
#define IDLE_SECONDS		10U
#define AGE_SECONDS		30
#define REQUEST_BYTES		((size_t)16384)
#define STACK_BYTES		((size_t)512 << 10)

/* Less than the ten seconds that a scraper waits if it is not told otherwise. */
#define LIMIT_NS		UINT64_C(8000000000)
#define LIMIT_NS_MAX		UINT64_C(25000000000)

/**
 * struct connection - one that is open
 * @fd:		its socket, -1: none
 * @since:	when it began, seconds of CLOCK_MONOTONIC
 */
struct connection {
	int fd;
	time_t since;
};

/**
 * struct server - everything
 * @paths:	where figures come from
 * @options:	what is served
 * @lock:	protects what follows
 * @connections: those that are open
 * @left_out:	how much the last answer had left out
 */
struct server {
	const struct export_paths *paths;
	const struct export_options *options;
	pthread_mutex_t lock;
	struct connection connections[CONNECTIONS_MAX];
	size_t left_out;
};

static time_t now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* ---- connections ------------------------------------------------------------------- */

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct server *server = arg;
	const union MHD_ConnectionInfo *info;
	struct connection *c;

	pthread_mutex_lock(&server->lock);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		c = *context;
		if (c)
			c->fd = -1;
	} else {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*context = NULL;
		for (size_t i = 0; info && i < CONNECTIONS_MAX; i++) {
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

/* End what has been here for too long. */
static void end_old(struct server *server)
{
	time_t now = now_seconds();

	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		const struct connection *c = &server->connections[i];

		if (c->fd >= 0 && now - c->since > AGE_SECONDS)
			shutdown(c->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&server->lock);
}

/* ---- answers ----------------------------------------------------------------------- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, const char *text, size_t length,
			      enum MHD_ResponseMemoryMode mode)
{
	/* It is not written to; where it was allocated it becomes the response's. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, (void *)(uintptr_t)text, mode);
	enum MHD_Result ret;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status,
			   const char *text)
{
	return answer(connection, status, "text/plain; charset=utf-8", text, strlen(text),
		      MHD_RESPMEM_MUST_COPY);
}

/* What was left out is told when it changes, not at each scrape. */
static void warn_once(struct server *server, const struct export_data *data)
{
	size_t left_out = ms_export_left_out(data);
	bool changed;

	pthread_mutex_lock(&server->lock);
	changed = left_out != server->left_out;
	server->left_out = left_out;
	pthread_mutex_unlock(&server->lock);
	if (changed)
		ms_export_warn(data);
}

/* A scraper says how long it waits. */
static uint64_t limit_ns(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       "X-Prometheus-Scrape-Timeout-Seconds");
	char *end;
	double seconds = text ? strtod(text, &end) : 0;

	if (!text || end == text || !(seconds > 0) || seconds > 3600)
		return LIMIT_NS;
	/* The rest is for the way. */
	seconds *= 0.8e9;
	return seconds < (double)LIMIT_NS_MAX ? (uint64_t)seconds : LIMIT_NS_MAX;
}

static enum MHD_Result metrics(struct server *server, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_ACCEPT);
	enum export_format format = ms_export_negotiate(accept);
	struct export_options options = *server->options;
	char error[EXPORT_TEXT_MAX + 1], *text = NULL;
	struct export_data data;
	size_t length = 0;
	bool good = false;
	FILE *f;
	int ret;

	options.limit_ns = limit_ns(connection);
	ret = ms_export_collect(server->paths, &options, &data);
	if (ret) {
		ms_export_free(&data);
		ms_export_error(server->paths, ret, error);
		strcat(error, "\n");
		return say(connection, ret == -ENODEV ? MHD_HTTP_SERVICE_UNAVAILABLE :
							MHD_HTTP_INTERNAL_SERVER_ERROR, error);
	}
	f = open_memstream(&text, &length);
	if (f) {
		ms_export_write(f, format, &data);
		good = !ferror(f);
		good &= !fclose(f);
	}
	warn_once(server, &data);
	ms_export_free(&data);
	if (!good) {
		free(text);
		return say(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	}
	return answer(connection, MHD_HTTP_OK, ms_export_content_type(format), text, length,
		      MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *url, const char *method, const char *version,
				  const char *upload, size_t *upload_bytes, void **context)
{
	static const char page[] =
		"<!DOCTYPE html>\n<title>memstate</title>\n"
		"<h1>memstate</h1>\n<p><a href=\"/metrics\">Metrics</a></p>\n";
	static int seen;

	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
	/* First come the headers alone; and a body that nobody wants is taken. */
	if (!*context || *upload_bytes) {
		*context = &seen;
		*upload_bytes = 0;
		return MHD_YES;
	}
	if (!strcmp(url, "/metrics"))
		return metrics(arg, connection);
	if (!strcmp(url, "/"))
		return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", page,
			      sizeof(page) - 1, MHD_RESPMEM_PERSISTENT);
	return say(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
}

/* ---- the server -------------------------------------------------------------------- */

/* "127.0.0.1:80", "[::1]:80" */
static const char *address_text(const struct export_address *address, char *text,
				size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool v6 = address->any.sa_family == AF_INET6;

	inet_ntop(address->any.sa_family,
		  v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr, host,
		  sizeof(host));
	snprintf(text, size, v6 ? "[%s]:%u" : "%s:%u", host,
		 ntohs(v6 ? address->v6.sin6_port : address->v4.sin_port));
	return text;
}

/* Return: a socket, or -1 after a message. */
static int listen_on(const struct export_address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct export_address bound = *address;
	int one = 1, error;
	char text[80];

	address_text(address, text, sizeof(text));
	if (fd >= 0 &&
	    !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    (address->any.sa_family != AF_INET6 ||
	     !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one))) &&
	    !bind(fd, &address->any, address->length) && !listen(fd, SOMAXCONN) &&
	    !getsockname(fd, &bound.any, &bound.length)) {
		ms_err("listening on http://%s/metrics",
		       address_text(&bound, text, sizeof(text)));
		return fd;
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	ms_err("%s: cannot listen: %s", text, strerror(error));
	return -1;
}

static void on_log(void *arg, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static void on_log(void *arg, const char *format, va_list args)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	ms_err("http: %s", text);
}

/**
 * ms_export_serve() - serve figures by HTTP until a signal comes
 * @paths:	where figures come from
 * @options:	which
 * @address:	where to listen
 * @argv:	not used
 *
 * Without the module each scrape is told so; it may come later.
 *
 * Return: the exit status.
 */
int ms_export_serve(const struct export_paths *paths,
		    const struct export_options *options,
		    const struct export_address *address, char **argv)
{
	struct server server = {
		.paths = paths, .options = options, .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct timespec second = { .tv_sec = 1 };
	struct MHD_Daemon *daemon;
	sigset_t ends;
	int fd;

	(void)argv;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		server.connections[i].fd = -1;
	/* In all threads, so that they come to this one. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = listen_on(address);
	if (fd < 0)
		return 1;
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
				  MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC |
				  MHD_USE_ERROR_LOG,
				  0, NULL, NULL, on_request, &server,
				  MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				  MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_BYTES,
				  MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,
				  MHD_OPTION_NOTIFY_CONNECTION, on_connection, &server,
				  MHD_OPTION_END);
	if (!daemon) {
		ms_err("http: cannot be started");
		close(fd);
		return 1;
	}
	while (sigtimedwait(&ends, NULL, &second) < 0)
		end_old(&server);
	/* It closes the socket, too. */
	MHD_stop_daemon(daemon);
	return 0;
}
