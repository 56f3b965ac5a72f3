// SPDX-License-Identifier: MIT
/* What stands on a command line: process ids, sizes, numbers. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/**
 * ms_pid_arg() - a process id from the command line
 * @command:	name of the command
 * @text:	the argument
 *
 * Return: the id, or -1 after a message.
 */
pid_t ms_pid_arg(const char *command, const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || end == text || pid < 1 || pid > INT32_MAX) {
		ms_usage_error(command, "'%s' is not a process id", text);
		return -1;
	}
	return (pid_t)pid;
}

/**
 * ms_last_options() - what all commands take, behind what is a command's own
 * @command:	its name
 * @help:	what --help prints
 * @c:		what getopt_long() returned
 * @argv:	the command line
 * @json:	set at --json
 *
 * Return: -1: go on; else the exit status, after a message where it is not 0.
 */
int ms_last_options(const char *command, const char *help, int c, char **argv, bool *json)
{
	switch (c) {
	case 'j':
		*json = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		return ms_option_error(command, c, argv);
	}
}

/**
 * ms_one_pid() - the command line of a command that takes a process id
 * @command:	its name
 * @help:	what --help prints
 * @argc:	as main has it
 * @argv:	likewise
 * @json:	--json was given
 * @status:	the exit status if there is nothing more to do
 *
 * Return: the id, or -1.
 */
pid_t ms_one_pid(const char *command, const char *help, int argc, char **argv,
		 bool *json, int *status)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	*json = false;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:jh", options, NULL)) != -1) {
		*status = ms_last_options(command, help, c, argv, json);
		if (*status >= 0)
			return -1;
	}
	*status = EXIT_USAGE;
	if (optind + 1 != argc) {
		ms_usage_error(command, "one process id is needed");
		return -1;
	}
	return ms_pid_arg(command, argv[optind]);
}

/**
 * ms_size_words() - a size on the command line that may be in two words, as it is printed
 * @text:	the option's value
 * @argv:	the command line, as getopt_long() goes through it: the other word is passed
 *
 * Return: @text; or both words as one, for the rest of the run.
 */
const char *ms_size_words(const char *text, char **argv)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char *both;

	if (!argv[optind] || strspn(text, "0123456789.") != strlen(text))
		return text;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(argv[optind], units[i]) &&
		    asprintf(&both, "%s %s", text, units[i]) > 0) {
			optind++;
			return both;
		}
	return text;
}

/**
 * ms_parse_size() - a size of the command line
 * @command:	name of the command
 * @option:	the option
 * @text:	its value, of one word or two
 * @bytes:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_parse_size(const char *command, const char *option, const char *text, uint64_t *bytes)
{
	int ret = memstate_parse_bytes(text, bytes);

	if (!ret)
		return 0;
	return ms_usage_error(command, ret == -ERANGE ?
				       "option '%s': '%s' is too large" :
				       "option '%s': '%s' is not a size (as 512M, 1.5GiB, or max)",
			      option, text);
}

/**
 * ms_size_arg() - the same of an option that is being taken
 * @command:	name of the command
 * @option:	the option; its value is optarg, and perhaps a word behind it
 * @argv:	the command line, as getopt_long() goes through it
 * @bytes:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_size_arg(const char *command, const char *option, char **argv, uint64_t *bytes)
{
	return ms_parse_size(command, option, ms_size_words(optarg, argv), bytes);
}

/**
 * ms_bytes_arg() - likewise, where it can be neither nothing nor without end
 * @command:	name of the command
 * @option:	the option; its value is optarg, and perhaps a word behind it
 * @argv:	the command line, as getopt_long() goes through it
 * @bytes:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_bytes_arg(const char *command, const char *option, char **argv, uint64_t *bytes)
{
	const char *text = ms_size_words(optarg, argv);

	if (!memstate_parse_bytes(text, bytes) && *bytes && *bytes != MEMSTATE_UNLIMITED)
		return 0;
	return ms_usage_error(command, "option '%s': '%s' is not a size (as 512M or 1.5GiB)",
			      option, text);
}

/**
 * ms_seconds_arg() - a time
 * @command:	name of the command
 * @option:	the option; its value is optarg
 * @least:	it may be, seconds
 * @most:	likewise
 * @seconds:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_seconds_arg(const char *command, const char *option, double least, double most,
		   double *seconds)
{
	char *end;

	*seconds = strtod(optarg, &end);
	/* What is not a number is in no order. */
	if (end != optarg && !*end && *seconds >= least && *seconds <= most)
		return 0;
	return ms_usage_error(command, "option '%s': '%s' is not a number of seconds from %.10g to %.10g",
			      option, optarg, least, most);
}

/**
 * ms_count_arg() - how many
 * @command:	name of the command
 * @option:	the option; its value is optarg
 * @least:	it may be
 * @most:	likewise; ULONG_MAX: there is no bound
 * @count:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_count_arg(const char *command, const char *option, unsigned long least,
		 unsigned long most, unsigned long *count)
{
	char to[32] = "", *end;

	errno = 0;
	*count = strtoul(optarg, &end, 10);
	if (!errno && !*end && *optarg >= '0' && *optarg <= '9' && *count >= least &&
	    *count <= most)
		return 0;
	if (most != ULONG_MAX)
		snprintf(to, sizeof(to), " to %lu", most);
	return ms_usage_error(command, "option '%s': '%s' is not a number from %lu%s", option,
			      optarg, least, to);
}

/**
 * ms_word_arg() - one of some words
 * @command:	name of the command
 * @option:	the option
 * @text:	its value
 * @words:	they
 * @nr:		how many
 *
 * Return: which; -1 after a message.
 */
int ms_word_arg(const char *command, const char *option, const char *text,
		const char *const *words, int nr)
{
	char list[512] = "";

	for (int i = 0; i < nr; i++) {
		size_t n = strlen(list);

		if (!strcmp(text, words[i]))
			return i;
		snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", words[i]);
	}
	ms_usage_error(command, "option '%s': '%s' is none of %s", option, text, list);
	return -1;
}

/**
 * ms_percent_arg() - how much may be committed, from the command line
 * @command:	name of the command
 * @text:	the argument
 * @percent:	where to put it
 *
 * Return: 0, or the exit status after a message.
 */
int ms_percent_arg(const char *command, const char *text, uint32_t *percent)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end == '%')
		end++;
	if (errno || *text < '0' || *text > '9' || *end || value < 100 || value > 10000)
		return ms_usage_error(command, "option '--overcommit': '%s' is not a percentage from 100 to 10000",
				      text);
	*percent = (uint32_t)value;
	return 0;
}
