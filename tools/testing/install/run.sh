#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [files] [module]: what make install puts where, that it works from there, and that make
# uninstall takes all of it away.
# files: all but the module: programs, libraries, pages, completion. module: that it comes along,
# and is loaded and used in a virtual machine; the sources that dkms gets build by themselves.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
# shellcheck source=tools/testing/copied.sh
. "$here/../copied.sh"
parts "files module" "$@"
root=$top/build/install/files
part files || root=$top/build/install/module
rm -rf "$root"
mkdir -p "$root"
made_here=("$root")
! part module || made_here+=("$top/build/install/module")
trap 'rm -rf "${made_here[@]}"' EXIT

tap_begin "$root"
ours() { find "$1" -name '*memstate*' | sed "s,^$1/,," | sort; }

# ---- the module ---------------------------------------------------------------------

module() {
	local root=$top/build/install/module dest kdir release
	mkdir -p "$root/src"
	dest=$root/dest
	"$top/tools/testing/vm/kernel.sh" 6.1 >"$root/kernel" || bail "no kernel 6.1"
	kdir=$(sed -n 's/^KDIR=//p' "$root/kernel")
	release=$(sed -n 's/^RELEASE=//p' "$root/kernel")
	# A copy, so that the tree stays as it is.
	copied "$root/src" product
	make_in() {
		make --no-print-directory -C "$root/src" KDIR="$kdir" DESTDIR="$dest" PREFIX=/usr "$@"
	}
	ok "make_builds_everything" 'make_in all'
	ok "make_install" 'make_in install'
	ok "installs.lib/modules/$release/updates/memstate.ko" \
		"[ -e '$dest/lib/modules/$release/updates/memstate.ko' ]"
	make_in DESTDIR="$root/files" install-files >"$tap_dir/said" 2>&1 &&
		(ours "$root/files"; echo "lib/modules/$release/updates/memstate.ko") | sort >"$root/want" &&
		ours "$dest" | diff "$root/want" - >"$tap_dir/said"
	result $? "make_install_is_make_install-files_and_the_module"
	ok "make_uninstall_with_the_module" 'make_in uninstall'
	ok "uninstall_leaves_nothing_of_the_module" "! ours '$dest' | grep ."
	must make_in dkms
	ok "dkms_sources_build_by_themselves" \
		"make -s -C '$kdir' M='$dest/usr/src/memstate-0.1.0' modules && [ -f '$dest/usr/src/memstate-0.1.0/memstate.ko' ]"

	# As on a user's own machine: installed into its own root, loaded by modprobe.
	cat >"$root/guest.sh" <<-GUEST
	set -e
	cd $root/src
	make --no-print-directory KDIR=$kdir install
	modprobe memstate
	[ "\$(stat -c %a /dev/memstate)" = 666 ]
	[ -f /lib/udev/rules.d/60-memstate.rules ]
	memstate run --reported --json --output /tmp/out -- true
	grep -q '"backend":"device"' /tmp/out
	memstate stat | grep -q ^Ready
	rmmod memstate
	make --no-print-directory KDIR=$kdir uninstall
	! modprobe memstate 2>/dev/null
	! command -v memstate
	echo "the guest came to its end"
	GUEST
	ok "installed_module_is_loaded_by_modprobe_and_used" \
		"make --no-print-directory -C '$root/src' KDIR='$kdir' all &&
		 '$top/tools/testing/vm/vm.sh' -k 6.1 -t 1800 -- bash -c 'bash $root/guest.sh && echo fine' | grep -q ^fine"
}
part files || { module; tap_end; }

# ---- files --------------------------------------------------------------------------

# No kernel is built for. What is built for this prefix is kept.
dest=$root/dest
make_in() {
	made "$top/build/install/userspace" --no-print-directory -C "$top" \
		O="$top/build/install/userspace" KDIR=/nowhere DESTDIR="$dest" PREFIX=/usr "$@"
}
ok "make_install_files" 'make_in install-files'
for file in usr/bin/memstate usr/lib/libmemstate.so.0 usr/lib/libmemstate.so usr/lib/libmemstate.a \
	usr/lib/libmemstate-observe.so usr/lib/pkgconfig/memstate.pc usr/include/memstate.h \
	usr/include/linux/memstate.h usr/share/man/man1/memstate.1 usr/share/man/man1/memstate-replay.1 usr/share/man/man1/memstate-limit.1 \
	usr/share/man/man1/memstate-watch.1 usr/share/bash-completion/completions/memstate usr/lib/libmemstate-malloc.so.0 usr/share/man/man1/memstate-top.1 usr/sbin/memstate-oci-hook \
	usr/share/man/man8/memstate-oci-hook.8 usr/share/memstate/cdi/memstate.json \
	usr/share/containers/oci/hooks.d/memstate-oci-hook.json usr/share/containers/oci/hooks.d/memstate-oci-adapt.json \
	usr/share/man/man1/memstate-export.1 usr/libexec/memstate/memstate-export-http \
	usr/lib/systemd/system/memstate-export.service usr/lib/systemd/system/memstate-textfile.service \
	usr/lib/systemd/system/memstate-textfile.timer usr/share/memstate/prometheus/memstate.rules.yml \
	usr/share/memstate/grafana/memstate.json usr/share/memstate/php/memstate.ini usr/share/man/man1/memstate-adapt.1 \
	usr/share/zsh/site-functions/_memstate usr/share/fish/vendor_completions.d/memstate.fish \
	usr/share/man/man4/memstate.4 usr/share/man/man5/memstate-sysfs.5 usr/share/man/man7/memstate-observe.7 \
	usr/share/man/man3/libmemstate.3 usr/share/man/man3/libmemstate-malloc.3 \
	lib/udev/rules.d/60-memstate.rules; do
	ok "installs.$file" "[ -e '$dest/$file' ]"
