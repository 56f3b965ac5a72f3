// SPDX-License-Identifier: MIT
/* Snapshots: figures that are read once for all who wait for them, and answers made of them. */
#include <stdlib.h>

#include "http.h"

/**
 * ms_export_http_response() - an answer
 * @type:	of its content
 * @text:	its content
 * @length:	of that
 * @mode:	whose @text is
 *
 * Return: NULL: there was no memory.
 */
struct MHD_Response *ms_export_http_response(const char *type, const char *text, size_t length,
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

/**
 * ms_export_snapshot_put() - one user less
 * @s: the snapshot, or NULL
 *
 * Context: with the server's lock held.
 */
void ms_export_snapshot_put(struct export_snapshot *s)
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
static void snapshot_take(struct export_server *server)
{
	uint64_t number = ++server->readings;
	struct export_snapshot *s;
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
	ms_export_snapshot_put(server->last);
	server->last = s;
	server->ended = number;
	server->reading = false;
	pthread_cond_broadcast(&server->done);
}

/**
 * ms_export_snapshot_get() - figures that were read from now on
 * @server: everything
 *
 * Context: with the server's lock held. Return: to be put; NULL: there was no memory.
 */
struct export_snapshot *ms_export_snapshot_get(struct export_server *server)
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

/**
 * ms_export_snapshot_response() - the answer in a format
 * @s:		the snapshot
 * @format:	the format
 *
 * Context: with the server's lock held. Return: the snapshot's; NULL: there was no memory.
 */
struct MHD_Response *ms_export_snapshot_response(struct export_snapshot *s,
						 enum export_format format)
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
		*response = ms_export_http_response(ms_export_content_type(format), text, length,
						    MHD_RESPMEM_MUST_FREE);
	if (!*response)
		free(text);
	return *response;
}
