// SPDX-License-Identifier: MIT
/* A program's file: may a shim be preloaded into it? */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "names.h"
#include "program.h"

/* Scripts whose interpreters are scripts: as the kernel has it. */
#define SCRIPTS_DEEP	4

/* As execvp() looks for it. False: nowhere. */
static bool find_program(const char *command, char *path, size_t size)
{
	const char *dirs = getenv("PATH"), *end;

	if (strchr(command, '/')) {
		snprintf(path, size, "%s", command);
		return !access(path, X_OK);
	}
	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (;; dirs = end + 1) {
		end = strchrnul(dirs, ':');
		snprintf(path, size, "%.*s%s%s", (int)(end - dirs), dirs, end == dirs ? "" : "/",
			 command);
		if (!access(path, X_OK))
			return true;
		if (!*end)
			return false;
	}
}

/* Is there a note of Go's linker in it? */
static bool has_go_note(int fd, const Elf64_Phdr *p)
{
	static const char owner[] = "Go\0";
	char note[sizeof(Elf64_Nhdr) + sizeof(owner)];

	return pread(fd, note, sizeof(note), (off_t)p->p_offset) == sizeof(note) &&
	       !memcmp(note + sizeof(Elf64_Nhdr), owner, sizeof(owner));
}

/* By its program headers. */
static void elf_look(int fd, const unsigned char *head, struct ms_program *program)
{
	Elf64_Ehdr e, own;
	Elf64_Phdr p;
	ssize_t n;
	int self;

	memcpy(&e, head, sizeof(e));
	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	n = self < 0 ? -1 : read(self, &own, sizeof(own));
	if (self >= 0)
		close(self);
	if (n == sizeof(own) && (e.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
				 e.e_machine != own.e_machine)) {
		program->linkage = MS_LINK_OTHER_MACHINE;
		return;
	}
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof(p))
		return;
	program->linkage = MS_LINK_STATIC;
	for (int i = 0; i < e.e_phnum; i++) {
		if (pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + (uint64_t)i * sizeof(p))) !=
		    sizeof(p)) {
			program->linkage = MS_LINK_UNKNOWN;
			return;
		}
		if (p.p_type == PT_NOTE && has_go_note(fd, &p))
			program->go = true;
		if (p.p_type != PT_INTERP)
			continue;
		n = pread(fd, program->loader, p.p_filesz < sizeof(program->loader) ?
			  p.p_filesz : sizeof(program->loader) - 1, (off_t)p.p_offset);
		program->loader[n > 0 ? n : 0] = '\0';
		/* glibc's is called so on all machines. */
		program->linkage = strstr(program->loader, "/ld-linux") ||
				   strstr(program->loader, "/ld64.so") ?
					   MS_LINK_DYNAMIC : MS_LINK_OTHER_LOADER;
	}
}

/* The path becomes that of the program that is run for a script. */
static void look_at_file(struct ms_program *p)
{
	unsigned char head[PATH_MAX];
	char *begin;
	ssize_t n;
	int fd;

	for (int i = 0; i < SCRIPTS_DEEP; i++) {
		fd = open(p->path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);
		head[n > 0 ? n : 0] = '\0';
		if (n >= (ssize_t)sizeof(Elf64_Ehdr) && !memcmp(head, ELFMAG, SELFMAG))
			elf_look(fd, head, p);
		if (fd >= 0)
			close(fd);
		if (n < 2 || memcmp(head, "#!", 2))
			return;
		begin = (char *)head + 2 + strspn((char *)head + 2, " \t");
		begin[strcspn(begin, " \t\r\n")] = '\0';
		snprintf(p->path, sizeof(p->path), "%s", begin);
	}
}

/* Does it get more rights than who calls it? Then the loader preloads nothing from elsewhere. */
static const char *raised_by(const char *path)
{
	struct stat st;

	if (!stat(path, &st)) {
		if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
			return "setuid";
		if ((st.st_mode & S_ISGID) && (st.st_mode & 0010) && st.st_gid != getegid())
			return "setgid";
	}
	return geteuid() && getxattr(path, "security.capability", NULL, 0) > 0 ?
		       "given capabilities" : NULL;
}

/**
 * ms_program_look() - look at a program's file
 * @command:	as on the command line
 * @p:		out: what it is
 *
 * Return: false: there is none.
 */
bool ms_program_look(const char *command, struct ms_program *p)
{
	*p = (struct ms_program) {};
	if (!find_program(command, p->path, sizeof(p->path)))
		return false;
	look_at_file(p);
	/* Not of the script, whose bits the kernel does not look at. */
	p->raised = raised_by(p->path);
	return true;
}

/**
 * ms_program_no_loader() - why no loader takes what is preloaded into it
 * @p: the program
 *
 * Return: a constant text, as "it is ..."; NULL: one does, as far as the file tells.
 */
const char *ms_program_no_loader(const struct ms_program *p)
{
	switch (p->linkage) {
	case MS_LINK_STATIC:
		return "statically linked: there is no loader to preload the shim";
	case MS_LINK_OTHER_MACHINE:
		return "for another kind of machine than the shim (32-bit?)";
	case MS_LINK_OTHER_LOADER:
		return "with another C library than the shim";
	default:
		return NULL;
	}
}

/**
 * ms_program_bars() - does it keep out what is preloaded?
 * @p:		the program
 * @text:	out: how, as a sentence without an end
 * @size:	room
 *
 * Return: whether; as far as its file tells.
 */
bool ms_program_bars(const struct ms_program *p, char *text, size_t size)
{
	const char *path = ms_name(p->path), *why = ms_program_no_loader(p);

	if (p->raised)
		snprintf(text, size, "%s is %s, and the loader preloads nothing into such a program",
			 path, p->raised);
	else if (p->linkage == MS_LINK_OTHER_LOADER)
		snprintf(text, size, "%s has another C library than the shim (its loader is %s)",
			 path, ms_name(p->loader));
	else if (why)
		snprintf(text, size, "%s is %s", path, why);
	return p->raised || why;
}
