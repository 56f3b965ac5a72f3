// SPDX-License-Identifier: MIT
/* What keys do: to the table, in the menu, in help, at the prompt. */
#include <curses.h>
#include <langinfo.h>
#include <string.h>

#include "screen.h"

#define KEY_ESCAPE	0x1b

#define CTRL_C(key)	((key) & 0x1f)

static bool is_enter(int c)
{
	return c == '\n' || c == '\r' || c == KEY_ENTER;
}

/* ---- the table ---------------------------------------------------------------------- */

static void scroll_by(struct top_screen *s, size_t up, size_t down)
{
	s->first = s->first > up ? s->first - up : 0;
	/* ms_top_draw() finds the end. */
	s->first += down;
}

/* Where the column that is sorted by stands; -1: the table does not have it. */
static int sort_place(const struct top_screen *s)
{
	int nr;
	const enum top_column *sorts = ms_top_sorts(&s->view, &nr);

	for (int i = 0; i < nr; i++)
		if (sorts[i] == s->view.sort)
			return i;
	return -1;
}

static void sort_by(struct top_screen *s, int place)
{
	int nr;
	const enum top_column *sorts = ms_top_sorts(&s->view, &nr);

	if (place < 0 || place >= nr || sorts[place] == s->view.sort)
		return;
	s->view.sort = sorts[place];
	s->view.reverse = false;
}

/* Whether one sees that it is sorted by this: it has room, or needs none. */
static bool is_seen(const struct top_screen *s, enum top_column c)
{
	struct top_layout l;

	ms_top_layout(&s->view, COLS, &l);
	return c <= TOP_NAME || ms_top_column_width(c, l.wide);
}

/* By the next column that is seen, to the left (-1) or the right (1). */
static void sort_beside(struct top_screen *s, int step)
{
	int nr, place = sort_place(s) + step;
	const enum top_column *sorts = ms_top_sorts(&s->view, &nr);

	while (place >= 0 && place < nr && !is_seen(s, sorts[place]))
		place += step;
	sort_by(s, place);
}

/* From figures to classes of all states, of each alone, and back. */
static void next_classes(struct top_view *view)
{
	if (view->table != TABLE_CLASSES) {
		view->table = TABLE_CLASSES;
		view->state = 0;
	} else if (!view->state) {
		view->state = MEMSTATE_READY;
	} else if (view->state > MEMSTATE_RESERVED) {
		view->state--;
	} else {
		view->table = TABLE_FIGURES;
		view->state = 0;
	}
}

/* From figures to what was Ready, to what was charged, and back. */
static void next_history(struct top_view *view)
{
	if (view->table != TABLE_HISTORY) {
		view->table = TABLE_HISTORY;
		view->charged = false;
	} else if (!view->charged) {
		view->charged = true;
	} else {
		view->table = TABLE_FIGURES;
	}
}

static void open_menu(struct top_screen *s)
{
	int place = sort_place(s);

	s->at = place < 0 ? 0 : place;
	s->mode = MODE_MENU;
}

static enum top_wish table_key(struct top_screen *s, int c)
{
	switch (c) {
	case 'q':
	case 'Q':
		return WISH_QUIT;
	case '\n':
	case '\r':
	case KEY_ENTER:
		return WISH_READ;
	case ' ':
		s->paused = !s->paused;
		break;
	case 't':
		s->view.no_tasks = !s->view.no_tasks;
		break;
	case 'a':
		s->view.all = !s->view.all;
		return WISH_READ;
	case 'f':
		s->view.flat = !s->view.flat;
		break;
	case 'r':
		s->view.reverse = !s->view.reverse;
		break;
	case '<':
		sort_beside(s, -1);
		break;
	case '>':
		sort_beside(s, 1);
		break;
	case 's':
		open_menu(s);
		break;
	case 'c':
		next_classes(&s->view);
		break;
	case 'h':
		next_history(&s->view);
		break;
	case '/':
		s->length = 0;
		s->input[0] = '\0';
		s->mode = MODE_PROMPT;
		break;
	case '?':
	case KEY_F(1):
		s->at = 0;
		s->mode = MODE_HELP;
		break;
	case KEY_UP:
		scroll_by(s, 1, 0);
		break;
	case KEY_DOWN:
		scroll_by(s, 0, 1);
		break;
	case KEY_PPAGE:
		scroll_by(s, ms_top_page(s), 0);
		break;
	case KEY_NPAGE:
		scroll_by(s, 0, ms_top_page(s));
		break;
	case KEY_HOME:
		s->first = 0;
		break;
	case KEY_END:
		s->first = s->data.nr;
		break;
	default:
		break;
	}
	return WISH_DRAW;
}

