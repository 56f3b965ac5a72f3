/* SPDX-License-Identifier: MIT */
/* Programs that report nothing, though who started them was told to. */
#ifndef MS_UNSEEN_H
#define MS_UNSEEN_H

#include <stdio.h>
#include <sys/types.h>

#include <json-c/json.h>

/**
 * struct ms_unseen_row - a program without the shim
 * @pid:	its process
 * @comm:	its name
 * @why:	why it has none
 */
struct ms_unseen_row {
	pid_t pid;
	char comm[16];
	const char *why;
};

/**
 * struct ms_unseen - those that were met
 * @rows:	they
 * @nr:		how many
 * @next:	when it is looked again, by ms_now()
 */
struct ms_unseen {
	struct ms_unseen_row *rows;
	size_t nr;
	double next;
};

void ms_unseen_look(struct ms_unseen *u);
void ms_unseen_say(FILE *out, const struct ms_unseen *u);
struct json_object *ms_unseen_json(const struct ms_unseen *u);
void ms_unseen_free(struct ms_unseen *u);

#endif /* MS_UNSEEN_H */
