// SPDX-License-Identifier: MIT
/* Why no process of a program has left figures, as far as can be known when it is over. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli.h"
#include "needed.h"
#include "program.h"
#include "run.h"

/* What to do where the shim gets into no program. */
#define OTHER_WAYS \
	"'memstate scan PID' estimates it while it runs; 'memstate replay' reads its log of 'strace -f'"

/* Has one asked for what memstate run takes back where it can? The last word counts. */
static bool asan_order_is_checked(void)
{
	static const char option[] = "verify_asan_link_order=";
	const char *value = NULL, *at = getenv("ASAN_OPTIONS");

	for (; at && (at = strstr(at, option)); value = at)
		at += strlen(option);
	return value && *value != '0' && *value != 'f' && *value != 'n';
}

static void say_ended(char *text, size_t size, const struct ms_run_end *end,
		      const struct ms_program *program)
{
	struct ms_needed needed = {};

	if (WIFEXITED(end->status) && WEXITSTATUS(end->status))
		ms_needed_look(program, &needed);
	if (*needed.missing)
		snprintf(text, size, "it did not begin: %s needs the shared library %s, which is not found (LD_LIBRARY_PATH names further places)",
			 ms_name(program->path), ms_name(needed.missing));
	else if (needed.asan && asan_order_is_checked())
		snprintf(text, size, "it did not begin: AddressSanitizer does not run behind what is preloaded where ASAN_OPTIONS has verify_asan_link_order=1; leave that out, and memstate run sets it to 0");
	else if (WIFSIGNALED(end->status))
		snprintf(text, size,
			 "it was ended by signal %d (%s) before its main(): the shim had not begun",
			 WTERMSIG(end->status), strsignal(WTERMSIG(end->status)));
	else
		snprintf(text, size,
			 "the loader did not take the shim into it; if it cannot it says why, above. Does the program clear LD_PRELOAD, or may it not read the shim?");
}

/**
 * ms_run_why() - why there are no figures
 * @end: how it went
 *
 * Return: a text, in a buffer that is used again.
 */
const char *ms_run_why(const struct ms_run_end *end)
{
	static char text[3 * PATH_MAX];
	struct ms_program program;
	size_t length;

	if (!end->tally->table)
		return "there was no place for them";
	if (end->tally->table->begun)
		return end->tally->table->lost ?
			       "there was no room for them" :
			       "the shim was in it, and no back end worked; it says why, above";
	if (!ms_program_look(end->command, &program))
		return "the program is not there any more";
	if (!ms_program_bars(&program, text, sizeof(text))) {
		say_ended(text, sizeof(text), end, &program);
		return text;
	}
	length = strlen(text);
	snprintf(text + length, sizeof(text) - length, "; " OTHER_WAYS);
	return text;
}
