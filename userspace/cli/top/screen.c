// SPDX-License-Identifier: MIT
/* What memstate top draws: the table, and what stands over it for a while. */
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "screen.h"

/* Lines above the table: title, summary, bands, headings. */
#define HEAD	4

static const char *const help[] = {
	"memstate top: keys",
	"",
	"  q              quit",
	"  arrows, pages  scroll; Home and End as well",
	"  space          pause, and go on",
	"  Enter          read now, also while paused",
	"  s              choose the column that rows are sorted by",
	"  < >            sort by the column to the left, to the right",
	"  r              reverse the order",
	"  f              flat: all tasks in one list; groups, when tasks are hidden",
	"  t              hide tasks, and show them again",
	"  a              all processes, also those that nobody reports or observes",
	"  /              only groups with a text in their path, and all below them",
	"  c              bytes by class: all states, Ready, Prepared, Reserved, off",
	"  h              history in bars: Ready, charged, off",
	"  ?              this text",
	"",
	"A group's figures are those of all below it. Reported is the programs' word,",
	"enforced the module's, observed the kernel's, as is all of a task that is marked",
	"(observed) or (other). COVERAGE is how much of ANON is reported or observed,",
	"UNACCOUNTED the rest; '-' is not known. A full bar is the row's MAX, else the",
	"highest of the last 60 readings: see SCALE.",
};

#define NR_HELP	((int)(sizeof(help) / sizeof(help[0])))

/**
 * ms_top_page() - rows of the table that there is room for
 * @s: what is shown
 *
 * Return: rows, one at the least.
 */
size_t ms_top_page(const struct top_screen *s)
{
	int rows = (LINES - HEAD - 1) / ms_top_row_lines(&s->view);

	return rows > 1 ? (size_t)rows : 1;
}

/**
 * ms_top_help_page() - how far help can be scrolled
 *
 * Return: lines that there is no room for.
 */
int ms_top_help_page(void)
{
	int room = LINES - 1;

	return room < NR_HELP ? NR_HELP - room : 0;
}

/* A whole line of the screen; what does not fit is cut off. */
static void put_line(int y, const char *line, attr_t attr)
{
	wchar_t text[512];
	int room = COLS, n = 0;

	if (y >= LINES || room <= 0)
		return;
	if (mbstowcs(text, line, sizeof(text) / sizeof(text[0])) == (size_t)-1)
		return;
	text[sizeof(text) / sizeof(text[0]) - 1] = L'\0';
	/* The last place of the last line would scroll some terminals. */
	if (y == LINES - 1)
		room--;
	for (; text[n]; n++) {
		int columns = wcwidth(text[n]);

		if (columns > room)
			break;
		room -= columns > 0 ? columns : 0;
	}
	attron(attr);
	mvaddnwstr(y, 0, text, n);
	attroff(attr);
}

/* The last line, unless there is nothing but it. */
static void put_last(const char *line)
{
	int y = LINES - 1;

	if (y > HEAD)
		put_line(y, line, A_NORMAL);
}

/* What stands out: a row under pressure, by colour if there is any; context does not. */
static attr_t row_attr(const struct top_screen *s, const struct top_row *row)
{
	attr_t attr = A_NORMAL;

	if (row->context)
		attr = A_DIM;
	else if (row->pressure == TOP_PRESSURE_MAX)
		attr = A_BOLD | (s->colours ? (attr_t)COLOR_PAIR(2) : 0);
	else if (row->pressure == TOP_PRESSURE_HIGH)
		attr = A_BOLD | (s->colours ? (attr_t)COLOR_PAIR(1) : 0);
	return attr;
}

