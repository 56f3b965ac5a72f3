// SPDX-License-Identifier: MIT
/*
 * The frame of a picture, as a program for gnuplot: title, legend, panels, ticks.
 * Positions are pixels from the left and the top; gnuplot has parts of the whole, from
 * the bottom.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "cli.h"
#include "plot.h"

/* Light: as paper; dark: as terminals are. Text has a contrast of 7 and more, muted 5. */
const struct ms_theme ms_themes[] = {
	{ 0xffffff, 0x1f2328, 0x59636e, 0x818b98, 0xd8dee4 },
	{ 0x0d1117, 0xe6edf3, 0x9aa4af, 0x6e7681, 0x2b323c },
};

#define MARGIN		16
#define LETTER		12	/* pixels */
#define LETTER_WIDTH	7.2	/* of a letter, about */
#define LEGEND_ROW	20

/* What is a letter to gnuplot, wherever it stands in a text. */
static bool is_plain(unsigned char c)
{
	return c >= 0x80 || isalnum(c) || strchr(" .,:;/_+-=()[]<>&", c);
}

/**
 * ms_script_quote() - a text as gnuplot takes it literally
 * @out:	where to
 * @text:	anything; what is not to be shown becomes "?"
 *
 * In double quotes, with all that might mean something by its number: in single ones a quote is
 * written twice, but at the beginning of a text that ends it.
 */
void ms_script_quote(FILE *out, const char *text)
{
	const char *begin = text;
	size_t length;

	fputc('"', out);
	for (; *text; text += length) {
		/* In an SVG gnuplot leaves alone what ends a section of XML. */
		if (!ms_name_char(text, &length) ||
		    (*text == '>' && text - begin >= 2 && !memcmp(text - 2, "]]", 2)))
			fputc('?', out);
		else if (is_plain((unsigned char)*text))
			fwrite(text, 1, length, out);
		else
			fprintf(out, "\\%03o", (unsigned char)*text);
	}
	fputc('"', out);
}

/**
 * ms_script_text() - put a text somewhere
 * @s:		the script
 * @x:		pixels from the left
 * @y:		of its middle, pixels from the top
 * @align:	left, center, right
 * @colour:	rgb
 * @size:	of letters
 * @text:	anything
 */
void ms_script_text(struct ms_script *s, double x, double y, const char *align,
		    unsigned int colour, int size, const char *text)
{
	fprintf(s->out, "set label %d ", ++s->objects);
	ms_script_quote(s->out, text);
	fprintf(s->out, " at screen %.5f,%.5f %s front noenhanced font ',%d' tc rgb '#%06x'\n",
		x / s->width, 1 - y / s->height, align, size, colour);
}

/* No longer than the picture is wide. */
static void shorten(char *text, double room, double letter)
{
	size_t max = (size_t)(room / letter);

	if (strlen(text) > max && max > 3) {
		/* Not in the middle of a letter of several bytes. */
		while (max > 3 && (text[max - 3] & 0xc0) == 0x80)
			max--;
		memcpy(text + max - 3, "...", 4);
	}
}

/**
 * ms_script_begin() - begin a picture
 * @s:		the script, its first members set
 * @title:	in the first line
 * @subtitle:	in the second
 */
void ms_script_begin(struct ms_script *s, const char *title, const char *subtitle)
{
	const struct ms_theme *t = s->theme;
	char text[512];

	s->objects = 0;
	s->legend_x = MARGIN;
	s->legend_y = 72;
	fprintf(s->out, "set encoding utf8\nset multiplot\nset border 3 lc rgb '#%06x'\n"
		"set tics nomirror out scale 0.5 tc rgb '#%06x'\nset grid lc rgb '#%06x' lt 1 lw 0.7\n"
		"unset key\n", t->border, t->text, t->grid);
	snprintf(text, sizeof(text), "%s", title);
	shorten(text, s->width - 2 * MARGIN, LETTER_WIDTH * 1.4);
	ms_script_text(s, MARGIN, 22, "left", t->text, 17, text);
	snprintf(text, sizeof(text), "%s", subtitle);
	shorten(text, s->width - 2 * MARGIN, LETTER_WIDTH);
	ms_script_text(s, MARGIN, 45, "left", t->muted, LETTER, text);
}

/**
 * ms_script_legend() - an entry of the legend, in rows below the title
 * @s:		the script
 * @swatch:	what it stands for
 * @colour:	rgb
 * @text:	what that is
 */
