// SPDX-License-Identifier: MIT
/* Why no process of a program has left figures, as far as can be known when it is over. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli.h"
#include "run.h"

/* What to do where the shim gets into no program. */
#define OTHER_WAYS \
	"'memstate scan PID' estimates it while it runs; 'memstate replay' reads its log of 'strace -f'"

/* Scripts whose interpreters are scripts: as the kernel has it. */
#define SCRIPTS_DEEP	4

enum linkage {
	LINK_UNKNOWN,
	LINK_DYNAMIC,
	LINK_STATIC,
	LINK_OTHER_LOADER,
	LINK_OTHER_MACHINE,
};

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

/* The interpreter that a program asks for, of its program headers. */
static enum linkage elf_linkage(int fd, const unsigned char *head, char *loader, size_t size)
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
				 e.e_machine != own.e_machine))
		return LINK_OTHER_MACHINE;
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof(p))
		return LINK_UNKNOWN;
	for (int i = 0; i < e.e_phnum; i++) {
		if (pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + (uint64_t)i * sizeof(p))) !=
		    sizeof(p))
			return LINK_UNKNOWN;
		if (p.p_type != PT_INTERP)
			continue;
		n = pread(fd, loader, p.p_filesz < size ? p.p_filesz : size - 1, (off_t)p.p_offset);
		loader[n > 0 ? n : 0] = '\0';
		/* glibc's is called so on all machines. */
		return strstr(loader, "/ld-linux") || strstr(loader, "/ld64.so") ?
			       LINK_DYNAMIC : LINK_OTHER_LOADER;
	}
	return LINK_STATIC;
}

/* @path becomes the program that is run for a script. */
static enum linkage linkage_of(char *path, size_t path_size, char *loader, size_t size)
{
	unsigned char head[PATH_MAX] = "";
	enum linkage ret;
	char *begin;
	ssize_t n;
	int fd;

	for (int i = 0; i < SCRIPTS_DEEP; i++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);
		head[n > 0 ? n : 0] = '\0';
		ret = n >= (ssize_t)sizeof(Elf64_Ehdr) && !memcmp(head, ELFMAG, SELFMAG) ?
			      elf_linkage(fd, head, loader, size) : LINK_UNKNOWN;
		if (fd >= 0)
			close(fd);
		if (memcmp(head, "#!", 2))
			return ret;
		begin = (char *)head + 2 + strspn((char *)head + 2, " \t");
		begin[strcspn(begin, " \t\r\n")] = '\0';
		snprintf(path, path_size, "%s", begin);
	}
	return LINK_UNKNOWN;
}

/**
 * ms_run_no_loader() - why no loader takes the shim into a program
 * @program: its path
 *
 * Return: a constant text; NULL: one does, as far as the file tells.
 */
const char *ms_run_no_loader(const char *program)
{
	char path[PATH_MAX], loader[PATH_MAX];

	snprintf(path, sizeof(path), "%s", program);
	switch (linkage_of(path, sizeof(path), loader, sizeof(loader))) {
	case LINK_STATIC:
		return "statically linked: there is no loader to preload the shim";
	case LINK_OTHER_MACHINE:
		return "for another kind of machine than the shim (32-bit?)";
	case LINK_OTHER_LOADER:
		return "with another C library than the shim";
	default:
		return NULL;
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

static void say_ended(char *text, size_t size, const struct ms_run_end *end)
{
	if (WIFSIGNALED(end->status))
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
	static char text[2 * PATH_MAX];
	char path[PATH_MAX] = "", loader[PATH_MAX] = "";
	const char *raised, *name;

	if (!end->tally->table)
		return "there was no place for them";
	if (end->tally->table->begun)
		return end->tally->table->lost ?
			       "there was no room for them" :
			       "the shim was in it, and no back end worked; it says why, above";
	if (!find_program(end->command, path, sizeof(path)))
		return "the program is not there any more";
	raised = raised_by(path);
	if (raised) {
		snprintf(text, sizeof(text),
			 "%s is %s, and the loader preloads nothing into such a program; "
			 OTHER_WAYS, ms_name(path), raised);
		return text;
	}
	switch (linkage_of(path, sizeof(path), loader, sizeof(loader))) {
	case LINK_STATIC:
		name = "is statically linked: there is no loader to preload the shim; ";
		break;
	case LINK_OTHER_MACHINE:
		name = "is for another kind of machine than the shim (32-bit?); ";
		break;
	case LINK_OTHER_LOADER:
		snprintf(text, sizeof(text), "%s has another C library than the shim (its loader is %s); "
			 OTHER_WAYS, ms_name(path), ms_name(loader));
		return text;
	default:
		say_ended(text, sizeof(text), end);
		return text;
	}
	snprintf(text, sizeof(text), "%s %s" OTHER_WAYS, ms_name(path), name);
	return text;
}
