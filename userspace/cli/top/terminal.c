// SPDX-License-Identifier: MIT
/*
 * The terminal that memstate top is on, from its first reading to its end.
 *
 * Signals that end the program, and that of a new size, are let in only while it
 * waits: the terminal is put right before it dies of one.
 */
#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <term.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "screen.h"

/* After the macros of <term.h>. */
#undef lines
#undef columns

/* How long to wait for the rest of a key that begins with Escape. */
#define ESCAPE_MS	100

static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

#define NR_ENDS		(sizeof(ends) / sizeof(ends[0]))

static volatile sig_atomic_t ended_by;

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

/* ---- reading and waiting ------------------------------------------------------------- */

/* Put rows in order, and read again if what is shown takes more than was read. */
static int arrange(struct top_screen *s)
{
	unsigned int wanted = ms_top_wanted(&s->view);
	int ret = 0;

	/* While it is paused figures stay as they are; what was not read is not known. */
	if (wanted & TOP_CLASSES && !s->data.classes && !s->paused) {
		ret = ms_top_collect(s->paths, wanted | TOP_TASKS, &s->data);
		if (!ret)
			ms_top_history_join(&s->history, &s->data);
	}
	if (!ret)
		ms_top_filter_follow(&s->view.filter, s->paths, &s->data);
	return ret ? ret : ms_top_arrange(&s->data, &s->view, &s->list);
}

static int read_now(struct top_screen *s)
{
	int ret = ms_top_collect(s->paths, ms_top_wanted(&s->view) | TOP_TASKS, &s->data);

	return ret ? ret : ms_top_history_add(&s->history, &s->data);
}

/* Keys until the time has come. Return: WISH_READ, WISH_QUIT or a negative errno. */
static int wait_for_keys(struct top_screen *s, double until, const sigset_t *outside)
{
	for (;;) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		struct timespec wait = ms_top_seconds(until - ms_now());
		int ready = ppoll(&p, 1, &wait, outside), c, ret;

		if (ended_by || (ready > 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL)))
			return WISH_QUIT;
		while ((c = getch()) != ERR) {
			enum top_wish wish = ms_top_key(s, c);

			if (wish != WISH_DRAW)
				return wish;
			ret = arrange(s);
			if (ret)
				return ret;
			ms_top_draw(s);
		}
		if (ms_now() >= until)
			return s->paused ? WISH_DRAW : WISH_READ;
	}
}

/* Return: 0 or a negative errno; what is left on the screen is the caller's. */
static int show(const struct top_run *run, struct top_screen *s, const sigset_t *outside)
{
	int wish = WISH_READ, ret = 0;
	unsigned long n = 0;

	while (wish != WISH_QUIT) {
		double next = ms_now() + run->delay;

		if (wish == WISH_READ) {
			ret = read_now(s);
			n++;
		}
		if (!ret)
			ret = arrange(s);
		if (ret)
			break;
		ms_top_draw(s);
		if (run->iterations && n >= run->iterations)
			break;
		wish = wait_for_keys(s, next, outside);
		if (wish < 0) {
			ret = wish;
			break;
		}
	}
	ms_top_list_free(&s->list);
	ms_top_history_free(&s->history);
	ms_top_free(&s->data);
	return ret;
}

/* ---- the terminal -------------------------------------------------------------------- */

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

/* Colours if there are any, and nobody has said no (https://no-color.org). */
static bool begin_colours(void)
{
	const char *no = getenv("NO_COLOR");

	if (!has_colors() || (no && *no))
		return false;
	start_color();
	use_default_colors();
	init_pair(1, COLOR_YELLOW, -1);
	init_pair(2, COLOR_RED, -1);
	return true;
}

/**
 * ms_top_live() - show it on the terminal
 * @run: what was asked for
 *
 * Return: the exit status.
 */
int ms_top_live(struct top_run *run)
{
	struct top_screen s = { .paths = run->paths, .view = run->view };
	struct top_data probe = {};
	sigset_t outside;
	SCREEN *terminal;
	int ret;

	if (!terminal_is_good())
		return 1;
	/* What is wrong from the start is better told on an untouched screen. */
	ret = ms_top_collect(run->paths, 0, &probe);
	ms_top_free(&probe);
	if (ret)
		return ms_top_explain(run->paths, ret);
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
	meta(stdscr, TRUE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	s.colours = begin_colours();
	ret = show(run, &s, &outside);
	endwin();
	delscreen(terminal);
	signals_end(&outside);
	return ret ? ms_top_explain(run->paths, ret) : 0;
}
