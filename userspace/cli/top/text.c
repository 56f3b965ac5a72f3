// SPDX-License-Identifier: MIT
/* Text of so many columns, whatever bytes it is made of, and what bars are made of. */
#include <langinfo.h>
#include <string.h>
#include <wchar.h>

#include "view.h"

/**
 * ms_top_glyphs() - what can be drawn in this locale
 *
 * Return: the same at each call.
 */
const struct top_glyphs *ms_top_glyphs(void)
{
	static const struct top_glyphs ascii = {
		"-", "+", { " ", ".", ":", "-", "=", "+", "*", "%", "#" },
	}, unicode = {
		"\u25bc", "\u25b2",
		{ " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587",
		  "\u2588" },
	};

	return strcmp(nl_langinfo(CODESET), "UTF-8") ? &ascii : &unicode;
}

/* A character of a text: its bytes and columns, and whether it can be shown as it is. */
static bool next_char(const char *text, size_t n, size_t *bytes, int *columns)
{
	mbstate_t state = {};
	wchar_t c;

	*bytes = mbrtowc(&c, text, n, &state);
	*columns = *bytes && *bytes <= n ? wcwidth(c) : -1;
	if (*columns > 0 && *bytes <= MB_LEN_ROOM)
		return true;
	*bytes = *bytes && *bytes <= n ? *bytes : 1;
	*columns = 1;
	return false;
}

/**
 * ms_top_put_text() - as much of a text as has room, and blanks behind it
 * @line:	where to put it, with room for MB_LEN_ROOM bytes a column
 * @text:	it may be of any bytes: what cannot be shown becomes '?'
 * @width:	columns; a text that is longer ends in '~'
 *
 * Return: how many columns the text wants.
 */
int ms_top_put_text(char *line, const char *text, int width)
{
	size_t n = strlen(text), length = 0, cut = 0;
	int used = 0, kept = 0;

	while (n) {
		size_t bytes;
		int columns;
		bool shown = next_char(text, n, &bytes, &columns);

		if (used + columns <= width) {
			if (shown)
				memcpy(line + length, text, bytes);
			else
				line[length] = '?';
			length += shown ? bytes : 1;
			/* The last place may have to be given to '~'. */
			if (used + columns < width) {
				cut = length;
				kept = used + columns;
			}
		}
		used += columns;
		text += bytes;
		n -= bytes;
	}
	if (used > width) {
		length = cut;
		line[length++] = '~';
		n = (size_t)(width - kept - 1);
	} else {
		n = (size_t)(width - used);
	}
	memset(line + length, ' ', n);
	line[length + n] = '\0';
	return used;
}

/* Of a text as much of its end as has room. */
static const char *text_end(const char *text, int width)
{
	size_t n = strlen(text), bytes;
	const char *at;
	int all = 0, columns;

	for (at = text; *at; at += bytes) {
		next_char(at, n - (size_t)(at - text), &bytes, &columns);
		all += columns;
	}
	for (; *text && all > width; text += bytes, n -= bytes) {
		next_char(text, n, &bytes, &columns);
		all -= columns;
	}
	return text;
}

/**
 * ms_top_put_end() - the end of a text, of which the end tells most
 * @to:		where to put it, with room for MB_LEN_ROOM bytes a column
 * @text:	it may be of any bytes: what cannot be shown becomes '?'
 * @width:	columns; a text that is longer begins with '~'
 *
 * Return: columns that it takes.
 */
int ms_top_put_end(char *to, const char *text, int width)
{
	const char *end = text_end(text, width);
	int used = 0, columns;
	size_t n, bytes;

	if (end > text) {
		end = text_end(text, width - 1);
		*to++ = '~';
		used++;
	}
	for (n = strlen(end); n; end += bytes, n -= bytes) {
		bool shown = next_char(end, n, &bytes, &columns);

		to = shown ? mempcpy(to, end, bytes) : mempcpy(to, "?", 1);
		used += columns;
	}
	*to = '\0';
	return used;
}
