// SPDX-License-Identifier: MIT
/*
 * What a terminal, a page of the web and a word processor have for plain characters. strace prints
 * none of them (it has \33 and \302 within strings), nor does the kernel in /proc.
 */
#include <string.h>

#include "plain.h"

/* Does a sequence of a terminal begin here? Its length, 0: none does. */
static size_t escape(const char *p)
{
	size_t n = 2;

	if (p[0] != '\033' || p[1] != '[')
		return 0;
	while (p[n] && strchr("0123456789;:?", p[n]))
		n++;
	return p[n] ? n + 1 : n;
}

/**
 * ms_plain_line() - make a line one of plain characters
 * @line:	the line, ended with a 0
 * @len:	its length
 *
 * Return: its length afterwards.
 */
size_t ms_plain_line(char *line, size_t len)
{
	static const struct {
		const char *from;
		char to;
	} same[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "\xc2\xa0", ' ' },
	};
	char *to = line;

	if (!memchr(line, '\033', len) && !memchr(line, '&', len) &&
	    !memchr(line, '\xc2', len))
		return len;
	for (const char *p = line; p < line + len;) {
		size_t n = escape(p);

		for (size_t i = 0; !n && i < sizeof(same) / sizeof(same[0]); i++) {
			if (strncmp(p, same[i].from, strlen(same[i].from)))
				continue;
			n = strlen(same[i].from);
			*to++ = same[i].to;
		}
		if (!n)
			*to++ = *p++;
		p += n;
	}
	*to = '\0';
	return (size_t)(to - line);
}
