// SPDX-License-Identifier: MIT
/*
 * What a log looks like.
 *
 * Model
 *
 *   Of numbers in front it is not seen in one line what they are (columns.c); a quoted mail
 *   has a mark before most lines, a diff has one before each (diff.c), others have words (front.c);
 *   a terminal that wraps makes all lines without an end equally long. The first lines of
 *   a file tell.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "columns.h"
#include "look.h"
#include "plain.h"
#include "strings.h"

/* So many lines. */
#define LOOK_AT		10000

/* No terminal is narrower. */
#define WIDTH_MIN	30

/*
 * {"log":"...","stream":"stderr",...} of docker, MESSAGE of journald, message and msg of
 * those that others write: the text in its place.
 */
static void unpack_json(char *line, size_t *len)
{
	static const char *const names[] = { "log", "message", "MESSAGE", "msg", "line" };
	struct json_object *o, *text = NULL;

	if (line[0] != '{' || line[1 + strspn(line + 1, " ")] != '"')
		return;
	o = json_tokener_parse(line);
	for (size_t i = 0; !text && i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_object_get_ex(o, names[i], &text) &&
		    !json_object_is_type(text, json_type_string))
			text = NULL;
	if (text && (size_t)json_object_get_string_len(text) < *len) {
		*len = (size_t)json_object_get_string_len(text);
		memcpy(line, json_object_get_string(text), *len);
		line[*len] = '\0';
	}
	json_object_put(o);
}

/*
 * Whoever shows a log in columns has tabs for blanks. Those in front are left: strace has no tab
 * there, and one tells of somebody else's column.
 */
static void blank_tabs(char *line, size_t len)
{
	char *tab = line + strcspn(line, "(<");

	for (; tab; tab = memchr(tab, '\t', len - (size_t)(tab - line)))
		if (*tab == '\t')
			*tab = ' ';
}

/* The next line, of plain characters. Return: as ms_log_file_line(). */
static int read_line(struct ms_log_file *f, char **line, size_t *len)
{
	int ret = ms_log_file_line(f, line, len);

	if (ret <= 0)
		return ret;
	unpack_json(*line, len);
	/* Text, from here on. */
	for (char *zero = *line; (zero = memchr(zero, 0, *len - (size_t)(zero - *line)));)
		*zero = '?';
	*len = ms_plain_line(*line, *len);
	blank_tabs(*line, *len);
	return ret;
}

/**
 * ms_look_line() - the next line, without what others than strace have put around it
 * @f:		the file
 * @look:	what it looks like, but for @column and @width
 * @line:	where the line is, until the next call; text, ended with a 0
 * @len:	its length
 *
 * Return: as ms_log_file_line().
 */
int ms_look_line(struct ms_log_file *f, const struct ms_look *look, char **line, size_t *len)
{
	struct ms_text t;
	int ret = read_line(f, line, len);

	if (ret <= 0)
		return ret;
	t = (struct ms_text) { *line, *line + *len };
	ms_margins_strip(&look->margins, &t);
	if (look->diff && look->quoted)
		ms_prefix_unquote(&t);
	if (!ms_diff_strip(look->diff, &t)) {
		/* A remark. */
		memcpy(*line, "#", 2);
		*len = 1;
		return ret;
	}
	ms_prefix_strip(&t, look->quoted);
	if (look->minutes)
		ms_minutes_strip(&t);
	ms_front_strip(&look->front, &t);
	*line += t.p - *line;
	*len = (size_t)(t.end - t.p);
	(*line)[*len] = '\0';
	if (look->strings)
		ms_string_strip(*line, len);
	return ret;
}

/**
 * struct width_facts - what is known of the lengths of lines
 * @most:	the longest
 * @nr:		how many are so long
 * @open:	so many of these have no end
 * @shorter:	so many shorter ones have none
 */
struct width_facts {
	size_t most;
	uint64_t nr;
	uint64_t open;
	uint64_t shorter;
};

static void look_at_width(struct width_facts *f, size_t len, const struct ms_line *l)
{
	bool open = l->kind == MS_LINE_OPEN && l->name_len;

	if (len > f->most) {
		f->shorter += f->open;
		f->most = len;
		f->nr = 0;
		f->open = 0;
	}
	if (len == f->most) {
		f->nr++;
		f->open += open;
	} else {
		f->shorter += open;
	}
}

static void say_diff(const char *path, enum ms_diff side, bool parts)
{
	bool old = side == MS_DIFF_OLD;

	ms_err("%s is a diff: its %s side is read, the lines with %c or a blank in front%s", path,
	       old ? "old" : "new", old ? '-' : '+',
	       parts ? "; those that it leaves out are not known" : "");
}