done
ok "udev_rule_gives_mode_0666" "grep -q 'KERNEL==\"memstate\".*MODE=\"0666\"' '$dest/lib/udev/rules.d/60-memstate.rules'"
ok "installed_program_runs" "'$dest/usr/bin/memstate' --version | grep -q '^memstate [0-9]'"
ok "installed_program_finds_its_shim" \
	"MEMSTATE_BACKEND=embedded '$dest/usr/bin/memstate' run --json --output '$root/out' -- true && grep -q embedded '$root/out'"
ok "installed_program_finds_its_allocator" \
	"MEMSTATE_BACKEND=embedded '$dest/usr/bin/memstate' run --malloc --quiet -- grep -q 'usr/lib/libmemstate-malloc' /proc/self/maps"

# The server says where it listens, and ends when it is told to.
finds_its_server() {
	local line pid status
	exec 3< <(exec "$dest/usr/bin/memstate" export --listen 0 2>&1)
	pid=$!
	read -r -t "$tap_patience" line <&3
	kill $pid
	wait $pid
	status=$?
	echo "$line"
	[[ $line == *"listening on http://127.0.0.1:"* ]] && [ $status = 0 ]
}
try "installed_program_finds_its_server" finds_its_server
ok "units_name_what_is_installed" "grep -q '^ExecStart=/usr/bin/memstate export ' '$dest/usr/lib/systemd/system/memstate-export.service'"

