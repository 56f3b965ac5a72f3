// SPDX-License-Identifier: MIT
/*
 * Words in front of each line, whoever has put them there.
 *
 * Model
 *
 *   Programs that collect what others print put words in front, always as many: a time, a
 *   host, a pod and its container, a priority. Which they are need not be known: if nearly all
 *   lines that are strace's are so behind the same number of words, these are not. What they
 *   look like is remembered, so that lines without them (a wrapped line's rest) keep what
 *   they have. A name among them says whose the line is; of several there would be several
 *   logs, in which an id may be anybody's.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "front.h"

/* Nine of ten lines. */
static bool nearly(uint64_t nr, uint64_t of)
{
	return nr >= of - of / 10;
}

/**
 * ms_front_is_strong() - is a line strace's beyond doubt?
 * @l: the line
 */
bool ms_front_is_strong(const struct ms_line *l)
{
	return l->kind == MS_LINE_CALL || l->kind == MS_LINE_UNFINISHED ||
	       l->kind == MS_LINE_RESUMED || l->kind == MS_LINE_EXIT ||
	       l->kind == MS_LINE_SUPERSEDED || l->kind == MS_LINE_CHILD;
}

static bool is_strong(const struct ms_text *t)
{
	struct ms_line l;

	ms_line_parse(t->p, (size_t)(t->end - t->p), MS_COLUMN_ID, &l);
	return ms_front_is_strong(&l);
}

/* The word that is next; blanks behind it are left out. False: there is none. */
static bool take_word(struct ms_text *t, struct ms_text *word)
{
	word->p = t->p;
	while (t->p < t->end && *t->p != ' ' && *t->p != '\t')
		t->p++;
	word->end = t->p;
	ms_text_skip_space(t);
	return word->end > word->p;
}

/**
 * ms_front_look() - a line comes
 * @f:	what is known
 * @t:	the line
 */
void ms_front_look(struct ms_front_facts *f, const struct ms_text *t)
{
	struct ms_text rest = *t, word;

	ms_text_skip_space(&rest);
	for (unsigned int i = 0; i <= MS_FRONT_WORDS; i++) {
		f->nr[i] += is_strong(&rest);
		if (!take_word(&rest, &word))
			break;
	}
}

/**
 * ms_front_words() - how many words are in front?
 * @f: what is known
 */
unsigned int ms_front_words(const struct ms_front_facts *f)
{
	uint64_t most = 0;
	unsigned int i;

	for (i = 0; i <= MS_FRONT_WORDS; i++)
		most = f->nr[i] > most ? f->nr[i] : most;
	for (i = 0; most && !nearly(f->nr[i], most); i++)
		;
	return i;
}

static bool letter(const char *p, const char *end)
{
	return p < end && isalpha((unsigned char)*p);
}

/* Somebody's name, and no day, month, AM or a priority? */
static bool is_name(const struct ms_text *word)
{
	const char *p = word->p, *q;

	while (p < word->end && strchr("[(<{", *p))
		p++;
	for (q = p; letter(q, word->end); q++)
		;
	if (q - p < 2)
		return false;
	if (q - p == 2)
		return !isupper((unsigned char)p[0]) || !isupper((unsigned char)p[1]);
	return q - p > 3 || !isupper((unsigned char)p[0]) || !islower((unsigned char)p[1]) ||
	       !islower((unsigned char)p[2]);
}

/* A name as it is; of others numbers and letters are all the same. Empty: it is too long. */
static void shape_of(const struct ms_text *word, char shape[MS_FRONT_LETTERS])
{
	bool name = is_name(word);
	size_t n = 0;

	for (const char *p = word->p; p < word->end; p++) {
		char c = name ? *p : isdigit((unsigned char)*p) ? '9' :
			 isalpha((unsigned char)*p) ? 'a' : *p;

		/* However many digits it has. */
		if (!name && n && c == '9' && shape[n - 1] == '9')
			continue;
		if (n + 1 == MS_FRONT_LETTERS) {
			n = 0;
			break;
		}
		shape[n++] = c;
	}
	shape[n] = '\0';
}

/**
 * ms_front_learn() - what words look like
 * @front:	what is known; all zero before the first line
 * @nr:		so many are in front
 * @t:		a line; one that is strace's only behind them counts
 * @names:	if there are two, that of the lines before, and that of this one
 *
 * Return: true; false: there are two.
 */
bool ms_front_learn(struct ms_front *front, unsigned int nr, const struct ms_text *t,
		    char names[2][MS_FRONT_LETTERS])
{
	struct ms_text rest = *t, words[MS_FRONT_WORDS];

	ms_text_skip_space(&rest);
	if (is_strong(&rest))
		return true;
	for (unsigned int i = 0; i < nr; i++)
		if (!take_word(&rest, &words[i]))
			return true;
	if (!is_strong(&rest))
		return true;
	for (unsigned int i = 0; i < nr; i++) {
		char *known = front->words[i];

		shape_of(&words[i], names[1]);
		if (!front->nr) {
			snprintf(known, MS_FRONT_LETTERS, "%s", names[1]);
		} else if (*known && strcmp(known, names[1])) {
			const struct ms_text before = { known, known + strlen(known) };

			snprintf(names[0], MS_FRONT_LETTERS, "%s", known);
			if (is_name(&words[i]) && is_name(&before))
				return false;
			*known = '\0';
		}
	}
	front->nr = nr;
	return true;
}

/**
 * ms_front_strip() - take the words off
 * @front:	what they look like
 * @t:		the line; behind them afterwards, if it has them
 */
void ms_front_strip(const struct ms_front *front, struct ms_text *t)
{
	struct ms_text rest = *t, word;
	char shape[MS_FRONT_LETTERS];

	if (!front->nr)
		return;
	ms_text_skip_space(&rest);
	for (unsigned int i = 0; i < front->nr; i++) {
		if (!take_word(&rest, &word))
			return;
		shape_of(&word, shape);
		if (*front->words[i] && strcmp(front->words[i], shape))
			return;
	}
	*t = rest;
}

/* ---- 10:11, the time of a chat; 10:11 of grep -n is the tenth line, of thread 11 -------- */

static bool take_minutes(struct ms_text *t, uint64_t *hour)
{
	struct ms_text try = *t;
	const char *begin;
	uint64_t minute;

	if (!ms_text_number(&try, hour) || *hour > 23 || !ms_text_skip(&try, ":"))
		return false;
	begin = try.p;
	if (!ms_text_number(&try, &minute) || minute > 59 || try.p - begin != 2 ||
	    try.p == try.end || (*try.p != ' ' && *try.p != '\t'))
		return false;
	/* The blanks behind it may be those of a line's rest. */
	try.p++;
	*t = try;
	return true;
}

/**
 * ms_minutes_look() - a line comes
 * @f:	what is known; all zero before the first
 * @t:	the line
 */
void ms_minutes_look(struct ms_minutes_facts *f, const struct ms_text *t)
{
	struct ms_text rest = *t;
	uint64_t hour;

	if (!take_minutes(&rest, &hour)) {
		f->others++;
		return;
	}
	f->again |= f->nr && hour == f->last;
	f->last = hour;
	f->nr++;
}

/**
 * ms_minutes_say() - is it a time?
 * @f: what is known
 */
bool ms_minutes_say(const struct ms_minutes_facts *f)
{
	return f->again && f->nr > f->others;
}

/**
 * ms_minutes_strip() - take it off
 * @t: the line; behind it afterwards
 */
void ms_minutes_strip(struct ms_text *t)
{
	uint64_t hour;

	take_minutes(t, &hour);
}