/* ---- the menu, help ----------------------------------------------------------------- */

/* Return: where one goes from a place, of so many; -1: it is no such key. */
static int moved(int c, int at, int nr, int page)
{
	switch (c) {
	case KEY_UP:
		at--;
		break;
	case KEY_DOWN:
		at++;
		break;
	case KEY_PPAGE:
		at -= page;
		break;
	case KEY_NPAGE:
		at += page;
		break;
	case KEY_HOME:
		at = 0;
		break;
	case KEY_END:
		at = nr - 1;
		break;
	default:
		return -1;
	}
	if (at >= nr)
		at = nr - 1;
	return at < 0 ? 0 : at;
}

static void menu_key(struct top_screen *s, int c)
{
	int nr, at;

	ms_top_sorts(&s->view, &nr);
	at = moved(c, s->at, nr, nr / 2);
	if (at >= 0) {
		s->at = at;
	} else if (is_enter(c)) {
		sort_by(s, s->at);
		s->mode = MODE_TABLE;
	} else if (c == KEY_ESCAPE || c == 'q' || c == 's') {
		s->mode = MODE_TABLE;
	}
}

static void help_key(struct top_screen *s, int c)
{
	int more = ms_top_help_page();
	int at = moved(c, s->at, more + 1, LINES > 2 ? LINES - 2 : 1);

	if (at >= 0 && more)
		s->at = at;
	else if (c != KEY_RESIZE)
		s->mode = MODE_TABLE;
	else if (s->at > more)
		s->at = more;
}

/* ---- the prompt --------------------------------------------------------------------- */

/* Take the last character away: in UTF-8 it may be of several bytes. */
static void erase_last(struct top_screen *s)
{
	bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");

	while (s->length) {
		unsigned char last = (unsigned char)s->input[--s->length];

		if (!utf8 || (last & 0xc0) != 0x80)
			break;
	}
	s->input[s->length] = '\0';
}

static void prompt_key(struct top_screen *s, int c)
{
	if (is_enter(c)) {
		ms_top_filter_text(&s->view.filter, s->paths, s->input);
		s->first = 0;
		s->mode = MODE_TABLE;
	} else if (c == KEY_ESCAPE) {
		s->mode = MODE_TABLE;
	} else if (c == KEY_BACKSPACE || c == CTRL_C('H') || c == 0x7f) {
		erase_last(s);
	} else if (c == CTRL_C('U')) {
		s->length = 0;
		s->input[0] = '\0';
	} else if (c >= ' ' && c <= 0xff && s->length < sizeof(s->input) - 1) {
		s->input[s->length++] = (char)c;
		s->input[s->length] = '\0';
	}
}

/**
 * ms_top_key() - a key was pressed
 * @s:	what is shown
 * @c:	as getch() has it: a byte, or one of curses' keys
 *
 * Return: what it asks for; to draw, at the least.
 */
enum top_wish ms_top_key(struct top_screen *s, int c)
{
	switch (s->mode) {
	case MODE_MENU:
		menu_key(s, c);
		return WISH_DRAW;
	case MODE_HELP:
		help_key(s, c);
		return WISH_DRAW;
	case MODE_PROMPT:
		prompt_key(s, c);
		return WISH_DRAW;
	default:
		return table_key(s, c);
	}
}
