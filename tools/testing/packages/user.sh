#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# user.sh DIR: in the Debian that the packages are in, what takes no kernel of its own: programs
# are built, into DIR, manuals read, commands completed.
#
# shellcheck disable=SC2016 # ok evaluates it
set -u
here=$(dirname "$0")
mkdir -p "$1"
cd "$1" || exit 1
# shellcheck source=tools/testing/tap.sh
. "$here/tap.sh"
tap_begin /tmp

cat >program.c <<'C'
#include <memstate.h>
#include <stdio.h>

int main(void)
{
	void *p = memstate_alloc(1 << 20, MEMSTATE_HEAP);
	struct memstate_totals totals;

	memstate_totals(&totals, 0);
	printf("%s %d\n", memstate_backend_name(),
	       p && memstate_totals_state(&totals, MEMSTATE_READY) >= 1 << 20);
	return 0;
}
C
ok program_is_built_by_pkg_config 'gcc program.c $(pkg-config --cflags --libs memstate) -o shared'
ok program_is_linked_statically 'gcc program.c -static $(pkg-config --static --cflags --libs memstate) -o static'
ok program_is_linked_with_the_allocator 'gcc -include stdlib.h program.c -Wl,--no-as-needed -lmemstate-malloc -lmemstate \
	-o malloc && ldd ./malloc | grep libmemstate-malloc.so.0'
for program in shared static malloc; do
	ok "program_runs_without_the_device.$program" "./$program | grep '^embedded 1\$'"
done
ok man_finds_its_pages 'for page in "1 memstate" "1 memstate-run" "3 memstate_used" "3 memstate_unused" "4 memstate" "5 memstate-sysfs" \
	"7 memstate-observe" "8 memstate-oci-hook" "3 memstate_malloc_scavenge"; do
		man $page 2>&1 | grep -q "^NAME" || { echo "$page"; exit 1; }; done'
ok bash_completes 'bash -c "source /usr/share/bash-completion/bash_completion
	_completion_loader memstate; COMP_WORDS=(memstate st) COMP_CWORD=1
	_memstate memstate st memstate; echo \${COMPREPLY[*]}" | grep -x stat'
tap_end
