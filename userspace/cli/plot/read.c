// SPDX-License-Identifier: MIT
/* A recording, read whole; what is cut off at its end is told, and tolerated. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cli.h"
#include "grown.h"
#include "read.h"

/* A line without its newline. Return: its length; -1: the end; -2: cut off there. */
static long next_line(gzFile f, char **line, size_t *room)
{
	size_t n = 0;

	for (;;) {
		if (*room - n < 4096) {
			*room = *room ? 2 * *room : 65536;
			*line = ms_must(realloc(*line, *room));
		}
		if (!gzgets(f, *line + n, (int)(*room - n > 1 << 30 ? 1 << 30 : *room - n)))
			return n ? -2 : -1;
		n += strlen(*line + n);
		if (n && (*line)[n - 1] == '\n') {
			(*line)[--n] = '\0';
			return (long)n;
		}
	}
}

static int read_lines(struct ms_reader *in, gzFile f)
{
	struct json_tokener *parser = ms_must(json_tokener_new());
	char *line = NULL;
	size_t room = 0;
	bool ok = true;
	long n;

	while (ok && (n = next_line(f, &line, &room)) >= 0) {
		struct json_object *o;

		in->line++;
		json_tokener_reset(parser);
		o = json_tokener_parse_ex(parser, line, (int)n + 1);
		in->why = in->line == 1 ? "this is no recording of memstate's" : "this is no JSON";
		ok = json_object_is_type(o, json_type_object) && ms_recording_line(in, o);
		json_object_put(o);
	}
	if (ok && n == -2)
		in->r->cut = true;
	json_tokener_free(parser);
	free(line);
	if (ok)
		return 0;
	ms_err("%s: line %lu: %s", in->path, in->line, in->why);
	return -1;
}

/* Part of a ledger is none. */
static void drop_open(struct ms_reader *in)
{
	struct ms_recording *r = in->r;

	if (in->open && r->nr_ledgers) {
		free(r->ledgers[--r->nr_ledgers].ranges);
		r->cut = true;
	}
}

/**
 * ms_recording_read() - read a recording
 * @r:		where to put it
 * @path:	its file, plain or compressed
 *
 * Return: 0; -1 after a message.
 */
int ms_recording_read(struct ms_recording *r, const char *path)
{
	struct ms_reader in = { .r = r, .path = path };
	int error = 0, ret;
	gzFile f;

	memset(r, 0, sizeof(*r));
	errno = 0;
	f = gzopen(path, "rbe");
	if (!f) {
		ms_err("%s: %s", path, ms_error_text(errno ? errno : ENOMEM));
		return -1;
	}
	gzbuffer(f, 1 << 18);
	ret = read_lines(&in, f);
	drop_open(&in);
	if (!ret) {
		gzerror(f, &error);
		if (error == Z_ERRNO || error == Z_DATA_ERROR) {
			ms_err("%s: %s", path, error == Z_ERRNO ? ms_error_text(errno) :
							       "what is compressed is damaged");
			ret = -1;
		} else if (error == Z_BUF_ERROR) {
			r->cut = true;
		}
	}
	if (!ret && !in.line) {
		ms_err("%s: empty: this is no recording", path);
		ret = -1;
	}
	gzclose(f);
	if (!ret && r->cut)
		ms_err("%s: cut off after line %lu; what is there is taken", path, in.line);
	return ret;
}

/**
 * ms_recording_free() - forget a recording
 * @r: from ms_recording_read(), also where that has failed
 */
void ms_recording_free(struct ms_recording *r)
{
	for (size_t i = 0; i < r->nr_ledgers; i++)
		free(r->ledgers[i].ranges);
	free(r->ledgers);
	free(r->samples);
	free(r->marks);
	free(r->steps);
	free(r->name);
	free(r->start);
}
