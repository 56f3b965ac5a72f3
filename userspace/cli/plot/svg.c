// SPDX-License-Identifier: MIT
/* A picture in SVG, as gnuplot makes it, made fit for use. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "plot.h"

/* As gnuplot writes a colour of a line, and of a text. */
static void put_swap(FILE *out, unsigned int from, unsigned int to)
{
	unsigned int r = from >> 16, g = from >> 8 & 255, b = from & 255;

	fprintf(out, "[fill=\"rgb(%u,%u,%u)\"],[fill=\"rgb(%3u, %3u, %3u)\"],[fill=\"#%06x\"]{fill:#%06x}\n",
		r, g, b, r, g, b, from, to);
	fprintf(out, "[stroke=\"rgb(%3u, %3u, %3u)\"]{stroke:#%06x}\n", r, g, b, to);
}

/* Where the reader prefers dark, all that is not data changes its colour. */
static void put_style(FILE *out)
{
	const struct ms_theme *light = &ms_themes[0], *dark = &ms_themes[1];

	fputs("<style>@media (prefers-color-scheme: dark) {\n", out);
	put_swap(out, light->background, dark->background);
	put_swap(out, light->text, dark->text);
	put_swap(out, light->muted, dark->muted);
	put_swap(out, light->border, dark->border);
	put_swap(out, light->grid, dark->grid);
	fputs("}</style>\n", out);
}

static void put_xml(FILE *out, const char *text)
{
	size_t length;

	for (; *text; text += length) {
		if (!ms_name_char(text, &length))
			fputc('?', out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			fwrite(text, 1, length, out);
	}
}

/**
 * ms_svg_copy() - a picture that gnuplot made, made fit for use
 * @in:		the picture
 * @out:	where to
 * @title:	what it is
 * @follows:	it follows the reader's theme
 *
 * The picture says what it is, and follows the theme; groups with nothing in them, of
 * which there are many, are left out; the rest is as gnuplot made it.
 */
void ms_svg_copy(FILE *in, FILE *out, const char *title, bool follows)
{
	char *line = NULL, *group = NULL;
	size_t room = 0;

	while (getline(&line, &room, in) > 0) {
		if (group && !strcmp(line, "</g>\n")) {
			free(group);
			group = NULL;
			continue;
		}
		if (group)
			fputs(group, out);
		free(group);
		group = NULL;
		if (!strncmp(line, "<g fill=\"none\"", 14)) {
			group = strdup(line);
		} else if (strncmp(line, "<title>", 7) != 0) {
			fputs(line, out);
		} else {
			fputs("<title>", out);
			put_xml(out, title);
			fputs("</title>\n", out);
			if (follows)
				put_style(out);
		}
	}
	free(group);
	free(line);
}
