// SPDX-License-Identifier: MIT
#include <string.h>

#include "strings.h"

/* - of a list of YAML, and the quote. False: there is none. */
static bool skip_begin(struct ms_text *t)
{
	ms_text_skip_space(t);
	if (ms_text_skip(t, "- "))
		ms_text_skip_space(t);
	return ms_text_skip(t, "\"");
}

/**
 * ms_string_begins() - does a line begin as a string of a list?
 * @t: the line
 *
 * Return: it does, as no line of strace does; the rest of one that was wrapped may.
 */
bool ms_string_begins(const struct ms_text *t)
{
	struct ms_text rest = *t;

	return skip_begin(&rest);
}

/**
 * ms_string_strip() - take the quotes off
 * @line:	a line of a log whose lines are strings; without quotes afterwards
 * @len:	its length
 */
void ms_string_strip(char *line, size_t *len)
{
	struct ms_text t = { line, line + *len };
	bool whole;
	char *to = line;

	if (!skip_begin(&t))
		return;
	while (t.end > t.p && strchr(" \t\r", t.end[-1]))
		t.end--;
	if (t.end - t.p > 1 && t.end[-1] == ',' && t.end[-2] == '"')
		t.end--;
	whole = t.end > t.p && t.end[-1] == '"';
	t.end -= whole;
	for (const char *p = t.p; p < t.end; p++) {
		/* Who quotes a line at both ends marks quotes within it. */
		if (whole && *p == '\\' && p + 1 < t.end && (p[1] == '"' || p[1] == '\\'))
			p++;
		*to++ = *p;
	}
	*to = '\0';
	*len = (size_t)(to - line);
}
