// SPDX-License-Identifier: MIT
/*
 * memstate top: groups as a tree and the tasks in them, live.
 *
 * A line is made as text for both the screen and --batch. The columns stand in
 * bands that say what a figure is: reported, enforced, observed, or the first
 * against the last.
 *
 * Signals that end the program, and that of a new size, are let in only while it
 * waits: the terminal is put right before it dies of one.
 */
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "cli.h"
#include "top.h"

/* After the macros of <term.h>. */
#undef lines
#undef columns

static const char help[] =
	"usage: memstate top [OPTION]...\n\n"
	"Groups (cgroups) as a tree, and the tasks in them, live. Figures of a group are\n"
	"those of all below it. RESERVED, PREPARED and READY are reported (the programs'\n"
	"word); CHARGED, HIGH, MAX and PRESSURE are enforced (the module's); ANON is\n"
	"observed (the kernel's own counter). COVERAGE is Ready and Prepared in percent of\n"
	"ANON, UNACCOUNTED what ANON is above them. '-' is not known.\n\n"
	"  --batch           as plain text to standard output\n"
	"  --delay SECONDS   from one reading to the next, 2\n"
	"  --iterations N    end after N readings\n"
	"  --no-tasks        only groups\n"
	"  --help            this text\n\n"
	"Keys: q quit, arrows and page keys scroll, space pause, t tasks.\n";

