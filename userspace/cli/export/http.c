// SPDX-License-Identifier: MIT
/* Requests and answers, and the server that has them. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "http.h"

#define REQUEST_BYTES		((size_t)16384)
#define STACK_BYTES		((size_t)512 << 10)
#define PLAIN			"text/plain; charset=utf-8"

/* ---- answers ----------------------------------------------------------------------- */

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status,
			   const char *type, const char *text)
{
	struct MHD_Response *response = ms_export_http_response(type, text, strlen(text),
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

static enum MHD_Result metrics(struct export_server *server, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_ACCEPT);
	char error[EXPORT_TEXT_MAX], text[EXPORT_TEXT_MAX + 1] = "out of memory\n";
	struct MHD_Response *response;
	enum MHD_Result ret = MHD_NO;
	struct export_snapshot *s;
	int why = -ENOMEM;

	ms_export_connection_renew(server, connection);
	pthread_mutex_lock(&server->lock);
	s = ms_export_snapshot_get(server);
	if (s && s->ret) {
		why = s->ret;
		snprintf(text, sizeof(text), "%s\n", ms_export_error(server->paths, why, error));
	}
	response = s && !s->ret ? ms_export_snapshot_response(s, ms_export_negotiate(accept)) :
				  NULL;
	if (response)
		ret = MHD_queue_response(connection, MHD_HTTP_OK, response);
	ms_export_snapshot_put(s);
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
	struct export_server server = {
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
	ms_export_connections_none(&server);
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
				  MHD_OPTION_CONNECTION_LIMIT, EXPORT_CONNECTIONS,
				  MHD_OPTION_CONNECTION_TIMEOUT, EXPORT_IDLE_SECONDS,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_BYTES,
				  MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,
				  MHD_OPTION_NOTIFY_CONNECTION, ms_export_connection, &server,
				  MHD_OPTION_END);
	if (!daemon) {
		ms_err("http: cannot be started");
		close(fd);
		return 1;
	}
	while (sigtimedwait(&ends, NULL, &second) < 0)
		ms_export_connections_end(&server);
	/* It closes the socket, too. */
	MHD_stop_daemon(daemon);
	ms_export_snapshot_put(server.last);
	return 0;
}
