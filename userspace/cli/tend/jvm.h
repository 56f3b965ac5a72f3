/* SPDX-License-Identifier: MIT */
/* HotSpot's attach socket (jvm_attach.c), and what is said there (jvm.c). */
#ifndef MS_TEND_JVM_H
#define MS_TEND_JVM_H

#include "tend/tend.h"

/* Of an answer so much is read: a list of flags is some two thousand characters. */
#define TEND_JVM_ANSWER	32768

/**
 * struct tend_jvm_peer - one that is spoken to
 * @peer:	it
 * @root:	its root directory
 * @name:	of the socket
 * @answer:	its last one, terminated
 */
struct tend_jvm_peer {
	const struct tend_peer *peer;
	int root;
	char name[48];
	char answer[TEND_JVM_ANSWER];
};

int tend_jvm_attach(const struct tend_jvm_peer *j);
int tend_jvm_ask(struct tend_jvm_peer *j, const char *command, const char *first,
		 const char *second);

#endif /* MS_TEND_JVM_H */