static const struct option options[] = {
	{ "batch", no_argument, NULL, 'b' },
	{ "delay", required_argument, NULL, 'd' },
	{ "iterations", required_argument, NULL, 'n' },
	{ "no-tasks", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static struct {
	bool batch;
	bool no_tasks;
	double delay;
	unsigned long iterations;
} opt;

/* ---- lines ---------------------------------------------------------------------- */

enum band { BAND_REPORTED, BAND_ENFORCED, BAND_OBSERVED, BAND_COMPARED, NR_BANDS };

static const char *const band_names[] = {
	[BAND_REPORTED] = "reported",
	[BAND_ENFORCED] = "enforced",
	[BAND_OBSERVED] = "observed",
	[BAND_COMPARED] = "compared",
};

enum field {
	FIELD_RESERVED,
	FIELD_PREPARED,
	FIELD_READY,
	FIELD_CHARGED,
	FIELD_HIGH,
	FIELD_MAX,
	FIELD_PRESSURE,
	FIELD_ANON,
	FIELD_COVERAGE,
	FIELD_UNACCOUNTED,
	NR_FIELDS
};

/* Headings and widths, the blank before them included: [0] narrow, [1] wide. */
static const struct {
	enum band band;
	const char *heading[2];
	int width[2];
} fields[NR_FIELDS] = {
	[FIELD_RESERVED] = { BAND_REPORTED, { "RESRV", "RESERVED" }, { 6, 9 } },
	[FIELD_PREPARED] = { BAND_REPORTED, { "PREPD", "PREPARED" }, { 6, 9 } },
	[FIELD_READY] = { BAND_REPORTED, { "READY", "READY" }, { 6, 9 } },
	[FIELD_CHARGED] = { BAND_ENFORCED, { "CHRGD", "CHARGED" }, { 6, 9 } },
	[FIELD_HIGH] = { BAND_ENFORCED, { "HIGH", "HIGH" }, { 6, 9 } },
	[FIELD_MAX] = { BAND_ENFORCED, { "MAX", "MAX" }, { 6, 9 } },
	[FIELD_PRESSURE] = { BAND_ENFORCED, { "PRES", "PRESSURE" }, { 5, 9 } },
	[FIELD_ANON] = { BAND_OBSERVED, { "ANON", "ANON" }, { 9, 9 } },
	[FIELD_COVERAGE] = { BAND_COMPARED, { "COVER", "COVERAGE" }, { 6, 9 } },
	[FIELD_UNACCOUNTED] = { BAND_COMPARED, { "UNACC", "UNACCOUNTED" }, { 6, 12 } },
};

/**
 * struct layout - how a table is set
 * @wide:	0 or 1: index into what fields have two of
 * @name:	columns for the name
 */
struct layout {
	int wide;
	int name;
};

#define NAME_MIN	12
#define NAME_ROOM	160
#define LINE_ROOM	(NAME_ROOM * MB_LEN_ROOM + 256)
#define MB_LEN_ROOM	8

static int fields_width(int wide)
{
	int width = 0;

	for (int i = 0; i < NR_FIELDS; i++)
		width += fields[i].width[wide];
	return width;
}

static struct layout layout_for(int width)
{
	struct layout l;

	l.wide = width >= fields_width(1) + 2 * NAME_MIN;
	l.name = width - fields_width(l.wide);
	if (l.name < NAME_MIN)
		l.name = NAME_MIN;
	if (l.name > NAME_ROOM)
		l.name = NAME_ROOM;
	return l;
}

/**
 * put_text() - as much of a text as has room, and blanks behind it
 * @line:	where to put it, with room for MB_LEN_ROOM bytes a column
 * @text:	it may be of any bytes: what cannot be shown becomes '?'
 * @width:	columns; a text that is longer ends in '~'
 *
 * Return: how many columns the text wants.
 */
static int put_text(char *line, const char *text, int width)
{
	size_t n = strlen(text), length = 0, cut = 0;
	mbstate_t state = {};
	int used = 0, kept = 0;

	while (n) {
		wchar_t c;
		size_t bytes = mbrtowc(&c, text, n, &state);
		int columns = bytes && bytes <= n ? wcwidth(c) : -1;
		bool shown = columns > 0 && bytes <= MB_LEN_ROOM;

		if (!shown) {
			memset(&state, 0, sizeof(state));
			bytes = bytes && bytes <= n ? bytes : 1;
			columns = 1;
		}
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

/* A name as it stands in the table: indented, groups with a slash at their end. */
static void row_name(const struct top_row *row, bool wide, char *text, size_t size)
{
	unsigned int indent = row->depth * (wide ? 2 : 1);

	if (indent > NAME_ROOM / 2)
		indent = NAME_ROOM / 2;
	if (row->task)
		snprintf(text, size, "%*s%llu %s", (int)indent, "",
			 (unsigned long long)row->id, row->name);
	else
		snprintf(text, size, "%*s%s%s", (int)indent, "", row->name,
			 strcmp(row->name, "/") ? "/" : "");
}

/* A size: "1.50 MiB", or, where there is little room, "1.50M". */
static void put_size(char *text, size_t size, uint64_t bytes, bool wide)
{
	const char *full = ms_size(bytes);
	size_t n = 0;

	if (bytes == TOP_UNKNOWN) {
		snprintf(text, size, "-");
	} else if (bytes == TOP_UNLIMITED) {
		snprintf(text, size, "max");
	} else if (wide) {
		snprintf(text, size, "%s", full);
	} else {
		for (; *full && n + 2 < size; full++) {
			if (*full == ' ')
				continue;
			text[n++] = *full;
			if (*full >= 'A')
				break;
		}
		text[n] = '\0';
	}
}

static uint64_t row_bytes(const struct top_row *row, int field)
{
	switch (field) {
	case FIELD_RESERVED:
		return row->reserved;
	case FIELD_PREPARED:
		return row->prepared;
	case FIELD_READY:
		return row->ready;
	case FIELD_CHARGED:
		return row->charged;
	case FIELD_HIGH:
		return row->high;
	case FIELD_MAX:
		return row->max;
	case FIELD_ANON:
		return row->anon;
	default:
		return ms_top_unaccounted(row);
	}
}

static void put_percent(char *text, size_t size, uint64_t percent)
{
	if (percent == TOP_UNKNOWN)
		snprintf(text, size, "-");
	else if (percent > 999)
		snprintf(text, size, ">999%%");
	else
		snprintf(text, size, "%llu%%", (unsigned long long)percent);
}

static void row_line(const struct layout *l, const struct top_row *row, char *line)
{
	static const char *const pressures[] = {
		[TOP_PRESSURE_UNKNOWN] = "-",
		[TOP_PRESSURE_NONE] = "none",
		[TOP_PRESSURE_HIGH] = "high",
		[TOP_PRESSURE_MAX] = "max",
	};
	char text[NAME_ROOM + sizeof(row->name) + 32];

	row_name(row, l->wide, text, sizeof(text));
	put_text(line, text, l->name);
	line += strlen(line);
	for (int i = 0; i < NR_FIELDS; i++) {
		if (i == FIELD_PRESSURE)
			snprintf(text, sizeof(text), "%s", pressures[row->pressure]);
		else if (i == FIELD_COVERAGE)
			put_percent(text, sizeof(text), ms_top_coverage(row));
		else
			put_size(text, sizeof(text), row_bytes(row, i), l->wide);
		line += sprintf(line, " %*s", fields[i].width[l->wide] - 1, text);
	}
}

static void heading_line(const struct layout *l, char *line)
{
	put_text(line, "GROUP / TASK", l->name);
	line += strlen(line);
	for (int i = 0; i < NR_FIELDS; i++)
		line += sprintf(line, " %*s", fields[i].width[l->wide] - 1,
				fields[i].heading[l->wide]);
}

/* What each band of columns is. */
static void band_line(const struct layout *l, char *line)
{
	int width[NR_BANDS] = {};

	put_text(line, "", l->name);
	line += strlen(line);
	for (int i = 0; i < NR_FIELDS; i++)
		width[fields[i].band] += fields[i].width[l->wide];
	for (int i = 0; i < NR_BANDS; i++) {
		int n = (int)strlen(band_names[i]), dashes = width[i] - 1 - n;

		*line++ = ' ';
		memset(line, '-', (size_t)(width[i] - 1));
		/* With a blank on either side, if there is room for them. */
		if (dashes >= 2) {
			line[dashes / 2 - 1] = ' ';
			line[dashes / 2 + n] = ' ';
		}
		memcpy(line + dashes / 2, band_names[i], (size_t)n);
		line += width[i] - 1;
	}
	*line = '\0';
}

static void title_line(const struct top_data *data, char *line, size_t size)
{
	char clock[16] = "", others[64] = "";
	uint64_t tasks = data->nr ? data->rows[0].nr_tasks : TOP_UNKNOWN;
	struct tm tm;

	if (localtime_r(&data->when, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (data->others)
		snprintf(others, sizeof(others), ", %zu of others not shown",
			 data->others);
	if (tasks == TOP_UNKNOWN)
		snprintf(line, size, "memstate top  %s  %zu groups%s", clock,
			 data->groups, others);
	else
		snprintf(line, size, "memstate top  %s  %zu groups, %llu tasks%s", clock,
			 data->groups, (unsigned long long)tasks, others);
}

/* Of the whole system, in words. */
static void summary_line(const struct top_data *data, char *line, size_t size)
{
	const struct top_row *root = data->nr ? data->rows : NULL;
	char percent[16];

	if (!root || root->anon == TOP_UNKNOWN) {
		snprintf(line, size,
			 "unaccounted -: no anon (observed) of the root cgroup's can be read");
		return;
	}
	put_percent(percent, sizeof(percent), ms_top_coverage(root));
	snprintf(line, size, "unaccounted %s: anon %s observed, %s reported (%s)",
		 ms_size(ms_top_unaccounted(root)), ms_size(root->anon),
		 ms_size(ms_top_reported(root)), percent);
}

/* ---- reading --------------------------------------------------------------------- */

static int explain(const struct top_paths *paths, int ret)
{
	if (ret == -ENODEV)
		ms_err("%s is not there: the module is not loaded", paths->sysfs);
	else if (ret == -ENOENT)
		ms_err("%s/groups is not there: the module is older than groups",
		       paths->sysfs);
	else
		ms_err("%s: %s", paths->sysfs, strerror(-ret));
	return 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct timespec seconds(double value)
{
	struct timespec ts = {};

	if (value > 0) {
		ts.tv_sec = (time_t)value;
		ts.tv_nsec = (long)((value - (double)ts.tv_sec) * 1e9);
	}
	return ts;
}

/* ---- --batch ---------------------------------------------------------------------- */

static void print_table(const struct top_data *data)
{
	struct layout l = { .wide = 1, .name = 2 * NAME_MIN };
	char line[LINE_ROOM], text[NAME_ROOM + sizeof(data->rows->name) + 32];

	for (size_t i = 0; i < data->nr; i++) {
		int width;

		row_name(&data->rows[i], true, text, sizeof(text));
		width = put_text(line, text, NAME_ROOM);
		if (width > l.name)
			l.name = width;
	}
	if (l.name > NAME_ROOM)
		l.name = NAME_ROOM;
	title_line(data, line, sizeof(line));
	puts(line);
	summary_line(data, line, sizeof(line));
	puts(line);
	band_line(&l, line);
	puts(line);
	heading_line(&l, line);
	puts(line);
	for (size_t i = 0; i < data->nr; i++) {
		row_line(&l, &data->rows[i], line);
		puts(line);
	}
}

static int batch(const struct top_paths *paths)
{
	struct top_data data = {};
	double next = now();
	int status = 0, ret;

	for (unsigned long n = 0; !opt.iterations || n < opt.iterations; n++) {
		if (n) {
			struct timespec wait = seconds(next - now());

			nanosleep(&wait, NULL);
			putchar('\n');
		}
		next = now() + opt.delay;
		ret = ms_top_collect(paths, !opt.no_tasks, &data);
		if (ret) {
			status = explain(paths, ret);
			break;
		}
		print_table(&data);
		if (fflush(stdout)) {
			ms_err("standard output: cannot be written");
			status = 1;
			break;
		}
	}
	ms_top_free(&data);
	return status;
}

/* ---- the screen ------------------------------------------------------------------- */

static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

#define NR_ENDS		(sizeof(ends) / sizeof(ends[0]))

static volatile sig_atomic_t ended_by;

/**
 * struct screen - what is shown
 * @data:	the figures
 * @first:	row at the top, of those that are shown
 * @paused:	no more readings
 * @no_tasks:	only groups are shown
 */
struct screen {
	struct top_data data;
	size_t first;
	bool paused;
	bool no_tasks;
};

static void on_end(int signal)
{
	ended_by = signal;
}

/* Take the signals; outside are those that were blocked before. */
static void signals_begin(sigset_t *outside)
{
	struct sigaction act = { .sa_handler = on_end }, old;
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGWINCH);
	for (size_t i = 0; i < NR_ENDS; i++) {
		sigaction(ends[i], NULL, &old);
		/* nohup means it */
		if (old.sa_handler == SIG_IGN)
			continue;
		sigaction(ends[i], &act, NULL);
		sigaddset(&block, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &block, outside);
	sigdelset(outside, SIGWINCH);
	for (size_t i = 0; i < NR_ENDS; i++)
		sigdelset(outside, ends[i]);
}

/* Give them back, and die of the one that came. */
static void signals_end(const sigset_t *outside)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	if (ended_by) {
		sigaction(ended_by, &act, NULL);
		raise(ended_by);
	}
	sigprocmask(SIG_SETMASK, outside, NULL);
}

static bool is_shown(const struct screen *s, const struct top_row *row)
{
	return !s->no_tasks || !row->task;
}

static size_t nr_shown(const struct screen *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->data.nr; i++)
		nr += is_shown(s, &s->data.rows[i]);
	return nr;
}

/* Rows of the table that there is room for. */
static size_t page(void)
{
	return LINES > 6 ? (size_t)LINES - 5 : 1;
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

/* What stands out: a group or task under pressure, by colour if there is any. */
static attr_t row_attr(const struct top_row *row)
{
	attr_t attr = A_NORMAL;

	if (row->pressure == TOP_PRESSURE_MAX)
		attr = A_BOLD | (has_colors() ? (attr_t)COLOR_PAIR(2) : 0);
	else if (row->pressure == TOP_PRESSURE_HIGH)
		attr = A_BOLD | (has_colors() ? (attr_t)COLOR_PAIR(1) : 0);
	return attr;
}

static void draw(struct screen *s)
{
	struct layout l = layout_for(COLS);
	size_t shown = nr_shown(s), k = 0, last;
	char line[LINE_ROOM];
	int y = 4;

	if (s->first + page() > shown)
		s->first = shown > page() ? shown - page() : 0;
	last = s->first + page() < shown ? s->first + page() : shown;
	erase();
	title_line(&s->data, line, sizeof(line));
	if (s->paused)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "  paused");
	put_line(0, line, A_BOLD);
	summary_line(&s->data, line, sizeof(line));
	put_line(1, line, A_NORMAL);
	band_line(&l, line);
	put_line(2, line, A_NORMAL);
	heading_line(&l, line);
	put_line(3, line, A_REVERSE);
	for (size_t i = 0; i < s->data.nr && k < last; i++) {
		const struct top_row *row = &s->data.rows[i];

		if (!is_shown(s, row) || k++ < s->first)
			continue;
		row_line(&l, row, line);
		put_line(y++, line, row_attr(row));
	}
	snprintf(line, sizeof(line),
		 "%zu-%zu of %zu  q quit  space %s  t %s tasks  arrows, PgUp, PgDn scroll",
		 shown ? s->first + 1 : 0, last, shown, s->paused ? "go on" : "pause",
		 s->no_tasks ? "show" : "hide");
	if (LINES > 5)
		put_line(LINES - 1, line, A_NORMAL);
	refresh();
}

static void scroll_by(struct screen *s, size_t up, size_t down)
{
	s->first = s->first > up ? s->first - up : 0;
	/* draw() finds the end. */
	s->first += down;
}

/* Return: false to quit. */
static bool key(struct screen *s, int c)
{
	switch (c) {
	case 'q':
	case 'Q':
		return false;
	case ' ':
		s->paused = !s->paused;
		break;
	case 't':
		s->no_tasks = !s->no_tasks;
		break;
	case KEY_UP:
		scroll_by(s, 1, 0);
		break;
	case KEY_DOWN:
		scroll_by(s, 0, 1);
		break;
	case KEY_PPAGE:
		scroll_by(s, page(), 0);
		break;
	case KEY_NPAGE:
		scroll_by(s, 0, page());
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
	return true;
}

/* Keys until the time has come. Return: false to quit. */
static bool wait_for_keys(struct screen *s, double until, const sigset_t *outside)
{
	for (;;) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		struct timespec wait = seconds(until - now());
		int ready = ppoll(&p, 1, &wait, outside), c;

		if (ended_by || (ready > 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL)))
			return false;
		while ((c = getch()) != ERR) {
			if (!key(s, c))
				return false;
			draw(s);
		}
		if (now() >= until)
			return true;
	}
}

/* Return: 0 or a negative errno; what is left on the screen is the caller's. */
static int show(const struct top_paths *paths, const sigset_t *outside)
{
	struct screen s = { .no_tasks = opt.no_tasks };
	unsigned long n = 0;
	int ret = 0;

	for (;;) {
		double next = now() + opt.delay;

		if (!s.paused) {
			ret = ms_top_collect(paths, true, &s.data);
			if (ret)
				break;
			n++;
		}
		draw(&s);
		if (opt.iterations && n >= opt.iterations)
			break;
		if (!wait_for_keys(&s, next, outside))
			break;
	}
	ms_top_free(&s.data);
	return ret;
}

/* A terminal that the cursor can be moved on, or a message. */
static bool terminal_is_good(void)
{
	const char *name = getenv("TERM");
	bool good;
	int error;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		ms_err("standard input and output are no terminal; try: memstate top --batch");
		return false;
	}
	if (!name || !*name) {
		ms_err("TERM is not set; try: memstate top --batch");
		return false;
	}
	if (setupterm(NULL, STDOUT_FILENO, &error) != OK) {
		ms_err("terminal '%s' is unknown; try: memstate top --batch", name);
		return false;
	}
	good = !!cursor_address;
	del_curterm(cur_term);
	if (!good)
		ms_err("terminal '%s' cannot move its cursor; try: memstate top --batch",
		       name);
	return good;
}

static int live(const struct top_paths *paths)
{
	struct top_data probe = {};
	sigset_t outside;
	SCREEN *terminal;
	int ret;

	if (!terminal_is_good())
		return 1;
	/* What is wrong from the start is better told on an untouched screen. */
	ret = ms_top_collect(paths, false, &probe);
	ms_top_free(&probe);
	if (ret)
		return explain(paths, ret);
	signals_begin(&outside);
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		signals_end(&outside);
		ms_err("terminal '%s' cannot be used; try: memstate top --batch",
		       getenv("TERM"));
		return 1;
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_YELLOW, -1);
		init_pair(2, COLOR_RED, -1);
	}
	ret = show(paths, &outside);
	endwin();
	delscreen(terminal);
	signals_end(&outside);
	return ret ? explain(paths, ret) : 0;
}

/* ---- the command ------------------------------------------------------------------ */

/**
 * ms_top() - the command, on figures from anywhere
 * @paths:	where from
 * @argc:	as main has it
 * @argv:	likewise
 *
 * Return: the exit status.
 */
int ms_top(const struct top_paths *paths, int argc, char **argv)
{
	char *end;
	int c;

	opterr = 0;
	opt.delay = 2;
	while ((c = getopt_long(argc, argv, ":bd:n:h", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			opt.batch = true;
			break;
		case 'd':
			opt.delay = strtod(optarg, &end);
			if (*end || end == optarg || !(opt.delay >= 0.1) ||
			    opt.delay > 86400)
				return ms_usage_error("top",
						      "--delay: '%s' is not a number of seconds from 0.1 to 86400",
						      optarg);
			break;
		case 'n':
			errno = 0;
			opt.iterations = strtoul(optarg, &end, 10);
			if (errno || *end || *optarg < '0' || *optarg > '9' ||
			    !opt.iterations)
				return ms_usage_error("top",
						      "--iterations: '%s' is not a number from 1",
						      optarg);
			break;
		case 't':
			opt.no_tasks = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return ms_option_error("top", c, argv);
		}
	}
	if (optind < argc)
		return ms_usage_error("top", "'%s' is one argument too many",
				      argv[optind]);
	/* For the width of what names are made of; figures keep their point. */
	setlocale(LC_CTYPE, "");
	return opt.batch ? batch(paths) : live(paths);
}

int memstate_cmd_top(int argc, char **argv)
{
	static const struct top_paths paths = {
		.sysfs = SYSFS_DIR,
		.mountinfo = "/proc/self/mountinfo",
		.proc = "/proc",
	};

	return ms_top(&paths, argc, argv);
}
