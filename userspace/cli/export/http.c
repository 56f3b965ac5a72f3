// SPDX-License-Identifier: MIT
/*
 * memstate-export-http: what memstate export --listen runs. HTTP is libmicrohttpd's.
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
#define PLAIN			"text/plain; charset=utf-8"

/**
 * struct connection - one that is open
 * @fd:		its socket, -1: none
 * @since:	when it began, seconds of CLOCK_MONOTONIC; later if it has to wait for us
 */
struct connection {
	int fd;
	time_t since;
};

/**
 * struct snapshot - figures that were read once, for all who waited for them
 * @users:	requests that have it, and the server while it is the last
 * @number:	of the reading
 * @ret:	from ms_export_collect()
 * @data:	from there
 * @responses:	by enum export_format, made when somebody asks
 */
struct snapshot {
	unsigned int users;
	uint64_t number;
	int ret;
	struct export_data data;
	struct MHD_Response *responses[2];
};

/**
 * struct server - everything
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
struct server {
	const struct export_paths *paths;
	const struct export_options *options;
	unsigned int wait_seconds;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct connection connections[CONNECTIONS_MAX];
	uint64_t readings;
	uint64_t ended;
	bool reading;
	struct snapshot *last;
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

static struct MHD_Response *response_of(const char *type, const char *text, size_t length,
					enum MHD_ResponseMemoryMode mode)
{
	/* It is not written to; where it was allocated it becomes the response's. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, (void *)(uintptr_t)text, mode);

	if (!response)
		return NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	return response;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status,
			   const char *type, const char *text)
{
	struct MHD_Response *response = response_of(type, text, strlen(text),
						    MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	if (!response)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

/* ---- snapshots --------------------------------------------------------------------- */

/* With the lock held. */
static void snapshot_put(struct snapshot *s)
{
	if (!s || --s->users)
		return;
	for (int i = 0; i < 2; i++)
		if (s->responses[i])
			MHD_destroy_response(s->responses[i]);
	ms_export_free(&s->data);
	free(s);
}

/* Read, and make it the last. With the lock held, which is let go of meanwhile. */
static void snapshot_take(struct server *server)
{
	uint64_t number = ++server->readings;
	struct snapshot *s;
	size_t left_out;

	server->reading = true;
	pthread_mutex_unlock(&server->lock);
	s = calloc(1, sizeof(*s));
	if (s) {
		s->users = 1;
		s->number = number;
		s->ret = ms_export_collect(server->paths, server->options, &s->data);
		/* What was left out is told when it changes, not each time. */
		left_out = s->ret ? server->left_out : ms_export_left_out(&s->data);
		if (left_out != server->left_out)
			ms_export_warn(&s->data);
		/* Whoever reads is alone with it. */
		server->left_out = left_out;
	}
	pthread_mutex_lock(&server->lock);
	snapshot_put(server->last);
	server->last = s;
	server->ended = number;
	server->reading = false;
	pthread_cond_broadcast(&server->done);
}

/*
 * Figures that were read from now on, with the lock held; to be put. Return: NULL:
 * there was no memory.
 */
static struct snapshot *snapshot_get(struct server *server)
{
	uint64_t wanted = server->readings + 1;

	while (server->ended < wanted) {
		if (server->reading)
			pthread_cond_wait(&server->done, &server->lock);
		else
			snapshot_take(server);
	}
	if (server->last)
		server->last->users++;
	return server->last;
}

/* The answer in a format, with the lock held. Return: NULL: there was no memory. */
static struct MHD_Response *snapshot_response(struct snapshot *s, enum export_format format)
{
	struct MHD_Response **response = &s->responses[format];
	size_t length = 0;
	char *text = NULL;
	bool good = false;
	FILE *f;

	if (*response)
		return *response;
	f = open_memstream(&text, &length);
	if (f) {
		ms_export_write(f, format, &s->data);
		good = !ferror(f);
		good &= !fclose(f);
	}
	if (good)
		*response = response_of(ms_export_content_type(format), text, length,
					MHD_RESPMEM_MUST_FREE);
	if (!*response)
		free(text);
	return *response;
}

/* It has asked: from here on it is we who may take their time. */
static void renew(struct server *server, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *c = info ? info->socket_context : NULL;

	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
				  IDLE_SECONDS + server->wait_seconds);
	pthread_mutex_lock(&server->lock);
	if (c)
		c->since = now_seconds() + server->wait_seconds;
	pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result metrics(struct server *server, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_ACCEPT);
	char error[EXPORT_TEXT_MAX], text[EXPORT_TEXT_MAX + 1] = "out of memory\n";
	struct MHD_Response *response;
	enum MHD_Result ret = MHD_NO;
	struct snapshot *s;
	int why = -ENOMEM;

	renew(server, connection);
	pthread_mutex_lock(&server->lock);
	s = snapshot_get(server);
	if (s && s->ret) {
		why = s->ret;
		snprintf(text, sizeof(text), "%s\n", ms_export_error(server->paths, why, error));
	}
	response = s && !s->ret ? snapshot_response(s, ms_export_negotiate(accept)) : NULL;
	if (response)
		ret = MHD_queue_response(connection, MHD_HTTP_OK, response);
	snapshot_put(s);
	pthread_mutex_unlock(&server->lock);
	if (response)
		return ret;
	return say(connection, why == -ENODEV ? MHD_HTTP_SERVICE_UNAVAILABLE :
						MHD_HTTP_INTERNAL_SERVER_ERROR, PLAIN, text);
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
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, PLAIN,
			   "GET and HEAD only\n");
	/* First come the headers alone; and a body that nobody wants is taken. */
	if (!*context || *upload_bytes) {
		*context = &seen;
		*upload_bytes = 0;
		return MHD_YES;
	}
	if (!strcmp(url, "/metrics"))
		return metrics(arg, connection);
	if (!strcmp(url, "/"))
		return say(connection, MHD_HTTP_OK, "text/html; charset=utf-8", page);
	return say(connection, MHD_HTTP_NOT_FOUND, PLAIN, "there is /metrics\n");
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
		.paths = paths,
		.options = options,
		.wait_seconds = (unsigned int)(2 * options->limit_ns / 1000000000) + 1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.done = PTHREAD_COND_INITIALIZER,
	};
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
	snapshot_put(server.last);
	return 0;
}
