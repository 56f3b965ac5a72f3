// SPDX-License-Identifier: MIT
/* Names of anybody's, as text and as JSON: names.h. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "names.h"

/**
 * ms_utf8_length() - bytes of the UTF-8 sequence that a text begins with
 * @text: not empty
 *
 * Context: any. Return: 1 to 4; 0: it begins with none.
 */
size_t ms_utf8_length(const char *text)
{
	/* What the second byte may be rules out long forms, surrogates, the beyond. */
	static const struct {
		unsigned char first, last, low, high, length;
	} forms[] = {
		{ 0x01, 0x7f, 0x80, 0xbf, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		for (size_t k = 1; k < forms[i].length; k++)
			if (p[k] < (k == 1 ? forms[i].low : 0x80) ||
			    p[k] > (k == 1 ? forms[i].high : 0xbf))
				return 0;
		return forms[i].length;
	}
	return 0;
}

static unsigned int decode(const unsigned char *p, size_t length)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned int c = *p & masks[length];

	for (size_t i = 1; i < length; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/* What a terminal acts on, or what makes a line read as it does not stand there. */
static bool is_control(unsigned int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

/**
 * ms_name_char() - the character that a name begins with
 * @text:	not empty
 * @length:	out: bytes of it
 *
 * Context: any. Return: @length; 0: it is not to be shown as it is.
 */
size_t ms_name_char(const char *text, size_t *length)
{
	size_t n = ms_utf8_length(text);

	*length = n ? n : 1;
	return n && !is_control(decode((const unsigned char *)text, n)) ? n : 0;
}

/**
 * ms_name_put() - a name as part of a text
 * @out:	where to
 * @text:	of any bytes: what must not get to a terminal becomes '?'
 */
void ms_name_put(FILE *out, const char *text)
{
	size_t length;

	for (; *text; text += length)
		if (ms_name_char(text, &length))
			fwrite(text, 1, length, out);
		else
			fputc('?', out);
}

/**
 * ms_name() - the same for a line that is printed
 * @text:	as ms_name_put()
 *
 * Return: a text that stays valid for the next seven calls.
 */
const char *ms_name(const char *text)
{
	static char *ring[8];
	static unsigned int next;
	char **clean = &ring[next++ % 8], *to;
	size_t length;

	free(*clean);
	*clean = to = malloc(strlen(text) + 1);
	if (!to)
		abort();
	for (; *text; text += length)
		if (ms_name_char(text, &length))
			to = mempcpy(to, text, length);
		else
			*to++ = '?';
	*to = '\0';
	return *clean;
}

/* json-c leaves alone what is above 0x7e. */
static int put_json(struct json_object *o, struct printbuf *out, int level, int flags)
{
	const unsigned char *p = (const unsigned char *)json_object_get_string(o);

	(void)level;
	(void)flags;
	printbuf_strappend(out, "\"");
	while (*p) {
		size_t n = ms_utf8_length((const char *)p);
		unsigned int c = n ? decode(p, n) : 0xfffd;

		if (c > 0xffff && is_control(c))
			sprintbuf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
				  0xdc00 + ((c - 0x10000) & 0x3ff));
		else if (!n || is_control(c))
			sprintbuf(out, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			sprintbuf(out, "\\%c", c);
		else
			printbuf_memappend(out, (const char *)p, (int)n);
		p += n ? n : 1;
	}
	printbuf_strappend(out, "\"");
	return 0;
}

/**
 * ms_json_text() - a name as a string of a JSON document
 * @text: of any bytes; what is not UTF-8 becomes U+FFFD, controls are escaped
 *
 * Return: the string.
 */
struct json_object *ms_json_text(const char *text)
{
	struct json_object *o = json_object_new_string(text);

	json_object_set_serializer(o, put_json, NULL, NULL);
	return o;
}
