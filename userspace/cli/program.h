/* SPDX-License-Identifier: MIT */
/* A program's file, as far as it tells what will become of a shim that is preloaded into it. */
#ifndef MS_CLI_PROGRAM_H
#define MS_CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum ms_linkage {
	MS_LINK_UNKNOWN,
	MS_LINK_DYNAMIC,
	MS_LINK_STATIC,
	MS_LINK_OTHER_LOADER,
	MS_LINK_OTHER_MACHINE,
};

/**
 * struct ms_program - a program
 * @path:	its file; of a script, that of who runs it
 * @linkage:	how it was linked
 * @loader:	that it asks for, where there is one
 * @raised:	how it gets more rights than who calls it, as a word, or NULL
 * @go:		Go's own linker made it
 */
struct ms_program {
	char path[PATH_MAX];
	enum ms_linkage linkage;
	char loader[PATH_MAX];
	const char *raised;
	bool go;
};

bool ms_program_look(const char *command, struct ms_program *p);
const char *ms_program_no_loader(const struct ms_program *p);
bool ms_program_bars(const struct ms_program *p, char *text, size_t size);

#endif /* MS_CLI_PROGRAM_H */
