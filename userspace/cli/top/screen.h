/* SPDX-License-Identifier: MIT */
/* The screen of memstate top: what is on it, and what keys do to it. */
#ifndef MS_CLI_TOP_SCREEN_H
#define MS_CLI_TOP_SCREEN_H

#include "view.h"

/* What is on the screen. */
enum top_mode { MODE_TABLE, MODE_HELP, MODE_MENU, MODE_PROMPT };

/* What a key asks for. */
enum top_wish { WISH_DRAW, WISH_READ, WISH_QUIT };

/**
 * struct top_screen - what is shown
 * @paths:	where figures come from
 * @view:	what of them, and how
 * @data:	the figures
 * @list:	rows in order
 * @history:	of the figures
 * @first:	row at the top, of those that are shown
 * @paused:	no more readings but by Enter
 * @colours:	there are, and they are wanted
 * @mode:	enum top_mode
 * @at:		of the menu: which is chosen; of help: the line at the top
 * @input:	of the prompt: what was typed
 * @length:	of it, bytes
 */
struct top_screen {
	const struct top_paths *paths;
	struct top_view view;
	struct top_data data;
	struct top_list list;
	struct top_history history;
	size_t first;
	bool paused;
	bool colours;
	enum top_mode mode;
	int at;
	char input[256];
	size_t length;
};

size_t ms_top_page(const struct top_screen *s);
int ms_top_help_page(void);
void ms_top_draw(struct top_screen *s);
enum top_wish ms_top_key(struct top_screen *s, int c);

#endif /* MS_CLI_TOP_SCREEN_H */
