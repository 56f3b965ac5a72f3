// SPDX-License-Identifier: MIT
/* Names of anybody's as text: names.h. */
#include <stdlib.h>
#include <string.h>

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

/**
 * ms_utf8_char() - the character that a text begins with
 * @text:	begins with UTF-8
 * @length:	from ms_utf8_length(), not 0
 *
 * Context: any. Return: the character.
 */
unsigned int ms_utf8_char(const char *text, size_t length)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *p = (const unsigned char *)text;
	unsigned int c = *p & masks[length];

	for (size_t i = 1; i < length; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/**
 * ms_is_control() - is it what a terminal acts on, what makes a line read as it does not stand
 * there, or what no XML may have?
 * @c: a character
 *
 * Context: any. Return: true if it is.
 */
bool ms_is_control(unsigned int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c & 0xfffe) == 0xfffe ||
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
	return n && !ms_is_control(ms_utf8_char(text, n)) ? n : 0;
}

/**
 * ms_name_clean() - a name, or a line with names in it, for a terminal or a log
 * @text: of any bytes; what must not get there becomes '?', in place
 *
 * Context: any.
 */
void ms_name_clean(char *text)
{
	char *to = text;
	size_t length;

	for (; *text; text += length) {
		if (ms_name_char(text, &length))
			to = (char *)memmove(to, text, length) + length;
		else
			*to++ = '?';
	}
	*to = '\0';
}

/**
 * ms_name() - the same of a text that stays as it is
 * @text: of any bytes
 *
 * Context: one thread. Return: a text that stays valid for the next seven calls.
 */
const char *ms_name(const char *text)
{
	static char *ring[8];
	static unsigned int next;
	char **clean = &ring[next++ % 8];

	free(*clean);
	*clean = strdup(text);
	if (!*clean)
		abort();
	ms_name_clean(*clean);
	return *clean;
}