# completions WORDS...: of the last one
# shellcheck disable=SC2016 # another shell expands it
completions() {
	PATH=$dest/usr/bin:$PATH MEMSTATE_SYSFS=$root/sysfs bash -c '
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_memstate "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$dest/usr/share/bash-completion/completions/memstate" memstate "$@"
}
# Of each command, the options that its help tells: "memstate COMMAND -: OPTION"
mapfile -t commands < <("$dest/usr/bin/memstate" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for command in "${commands[@]}"; do
	"$dest/usr/bin/memstate" "$command" --help | grep -o '^  \(-[a-z], \)\?--[a-z-]*' | grep -o -- '--[a-z-]*' |
		sed "s/^/memstate $command -: /"
done | sort -u >"$root/options"
# every_option_in FUNCTION: what it says for all commands has them
every_option_in() {
	local lines=("${commands[@]/#/memstate }")
	[ -s "$root/options" ] && "$1" "${lines[@]/%/ -}" >"$root/offered" &&
		sort -u "$root/offered" | comm -23 "$root/options" - >"$root/missing"
	cat "$root/missing"
	[ ! -s "$root/missing" ]
}
bash_completions() {
	local line
	for line; do
		# shellcheck disable=SC2086 # words
		completions ${line#memstate } | sed "s/^/$line: /"
	done
}
mkdir -p "$root/sysfs/tasks"
printf 'pid 4711\ngroup 1\n' >"$root/sysfs/tasks/7"
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.commands" 'completions st | grep -qx stat && [ "$(completions sc)" = scan ]'
ok "completion.every_option_that_help_tells" "every_option_in bash_completions"
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.processes_that_report" '[ "$(completions stat 4)" = 4711 ]'
# scan takes any process
wherever_a_process_is_taken() {
	local command n=0
	for command in "${commands[@]}"; do
		[ "$command" != scan ] || continue
		"$dest/usr/bin/memstate" "$command" --help | sed -n 1p |
			grep -qE ' \[?PID\]?(\.\.\.)?$' || continue
		n=$((n + 1))
		[ "$(completions "$command" 4)" = 4711 ] || { echo "not of $command"; return 1; }
	done
	[ $n -ge 3 ]
}
try "completion.processes_wherever_one_is_taken" wherever_a_process_is_taken
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.no_limit_is_a_size" '[ "$(completions run --max "")" = max ]'
ok "completion.programs_after_two_dashes" 'completions run -- mkfif | grep -qx mkfifo'
ok "completion.cgroups" 'completions limit /sys/fs/cg | grep -qx /sys/fs/cgroup'

# The same in zsh and fish, which are asked themselves
# LINE...: "LINE: WORD" for each word that is offered
zsh_completions() {
	PATH=$dest/usr/bin:$PATH MEMSTATE_SYSFS=$root/sysfs \
		zsh -f "$here/complete.zsh" "$dest/usr/share/zsh/site-functions" "$@"
}
# shellcheck disable=SC2016 # fish expands it; ok calls it
fish_completions() {
	PATH=$dest/usr/bin:$PATH MEMSTATE_SYSFS=$root/sysfs HOME=$root fish --no-config -c '
		source $argv[1]
		for line in $argv[2..]
			complete -C $line | cut -f 1 | string replace -r "^" "$line: "
		end' \
		"$dest/usr/share/fish/vendor_completions.d/memstate.fish" "$@"
}
for shell in zsh fish; do
	command -v "$shell" >/dev/null || echo "# no $shell: run tools/testing/vm/deps.sh all"
	touch "$root/a.log"
	lines=("memstate sc" "memstate stat 4" "memstate run --max " "memstate run -- mkfif"
		"memstate limit /sys/fs/cg" "memstate replay $root/a.l")
	"${shell}_completions" "${lines[@]}" >"$root/$shell" 2>"$root/said"
	# offers NAME LINE ERE: a word of it
	offers() { grep -qE "^$2: $3\$" "$root/$shell"; result $? "completion.$shell.$1"; }
	offers commands "${lines[0]}" scan
	ok "completion.$shell.every_option_that_help_tells" "every_option_in ${shell}_completions"
	offers processes_that_report "${lines[1]}" 4711
	offers no_limit_is_a_size "${lines[2]}" max
	offers programs_after_two_dashes "${lines[3]}" mkfifo
	offers cgroups "${lines[4]}" '(/sys/fs/)?cgroup/?'
	offers files_to_replay "${lines[5]}" '(.*/)?a.log'
done

# Whatever there is has its page.
# has_page SECTION: of each name on stdin there is a page
has_page() {
	local name
	while read -r name; do
		[ -e "$dest/usr/share/man/man$1/$name.$1" ] || { echo "no page: $name($1)"; return 1; }
	done
}
# in_page PAGE: each word of stdin stands there
in_page() {
	local word
	man --nh -E ascii -l "$dest/usr/share/man/$1" | col -b >"$root/page"
	while read -r word; do
		grep -qwF -- "$word" "$root/page" || { echo "$1 does not tell of $word"; return 1; }
	done
}
for pair in "1 memstate" "3 memstate_free"; do
	ok "man_selftest.no_page.${pair% *}" "! echo planted_${pair#* } | has_page ${pair% *}"
done
ok "man.every_command" "'$dest/usr/bin/memstate' help | sed -n 's/^  \([a-z]*\) .*/memstate-\1/p' | has_page 1"
ok "man.every_command_in_memstate" "'$dest/usr/bin/memstate' help | sed -n 's/^  \([a-z]*\) .*/memstate-\1/p' | in_page man1/memstate.1"
ok "man.every_function_of_the_library" "grep -oE 'memstate_[a-z_]+;' '$top/userspace/lib/memstate.map' | tr -d ';' | has_page 3"
ok "man.every_function_of_the_allocator" \
	"grep -oE 'memstate_malloc_[a-z]+\(' '$top/userspace/include/memstate-malloc.h' | tr -d '(' | has_page 3"
ok "man.every_ioctl" "grep -oE 'define MEMSTATE_(IOC|URING)_[A-Z_]+' '$top/include/uapi/linux/memstate.h' | grep -v MAGIC |
	sed 's/define //' | in_page man4/memstate.4"
ok "man.every_module_parameter" "grep -ohE '^(module_param[a-z_]*|MS_BOUND)\([a-z_]+' '$top'/kmod/*.[ch] | sed 's/.*(//' | in_page man4/memstate.4"
ok "man.every_file_in_sysfs" "sed -n 's#^\(What:\)\{0,1\}\t\{1,2\}\(/sys/class/misc/memstate/.*\)\$#\2#p' \
	'$top'/Documentation/ABI/testing/* | sed 's,/\$,,; s,.*/,,' | grep -v '^<' | in_page man5/memstate-sysfs.5"
ok "man_selftest.not_in_page" "! echo planted | in_page man5/memstate-sysfs.5"
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.columns_to_sort_by" '[ "$(completions top --sort un)" = unaccounted ] &&
	[ "$(completions top --sort "" | sort -u | wc -l)" = 23 ]'
# shellcheck disable=SC2016 # ok evaluates it
ok "completion.values_behind_an_equals_sign" '[ "$(completions top --classes = re | xargs)" = "ready reserved" ] &&
	[ "$(completions top --history = | xargs)" = "ready charged" ]'
ok "completion.cgroup_to_show" 'completions top --cgroup /sys/fs/cg | grep -qx /sys/fs/cgroup'
ok "make_uninstall" 'make_in uninstall'
ok "uninstall_leaves_nothing_of_ours" "! find '$dest' -name '*memstate*' | grep ."

ok "dkms_sources_are_installed" 'make_in dkms'
ok "dkms_version_is_the_modules" \
	"grep -q \"PACKAGE_VERSION=\\\"\$(sed -n 's/^MODULE_VERSION(\"\\(.*\\)\");/\\1/p' '$top/kmod/main.c')\\\"\" '$dest/usr/src/memstate-0.1.0/dkms.conf'"
! part module || module
tap_end