static void draw_rows(struct top_screen *s)
{
	size_t shown = s->list.nr, page = ms_top_page(s), last;
	int lines = ms_top_row_lines(&s->view), y = HEAD;
	char line[LINE_ROOM];
	struct top_layout l;

	ms_top_layout(&s->view, COLS, &l);
	ms_top_band_line(&s->view, &l, line);
	put_line(2, line, A_NORMAL);
	ms_top_heading_line(&s->view, &l, line);
	put_line(3, line, A_REVERSE);
	if (s->first + page > shown)
		s->first = shown > page ? shown - page : 0;
	last = s->first + page < shown ? s->first + page : shown;
	for (size_t i = s->first; i < last; i++) {
		for (int nr = 0; nr < lines; nr++) {
			ms_top_row_line(&s->view, &l, s->list.rows[i], nr, line);
			put_line(y++, line, row_attr(s, s->list.rows[i]));
		}
	}
	ms_top_filter_say(&s->view.filter, line, sizeof(line));
	if (*line)
		put_line(y, line, A_BOLD);
	snprintf(line, sizeof(line),
		 "%zu-%zu of %zu  ? help  q quit  t %s tasks  s sort  / filter  c class  h history",
		 shown ? s->first + 1 : 0, last, shown, s->view.no_tasks ? "show" : "hide");
	put_last(line);
}

/* The columns that can be sorted by, as many as have room around the one that is chosen. */
static void draw_menu(const struct top_screen *s)
{
	int room = LINES - HEAD - 1, first, nr;
	const enum top_column *sorts = ms_top_sorts(&s->view, &nr);
	char line[64];

	if (room < 1)
		room = 1;
	first = s->at < room ? 0 : s->at - room + 1;
	put_line(3, "Sort by", A_REVERSE);
	for (int i = first; i < nr && i < first + room; i++) {
		snprintf(line, sizeof(line), "%c %-12s", i == s->at ? '>' : ' ',
			 ms_top_column_name(sorts[i]));
		put_line(HEAD + i - first, line, i == s->at ? A_REVERSE : A_NORMAL);
	}
	put_last("arrows choose, Enter sorts, Esc leaves it as it is");
}

static void draw_help(const struct top_screen *s)
{
	for (int i = s->at; i < NR_HELP && i < s->at + LINES - 1; i++)
		put_line(i - s->at, help[i], i ? A_NORMAL : A_BOLD);
	put_line(LINES - 1, ms_top_help_page() ?
		 "arrows and page keys scroll, any other key: back" : "any key: back", A_NORMAL);
}

/* In the last line, over what is there otherwise; the cursor behind it. */
static void draw_prompt(const struct top_screen *s)
{
	const char *ask = "only groups with (empty: all, Esc: as before): ";
	int room = COLS - (int)strlen(ask) - 2;
	char line[LINE_ROOM], text[NAME_ROOM * MB_LEN_ROOM + 1];

	/* On a narrow terminal what is typed is worth more. */
	if (room < 16) {
		ask = "/";
		room = COLS > 4 ? COLS - 3 : 1;
	}
	if (room > NAME_ROOM)
		room = NAME_ROOM;
	ms_top_put_end(text, s->input, room);
	snprintf(line, sizeof(line), "%s%s", ask, text);
	move(LINES - 1, 0);
	clrtoeol();
	put_line(LINES - 1, line, A_BOLD);
}

/**
 * ms_top_draw() - draw what is to be seen
 * @s: what is shown
 */
void ms_top_draw(struct top_screen *s)
{
	char line[LINE_ROOM];

	erase();
	if (s->mode == MODE_HELP) {
		draw_help(s);
	} else {
		ms_top_title_line(&s->data, &s->view, s->paused, line, sizeof(line));
		put_line(0, line, A_BOLD);
		ms_top_summary_line(&s->data, line, sizeof(line));
		put_line(1, line, A_NORMAL);
		if (s->mode == MODE_MENU)
			draw_menu(s);
		else
			draw_rows(s);
		if (s->mode == MODE_PROMPT)
			draw_prompt(s);
	}
	curs_set(s->mode == MODE_PROMPT);
	refresh();
}