void ms_script_legend(struct ms_script *s, enum ms_swatch swatch, unsigned int colour,
		      const char *text)
{
	int mark = swatch == MS_SWATCH_NONE ? 0 : 20, x, y;
	int width = mark + (int)((double)strlen(text) * LETTER_WIDTH) + 18;
	double half = swatch == MS_SWATCH_AREA ? 6 : 1;

	if (s->legend_x > MARGIN && s->legend_x + width > s->width - MARGIN) {
		s->legend_x = MARGIN;
		s->legend_y += LEGEND_ROW;
	}
	x = s->legend_x;
	y = s->legend_y;
	if (mark)
		fprintf(s->out, "set object %d rect from screen %.5f,%.5f to screen %.5f,%.5f "
			"front noclip fs solid noborder fc rgb '#%06x'\n", ++s->objects,
			(double)x / s->width, 1 - (y + half) / s->height,
			(double)(x + 14) / s->width, 1 - (y - half) / s->height, colour);
	ms_script_text(s, x + mark, y, "left", s->theme->text, LETTER, text);
	s->legend_x += width;
}

/**
 * ms_script_legend_end() - the legend is whole
 * @s: the script
 *
 * Return: where panels may begin, pixels from the top.
 */
int ms_script_legend_end(struct ms_script *s)
{
	return s->legend_y + LEGEND_ROW;
}

/**
 * ms_script_axis() - name a vertical axis, at the left edge
 * @s:		the script
 * @p:		its panel
 * @text:	the name
 */
void ms_script_axis(struct ms_script *s, const struct ms_panel *p, const char *text)
{
	fprintf(s->out, "set label %d '%s' at screen %.5f,%.5f center rotate by 90 front "
		"font ',%d' tc rgb '#%06x'\n", ++s->objects, text, 12.0 / s->width,
		1 - (p->top + p->bottom) / 2.0 / s->height, LETTER, s->theme->text);
}

/**
 * ms_script_time() - name the axis of time, below the last panel
 * @s:		the script
 * @p:		the panel
 * @text:	the name
 */
void ms_script_time(struct ms_script *s, const struct ms_panel *p, const char *text)
{
	fputs("set format x '%g'\n", s->out);
	ms_script_text(s, (p->left + p->right) / 2.0, s->height - 14, "center", s->theme->text,
		       LETTER, text);
}

/**
 * ms_script_panel() - where the next plot goes
 * @s:	the script
 * @p:	the panel
 */
void ms_script_panel(struct ms_script *s, const struct ms_panel *p)
{
	fprintf(s->out, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
		"set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
		(double)p->left / s->width, (double)p->right / s->width,
		1 - (double)p->top / s->height, 1 - (double)p->bottom / s->height);
}

/**
 * ms_script_reset() - labels and objects have been drawn, and are not to be again
 * @s: the script
 */
void ms_script_reset(struct ms_script *s)
{
	fputs("unset label\nunset object\n", s->out);
}

/* A round size: 512 MiB, 1.5 GiB */
static void format_tick(char *text, size_t size, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	int u = 0;

	while (bytes >= 1024 && u < 6) {
		bytes /= 1024;
		u++;
	}
	snprintf(text, size, "%g %s", bytes, units[u]);
}

/**
 * ms_script_bytes() - range and ticks of a vertical axis of bytes
 * @s:		the script
 * @max:	the largest value
 * @pixels:	how high the axis is
 *
 * Ticks are at powers of two, and multiples of one, so that all are round.
 */
void ms_script_bytes(struct ms_script *s, double max, int pixels)
{
	double step = 1, most = pixels / 32.0, at;
	char text[32];

	if (max < 4096)
		max = 4096;
	if (most < 2)
		most = 2;
	while (max / step > most)
		step *= 2;
	fprintf(s->out, "set yrange [0:%.0f]\nset ytics (", max);
	for (int i = 0; i * step <= max; i++) {
		at = i * step;
		format_tick(text, sizeof(text), at);
		fprintf(s->out, "%s'%s' %.0f", i ? ", " : "", text, at);
	}
	fputs(")\n", s->out);
}

/**
 * ms_time_scale() - a unit for an axis of time
 * @r:		the recording
 * @span:	how much of it is shown, seconds
 * @label:	where to put what the axis is called
 *
 * Return: seconds of a unit.
 */
double ms_time_scale(const struct ms_recording *r, double span, const char **label)
{
	if (r->calls) {
		*label = "Line of the log (it has no times)";
		return 1;
	}
	if (span < 600) {
		*label = "Time since the start [s]";
		return 1;
	}
	if (span < 4 * 3600) {
		*label = "Time since the start [min]";
		return 60;
	}
	*label = "Time since the start [h]";
	return 3600;
}