/* Marks of a mail, and within them those of a diff. */
static int look_at_marks(struct ms_log_file *f, const char *path, struct ms_look *look)
{
	struct ms_diff_facts diff[2] = {}, *facts;
	struct ms_minutes_facts minutes = {};
	uint64_t nr = 0, quoted = 0, strings = 0;
	char *line;
	size_t len;
	int ret = 0;

	while (nr < LOOK_AT && (ret = read_line(f, &line, &len)) > 0) {
		struct ms_text t = { line, line + len };

		nr++;
		ms_margins_look(&look->margins, &t);
		ms_diff_look(&diff[false], &t);
		quoted += ms_prefix_quoted(&t);
		ms_prefix_unquote(&t);
		ms_diff_look(&diff[true], &t);
		ms_minutes_look(&minutes, &t);
		strings += ms_string_begins(&t);
	}
	if (ret < 0)
		return -1;
	/* Wrapped lines may have lost the mark. */
	look->quoted = quoted > nr / 3;
	ms_margins_say(&look->margins);
	look->minutes = ms_minutes_say(&minutes);
	look->strings = strings > nr / 2;
	facts = &diff[look->quoted];
	look->diff = ms_diff_side(facts);
	if (look->diff)
		say_diff(path, look->diff, facts->parts[look->diff == MS_DIFF_OLD]);
	return 0;
}

/**
 * struct facts - what is known of a file
 * @columns:	of the numbers in front
 * @width:	of the lengths of lines
 * @nr:		lines
 * @strong:	that are strace's
 */
struct facts {
	struct ms_columns columns;
	struct width_facts width;
	uint64_t nr;
	uint64_t strong;
};

/* Return: 0; -1 after a message. */
static int look_over(struct ms_log_file *f, const struct ms_look *look, struct facts *facts)
{
	struct ms_line l;
	char *line;
	size_t len;
	int ret = 0;

	*facts = (struct facts) {};
	if (ms_log_file_rewind(f))
		return -1;
	while (facts->nr < LOOK_AT && (ret = ms_look_line(f, look, &line, &len)) > 0) {
		ms_line_parse(line, len, MS_COLUMN_ID, &l);
		ms_columns_look(&facts->columns, line, &l, facts->nr);
		look_at_width(&facts->width, len, &l);
		facts->strong += ms_front_is_strong(&l);
		facts->nr++;
	}
	return ret < 0 ? -1 : 0;
}

/* Return: 0; -1 after a message. */
static int look_for_front(struct ms_log_file *f, const char *path, struct ms_look *look)
{
	char names[2][MS_FRONT_LETTERS];
	struct ms_front_facts facts = {};
	struct ms_front front = {};
	unsigned int nr;
	uint64_t at;
	char *line;
	size_t len;
	int ret = 0;

	if (ms_log_file_rewind(f))
		return -1;
	for (at = 0; at < LOOK_AT && (ret = ms_look_line(f, look, &line, &len)) > 0; at++)
		ms_front_look(&facts, &(struct ms_text) { line, line + len });
	nr = ms_front_words(&facts);
	if (ret < 0 || !nr)
		return ret < 0 ? -1 : 0;
	if (ms_log_file_rewind(f))
		return -1;
	for (at = 1; at <= LOOK_AT && (ret = ms_look_line(f, look, &line, &len)) > 0; at++) {
		if (ms_front_learn(&front, nr, &(struct ms_text) { line, line + len }, names))
			continue;
		ms_err("%s: line %llu: expected lines of '%s' only, as before, met one of '%s': these are several logs; grep one out",
		       path, (unsigned long long)at, names[0], names[1]);
		return -1;
	}
	look->front = front;
	return ret < 0 ? -1 : 0;
}

/**
 * ms_look_at() - see what a file looks like
 * @f:		the file; anywhere afterwards
 * @path:	its name
 * @look:	the result
 *
 * Return: 0; -1 after a message.
 */
int ms_look_at(struct ms_log_file *f, const char *path, struct ms_look *look)
{
	const struct width_facts *width;
	struct facts facts;

	if (look_at_marks(f, path, look) || look_over(f, look, &facts))
		return -1;
	/* Where few lines are strace's there may be something in front. */
	if (facts.strong < facts.nr / 2 + 1 &&
	    (look_for_front(f, path, look) || look_over(f, look, &facts)))
		return -1;
	if (!ms_columns_say(&facts.columns, &look->column)) {
		ms_err("%s: expected a thread's id in front of each line, perhaps behind the line's number or before a time, met two numbers, as '%s', of which either may be the id: leave the other one out",
		       path, facts.columns.example);
		return -1;
	}
	width = &facts.width;
	/* Who wraps between words leaves most lines shorter. */
	look->width = width->nr > 1 && width->most >= WIDTH_MIN &&
		      width->open > width->shorter ? width->most : 0;
	return 0;
}
