#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [LANE...]: static analysis, one test per lane and unit, as TAP. The lane "selftest"
# plants defects for each of the others in a copy of the tree and demands that it finds them.
#
# A tool that is missing is a failure that names its Debian package: what was not
# looked at is not known to be good.
set -u
shopt -s nullglob

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/cache.sh
. "$here/../cache.sh"
work=$top/build/static/${1-all}	# lanes of several runs may run at once
tree=$top		# what is looked at
only=			# of its files, if not all
lanes=(w1 calls arm64 sparse checkpatch kernel_doc coccinelle tidy_kernel tidy_user analyzer
	shellcheck rst man headers abi spdx words selftest)

# not_ok NAME [LOG]: with what it said
not_ok() {
	sed "s,$tree/,,g" "${2-/dev/null}" >"$work/said"
	result 1 "$1"
}
# verdict NAME LOG: good if the log is empty
verdict() { if [ -s "$2" ]; then not_ok "$1" "$2"; else result 0 "$1"; fi; }

# What a tool found to be good is so until something of that changes: the file, the headers,
# the flags, the lane and what tells tools what to say, the packages of this machine.

# basis LANE FLAGS...: what is the same for all files of a lane
basis() {
	local lane=$1
	basis=$({
		echo "$*"
		grep '\.h$' "$work/files" | (cd "$tree" && xargs -r -d '\n' cat 2>/dev/null)
		declare -f "lane_$lane" build per_unit by_build tidy analyze public user_flags together said \
			one_way rooms upward symbols
		declare -p ignore_all ignore_declaring ignore_port ignore_user sphinx_only
		cat "$here"/*.yml
		installed
	} | sed "s,$tree/,,g" | sha256sum)
}

# known LANE NAME FILE...: were they found to be good as they are? Sets $mark, for remember.
known() {
	mark_of static < <(echo "$basis $1 $2"; cat "${@:3}")
	proved
}
# good LANE NAME [FILE]: the same of one, as a test if it is so
good() { known "$1" "$2" "${3-$tree/$2}" && result 0 "$1 $2"; }

# What is tracked; in a tree without git, all but what was built.
list_files() {
	(cd "$top" && { git ls-files 2>/dev/null || find . -path ./build -prune -o -type f -printf '%P\n'; })
}
# files ERE: of these, the ones that match and that are there
files() {
	local f
	grep -E -- "$1" "$work/files" | while read -r f; do
		[ -f "$tree/$f" ] && { [ -z "$only" ] || [[ $f =~ $only ]]; } && echo "$f"
	done
}

# --- the kernel's side ---------------------------------------------------------

kdir() {
	[ -n "${kernel_dir-}" ] || kernel_dir=${KDIR:-$("$here/../vm/kernel.sh" 6.1 2>"$work/kernel.err" |
		sed -n 's/^KDIR=//p')}
	[ -n "$kernel_dir" ] && echo "$kernel_dir"
}

# build OUT LOG ARGS: the module, or what is looked at of it, in a copy of its sources
build() {
	local out=$1 log=$2 k
	local targets=(modules)
	shift 2
	[ -z "$only" ] || mapfile -t targets < <(files '^kmod/.*\.c$' | sed 's/c$/o/')
	rm -rf "$out"
	k=$(kdir) || { cp "$work/kernel.err" "$log"; return 1; }
	mkdir -p "$out"
	cp -a "$tree/Kbuild" "$tree/kmod" "$tree/include" "$out"
	make -C "$k" M="$out" -j"$(nproc)" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" "${targets[@]}" >"$log" 2>&1
}

# said LOG FILE: what was said of it, or of a header by it
said() { grep -E "(^|/)${2//./\\.}:[0-9]+(:[0-9]+)?: |from [^ ]*${2//./\\.}:" "$1"; }

# per_unit LANE LOG STATUS: the warnings in a build's log, one test per source
per_unit() {
	local lane=$1 log=$2 status=$3 f
	grep -E ': (warning|error|fatal error): |: error |\*\*\*' "$log" >"$log.said"
	while read -r f; do
		said "$log.said" "$f" >"$log.unit"
		verdict "$lane $f" "$log.unit"
		grep -vxFf "$log.unit" "$log.said" >"$log.rest"
		if [ -s "$log.unit" ]; then mv "$log.rest" "$log.said"; fi
	done < <(files '^kmod/.*\.[ch]$')
	if [ "$status" -ne 0 ] && [ ! -s "$log.said" ]; then tail -n 20 "$log" >"$log.said"; fi
	verdict "$lane the rest" "$log.said"
}

# by_build LANE ARGS: by what a build of the module says, if it has not said so before
by_build() {
	local lane=$1 out=$work/$1 f failed=$tap_failed
	local sources=()
	shift
	basis "$lane" "$(kdir)" "$@"
	mapfile -t sources < <(files '^kmod/.*\.[ch]$')
	if known "$lane" "${sources[*]}" "$tree/Kbuild" "${sources[@]/#/$tree/}"; then
		for f in "${sources[@]}" "the rest"; do result 0 "$lane $f"; done
		return
	fi
	build "$out" "$out.log" "$@"
	per_unit "$lane" "$out.log" $?
	[ "$tap_failed" != "$failed" ] || remember
}

lane_w1() { by_build w1 W=1; }

# rooms FROM TO: the objects that a README names between two lines, from the ground up
rooms() {
	sed -n "/$1/,/$2/p" "$3" | grep -oE '^    [a-z0-9_/-]+\.(\[ch\]|c)(, [a-z0-9_/-]+\.(\[ch\]|c))*' |
		tr ',' '\n' | sed -E 's/ //g; s/\.(\[ch\]|c)$//'
}
# upward LIST FOLDER README: the calls on stdin ("of FILE SYMBOL", then "by FILE SYMBOL") that do
# not go down
upward() {
	awk -v folder="$2" -v readme="$3" '
		FILENAME != "-" { at[$1] = ++n; next }
		# two programs of one room may each have one of that name
		$1 == "of" { if (!($3 in home) || at[$2] < at[home[$3]]) home[$3] = $2; next }
		($3 in home) && home[$3] != $2 && at[home[$3]] > at[$2] {
			print folder "/" $2 ".c: calls " $3 "() of " home[$3] ".c, which " readme " lists after it"
		}' "$1" -
}
# symbols DIR KIND LETTERS: of its objects
symbols() {
	(cd "$1" && nm -A "${objects[@]}") |
		awk -v kind="$2" -v letters="$3" '{
			sub(/\.o:.*/, "", $1)
			if ($(NF - 1) ~ "^[" letters "]$") print kind, $1, $NF
		}'
}
# one_way FOLDER DIR README FROM TO: each object of DIR stands in the list, and calls only what is
# listed before it
one_way() {
	local log=$work/calls.log objects=() list=$work/rooms
	mapfile -t objects < <(cd "$2" && find . -name '*.o' ! -name '*.mod.o' -printf '%P\n' | sort)
	rooms "$4" "$5" "$tree/$3" >"$list"
	comm -3 <(sort "$list") <(printf '%s\n' "${objects[@]%.o}" | sort) |
		sed "s|^\t\(.*\)|$3: $1/\1 is not in its list|; t; s|.*|$3: $1/& is not there|" >"$log"
	verdict "calls $3 has each file of $1 once" "$log"
	{
		symbols "$2" of TDRBW
		symbols "$2" by U
	} | upward "$list" "$1" "$3" | sort >"$log"
	verdict "calls $1 goes one way" "$log"
}
lane_calls() {
	local out=$work/calls log=$work/calls.log room f
	local only=	# also where a defect is planted in one
	build "$out" "$log" || { not_ok "calls: the module does not build" "$log"; return; }
	one_way kmod "$out/kmod" kmod/README '^Rooms, ' '^core\/ includes'
	rm -rf "$out/user"	# objects of files that are gone
	make -C "$tree/userspace" O="$out/user" -j"$(nproc)" objects >"$log" 2>&1 || {
		not_ok "calls: userspace does not build" "$log"
		return
	}
	mkdir -p "$out/user/obj/userspace/examples"
	for f in "$tree"/userspace/examples/agent*.c; do
		gcc -D_GNU_SOURCE -DHAVE_URING -I"$tree/userspace/include" -I"$tree/include/uapi" -c "$f" \
			-o "$out/user/obj/userspace/examples/$(basename "$f" .c).o" || {
			not_ok "calls: ${f##*/} does not build"
			return
		}
	done >"$log" 2>&1
	one_way malloc "$out/user/obj/userspace/malloc" userspace/malloc/README '^Rooms, ' '^END'
	for room in lib observe cli oci examples; do
		one_way "$room" "$out/user/obj/userspace/$room" userspace/README "^  $room: " '^  [a-z]*: '
	done
}
lane_arm64() {
	local kernel kernel_dir
	needs aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu || return
	for kernel in arm64-6.1 arm64-6.12; do
		kernel_dir=$("$here/../vm/kernel.sh" $kernel 2>"$work/kernel.err" | sed -n 's/^KDIR=//p')
		if [ -d "$kernel_dir" ]; then
			by_build $kernel W=1 ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
		else
			not_ok "$kernel: no headers" "$work/kernel.err"
		fi
	done
}
lane_sparse() { needs sparse && by_build sparse C=2; }

linux_source() {
	[ -n "${source-}" ] || source=$("$here/../vm/kernel.sh" source 2>"$work/source.err" |
		sed -n 's/^LINUX_SOURCE=//p')
	[ -n "$source" ] || {
		not_ok "$1: no source of Linux, by tools/testing/vm/kernel.sh source" "$work/source.err"
		return 1
	}
}

# Types of checkpatch that are not asked of these files, each with why.
ignore_all=(
	FILE_PATH_CHANGES	# there is no MAINTAINERS
	NEW_TYPEDEFS		# ms_entry_t is the core's one opaque value
	MACRO_ARG_REUSE MACRO_ARG_PRECEDENCE # the argument is the name of a member
	UNCOMMENTED_DEFINITION	# locks are described in the kernel-doc of their struct
	BIT_MACRO		# 1 << n is a number of things, not a bit
)
ignore_declaring=(		# macros that make attributes and tracepoints
	COMPLEX_MACRO MULTISTATEMENT_MACRO_USE_DO_WHILE OPEN_ENDED_LINE
	PARENTHESIS_ALIGNMENT SPACING TRAILING_SEMICOLON
)
ignore_port=(			# what others include instead of barriers and attributes
	MEMORY_BARRIER PREFER_DEFINED_ATTRIBUTE_MACRO CONST_STRUCT CAMELCASE
	ARCH_DEFINES LINE_SPACING
)
ignore_user=(			# programs have a C library and no <linux/kernel.h>
	CAMELCASE CONSIDER_KSTRTO SSCANF_TO_KSTRTO USE_NEGATIVE_ERRNO ENOSYS VOLATILE
	PREFER_KERNEL_TYPES PREFER_DEFINED_ATTRIBUTE_MACRO AVOID_EXTERNS CONST_STRUCT
	ARRAY_SIZE EMBEDDED_FUNCTION_NAME STATIC_CONST_CHAR_ARRAY
	SPLIT_STRING LONG_LINE_STRING	# usage texts and JSON, nothing to grep for
	OPEN_ENDED_LINE
)

# unknown LANE: the files of stdin that were not found to be good before; those that were are tests
unknown() {
	local f
	todo=()
	while read -r f; do good "$1" "$f" || todo+=("$f"); done
}

# together LANE COMMAND...: one process for all of todo, which are its last arguments. Of what it
# says each line names its file; those that name none, or a header, are a test of their own, and
# as long as that fails none of them is known to be good.
together() {
	local lane=$1 log=$work/$1.log f status
	local marks=()
	shift
	[ ${#todo[@]} -gt 0 ] || return 0
	(cd "$tree" && "$@" "${todo[@]}") >"$log" 2>&1
	status=$?
	for f in "${todo[@]}"; do
		said "$log" "$f" >"$log.unit"
		verdict "$lane $f" "$log.unit" && { known "$lane" "$f" "$tree/$f" || marks+=("$mark"); }
		grep -vxFf "$log.unit" "$log" >"$log.rest"
		if [ -s "$log.unit" ]; then mv "$log.rest" "$log"; fi
	done
	# With 1 it ends for what it has said of files; with more it could not do its work.
	if [ -s "$log" ] || [ $status -gt 1 ]; then
		not_ok "$lane the rest (status $status)" "$log"
		return
	fi
	for mark in "${marks[@]}"; do remember; done
}

# checkpatch_kind FILE: which types of findings are not asked of it
checkpatch_kind() {
	case $1 in
	userspace/include/memstate.h)    echo user_header ;;
	userspace/*)                     echo user ;;
	kmod/core/port*|include/uapi/*)  echo port ;;
	kmod/core/stats.h)               echo stats ;;
	kmod/trace.h|kmod/sysfs*.[ch]|kmod/core/counters.h)   echo declaring ;;
	kmod/core/rules.c)               echo rules ;;
	*)                               echo all ;;
	esac
}
declare -A checkpatch_ignored=(
	[user_header]="${ignore_user[*]} SPACING"	# reinterpret_cast<>
	[user]="${ignore_user[*]}"
	[port]="${ignore_port[*]}"
	[stats]=PREFER_DEFINED_ATTRIBUTE_MACRO		# userspace has none
	[declaring]="${ignore_declaring[*]}"
	[rules]=SPACING					# +1, -1 in a table
	[all]=""
)
# In a folder of its own: it leaves a list of names where it runs. What it finds is on stdout; on
# stderr it misses the tree that --no-tree denies it.
checkpatch() {
	local ignored=$1
	shift
	(cd "$work" && perl "$source/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary \
		--show-types --max-line-length=100 --ignore "${ignored// /,}" \
		-f "${@/#/$tree/}" 2>checkpatch.err || [ $? = 1 ] || cat checkpatch.err)
}

lane_checkpatch() {
	local f kind todo all
	needs perl || return
	linux_source checkpatch || return
	basis checkpatch "$source" "$(declare -f checkpatch checkpatch_kind; declare -p checkpatch_ignored)"
	unknown checkpatch < <(files '^(kmod|include|userspace)/.*\.[ch]$')
	all=("${todo[@]}")
	for kind in "${!checkpatch_ignored[@]}"; do
		todo=()
		for f in "${all[@]}"; do [ "$(checkpatch_kind "$f")" != "$kind" ] || todo+=("$f"); done
		together checkpatch checkpatch "${checkpatch_ignored[$kind]} ${ignore_all[*]}"
	done
}

# It takes the spaces in a member's [N - 1] for the end of a type.
kernel_doc() {
	rm -rf "$work/kernel-doc"
	mkdir -p "$work/kernel-doc"
	(cd "$tree" && cp --parents -t "$work/kernel-doc" "$@")
	cd "$work/kernel-doc" && sed -i -E 's/\[([A-Z_]+) - ([0-9]+)\]/[\1-\2]/g' "$@" &&
		perl "$source/scripts/kernel-doc" -none -Werror "$@" 2>&1 |
		grep -vE '^[0-9]+ warnings as Errors$'
}

lane_kernel_doc() {
	local todo
	needs perl || return
	linux_source kernel_doc || return
	basis kernel_doc "$source" "$(declare -f kernel_doc)"
	unknown kernel_doc < <(files '\.[ch]$' | (cd "$tree" && xargs -r -d '\n' grep -l '^/\*\*$'))
	together kernel_doc kernel_doc
}

lane_coccinelle() {
	local script name options log=$work/cocci.log
	needs spatch:coccinelle || return
	linux_source coccinelle || return
	rm -rf "$work/cocci"
	mkdir -p "$work/cocci"
	cp -a "$tree/kmod" "$tree/include" "$work/cocci"
	basis coccinelle "$(find "$work/cocci" -name '*.c' -print0 | sort -z | xargs -0 cat)"
	for script in $(cd "$source/scripts/coccinelle" && find . -name '*.cocci' -printf '%P\n' | sort); do
		name=$script
		script=$source/scripts/coccinelle/$script
		grep -q '^virtual report' "$script" || continue
		# Debian's spatch comes without OCaml, and one wants -D ns=.
		grep -qE '@ *(script|initialize|finalize) *: *ocaml|^virtual nsdeps' "$script" && continue
		[ -z "$only" ] || [[ $name =~ $only ]] || continue
		good coccinelle "$name" "$script" && continue
		options=$(sed -n 's,^// *Options: *,,p;s,^/// *Options: *,,p' "$script" | head -n 1)
		# shellcheck disable=SC2086 # a list of options
		if timeout 120 spatch -D report --very-quiet --no-show-diff $options \
			-I "$work/cocci/include/uapi" -I "$work/cocci/kmod" --cocci-file "$script" \
			--dir "$work/cocci/kmod" >"$log" 2>"$log.err"; then
			verdict "coccinelle $name" "$log" && remember
		else
			cat "$log.err" >>"$log"
			not_ok "coccinelle $name: spatch failed" "$log"
		fi
	done
}

# tidy LANE FILE CONFIG FLAGS: clang-tidy is quiet but for what it finds. A process for each: of
# several files that it is given, its analyzer knows va_start(), free() and the like by where their
# names lay in the first one, and finds in the others what is not there, or not what is.
tidy() {
	local lane=$1 f=$2 config=$3 log=$work/tidy.log
	shift 3
	if clang-tidy --quiet --config-file="$here/$config" "$tree/$f" -- "$@" >"$log" 2>"$log.err"; then
		verdict "$lane $f" "$log"
	else
		cat "$log.err" >>"$log"
		not_ok "$lane $f" "$log"
	fi
}

lane_tidy_kernel() {
	local out=$work/tidy f cmd k built=
	local flags=()
	needs clang-tidy || return
	k=$(kdir)
	basis tidy_kernel "$k"
	while read -r f; do
		good tidy_kernel "$f" && continue
		[ -n "$built" ] || build "$out" "$out.log" ||
			{ not_ok "tidy_kernel: the module does not build" "$out.log"; return; }
		built=1
		cmd=$out/$(dirname "$f")/.$(basename "$f" .c).o.cmd
		# the compiler's flags, without those that only gcc knows
		mapfile -t flags < <(sed -n 's/^cmd_[^ ]* := //p' "$cmd" | head -n 1 |
			sed "s,$out,$tree,g; s/;.*//" | xargs -n 1 2>/dev/null | awk '
			skip { skip = 0; next }
			/^-o$/ || /^-c$/ { skip = ($0 == "-o"); next }
			/^-Wp,/ || /\.c$/ || /^-mindirect-branch/ || /^-mfunction-return/ ||
			/^-mpreferred-stack/ || /^-mrecord-mcount/ || /^-fconserve-stack/ ||
			/^-fno-allow-store/ || /^-falign-/ || /^-fsanitize/ || /^-ftrivial/ ||
			/^-fplugin/ || /^-fzero-call/ || /^-fno-ipa/ || /^-fmin-function/ ||
			/^-Wno-/ || /^-Werror/ || /^-W/ || /^-mharden-sls/ ||
			/^-mskip-rax/ || /^-fno-stack-clash/ || /^-fpatchable/ { next }
			NR > 1 { print }')
		flags=("${flags[@]/#-I.\//-I$k/}")
		(cd "$k" && tidy tidy_kernel "$f" tidy-kernel.yml "${flags[@]}" -w) >"$work/tidy.tap"
		if grep -q '^ok' "$work/tidy.tap"; then
			result 0 "tidy_kernel $f" && remember
		else
			grep '^#' "$work/tidy.tap" >"$work/tidy.said"
			not_ok "tidy_kernel $f" "$work/tidy.said"
		fi
	done < <(files '^kmod/.*\.c$')
}

# --- userspace -----------------------------------------------------------------

# The flags that userspace/Makefile compiles with, one a line. Many files have the same.
user_flags() {
	make -C "$tree/userspace" -B -n V=1 O="$work/none" 2>/dev/null |
		sed -n 's/ -c -o .*//p' | sort -u | xargs -n 1 2>/dev/null |
		grep -E '^-([DI]|std=)' | sort -u
	printf -- '-I%s\n' "$tree/userspace/cli"
}

lane_tidy_user() {
	local f flags
	needs clang-tidy || return
	mapfile -t flags < <(user_flags)
	basis tidy_user "${flags[@]}"
	while read -r f; do
		good tidy_user "$f" && continue
		tidy tidy_user "$f" tidy-user.yml "${flags[@]}" -Wall -Wextra && remember
	done < <(files '^(userspace|kmod/core)/.*\.c$')
}

# gcc is asked once, though its compiler proper takes one file: it starts that for each. Each line
# of what it says has a place; steps on the way to what it has found have that of the finding.
analyze() {
	rm -rf "$work/analyzer"
	mkdir -p "$work/analyzer"
	(cd "$work/analyzer" && gcc -fanalyzer -fdiagnostics-plain-output -O1 -Wall -Wextra "${flags[@]}" -c \
		"${@/#/$tree/}" 2>&1) | awk '
		/: (In function|At top level)/ { next }
		/^[^ ]+:[0-9]+:[0-9]+: (warning|error|fatal error): / { place = $1; print; next }
		{ print place == "" ? $0 : place " " $0 }'
	return "${PIPESTATUS[0]}"
}

lane_analyzer() {
	local todo flags
	needs gcc || return
	mapfile -t flags < <(user_flags)
	basis analyzer "${flags[@]}"
	unknown analyzer < <(files '^(userspace/(lib|observe)|kmod/core)/.*\.c$')
	together analyzer analyze
}

# --- everything else -------------------------------------------------------------

# scripts: what is run by sh or bash
scripts() {
	local f line shell='^#! ?/(usr/)?bin/(env )?(ba|da)?sh'
	while read -r f; do
		read -r line <"$tree/$f"
		[[ ! $line =~ $shell ]] || echo "$f"
	done < <(files .)
}

lane_shellcheck() {
	local todo
	needs shellcheck || return
	basis shellcheck "$(cd "$tree" && cat tools/testing/{tap.sh,suite.sh,cache.sh,vm/debian.sh,bench/lib.sh})"
	unknown shellcheck < <(scripts)
	together shellcheck shellcheck -x -f gcc
}

# Pages that speak Sphinx's own language are looked at by it, in their site: what
# others than these make wrong in it, the suite "docs" finds.
sphinx_only='^ *\.\. (toctree|kernel-doc|kernel-abi|literalinclude)::'
# The tests that security.rst names, and which are not there.
claims() {
	local program name
	[ -e "$tree/Documentation/security.rst" ] || return 0
	# shellcheck disable=SC2016 # these are backquotes
	while IFS=': ' read -r program name; do
		grep -qE "^TEST(_F)?\((\w+, )?$name\)" \
			"$tree/tools/testing/selftests/memstate/$program.c" 2>/dev/null ||
			echo "there is no test $program: $name"
	done < <(grep -oE '``[a-z_]+: [a-z0-9_]+``' "$tree/Documentation/security.rst" | tr -d '`')
}

lane_rst() {
	local f log=$work/rst.log todo
	local site=() pages=()
	claims >"$log" 2>&1
	verdict "what security.rst claims has its tests" "$log"
	/usr/bin/python3 -c 'import docutils' 2>"$log" ||
		{ not_ok "needs docutils: install the Debian package python3-docutils" "$log"; return; }
	basis rst "$(cat "$here/rst.py")"
	while read -r f; do
		if grep -qE "$sphinx_only" "$tree/$f"; then site+=("$f"); else pages+=("$f"); fi
	done < <(files '\.rst$')
	unknown rst < <(printf '%s' "${pages[@]/%/$'\n'}")
	together rst "$here/rst.py"
	[ ${#site[@]} -gt 0 ] || return
	needs sphinx-build:python3-sphinx || return
	rm -rf "$work/site"
	sphinx-build -W -n --keep-going -q -b dummy -d "$work/site/doctrees" \
		"$tree/Documentation" "$work/site" >"$log" 2>&1 ||
		[ -s "$log" ] || echo "sphinx-build failed" >"$log"
	# What is of none of them is all theirs: the site was not made.
	grep -vE "^$tree/|^Declaration is" "$log" >"$log.rest"
	for f in "${site[@]}"; do
		grep -E "^$tree/$f:" "$log" >"$log.unit"
		cat "$log.rest" >>"$log.unit"
		verdict "rst $f" "$log.unit"
	done
}

# manual_pages FILE...: what mandoc says, and groff of each, which does not name it
manual_pages() {
	local f
	mandoc -T lint -W warning "$@" | sed 's/^mandoc: //'
	for f; do
		LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l "$f" 2>&1 >/dev/null |
			sed "s,^,$f:0: ,"
	done
}

lane_man() {
	local todo
	needs mandoc && needs man:man-db || return
	basis man "$(declare -f manual_pages)"
	unknown man < <(files '\.[1-8]$')
	together man manual_pages
}

# public COMPILER STD OPTIONS HEADER...: these, in this order
public() {
	local compiler=$1 std=$2 with=$3
	shift 3
	# shellcheck disable=SC2086 # with options
	printf '#include "%s"\n' "$@" | $compiler -std=$std $with -Wall -Wextra -Wconversion \
		-Wsign-conversion -Wcast-qual -Wundef -Werror -fsyntax-only \
		-I"$tree/userspace/include" -I"$tree/include/uapi" - >>"$log" 2>&1
}

# Each header can be included by itself; the public ones by both compilers, as strict C and C++
# of each standard, more than once and in any order. Not with -Wshadow: a struct and a function
# share a name here, as in stat(2), and in C++ the function hides the struct's constructor.
lane_headers() {
	local f flags std cc a b c log=$work/headers.log
	local headers=()
	local strict='-Wpedantic -Wold-style-cast -Wzero-as-null-pointer-constant -x c++'
	needs g++ || return
	needs clang++:clang || return
	mapfile -t flags < <(user_flags)
	basis headers "${flags[@]}"
	while read -r f; do
		good headers "$f" && continue
		gcc -Wall -Wextra -Werror -fsyntax-only "${flags[@]}" \
			-x c - <<<"#include \"$tree/$f\"" >"$log" 2>&1
		verdict "headers $f" "$log" && remember
	done < <(files '^(userspace|include)/.*\.h$'; files '^kmod/core/.*\.h$' | grep -v port_kernel)
	while read -r f; do
		headers+=("$tree/$f")
		if ! good headers "$f from strict C" "$tree/$f"; then
			: >"$log"
			for std in c11 c17 c2x; do
				for cc in gcc clang; do
					public $cc $std "-Wpedantic -Wstrict-prototypes -x c" \
						"$tree/$f" "$tree/$f"
				done
			done
			verdict "headers $f from strict C" "$log" && remember
		fi
		good headers "$f from C++" "$tree/$f" && continue
		: >"$log"
		for cc in g++ clang++; do
			# Of the oldest it is not asked what the standard does not have.
			public $cc c++98 "-x c++" "$tree/$f" "$tree/$f"
			for std in c++11 c++14 c++17 c++20 c++2b; do
				public $cc $std "$strict" "$tree/$f" "$tree/$f"
			done
		done
		verdict "headers $f from C++" "$log" && remember
	done < <(files '^(userspace/include|include)/.*\.h$')
	[ ${#headers[@]} -gt 0 ] || return
	if known headers "in every order" "${headers[@]}"; then
		result 0 "headers in every order"
		return
	fi
	: >"$log"
	for a in "${headers[@]}"; do for b in "${headers[@]}"; do for c in "${headers[@]}"; do
		if [ "$a" = "$b" ] || [ "$b" = "$c" ] || [ "$a" = "$c" ]; then continue; fi
		public clang c11 "-Wpedantic -x c" "$a" "$b" "$c"
		public g++ c++11 "$strict" "$a" "$b" "$c"
	done; done; done
	verdict "headers in every order" "$log" && remember
}

# rows PAGE: of each table of a structure "structure|member|sysfs|JSON|series|screen"
rows() {
	awk '
		/^\.\. csv-table:: struct / { name = $4; sub(/:$/, "", name); next }
		/^[^ ]/ { name = "" }
		name == "" || /^ +:/ || NF == 0 { next }
		{
			gsub(/\\/, "")
			if (split($0, cell, / *, */) != 6) { print name "|" $0 "|?"; next }
			sub(/^ +/, "", cell[1])
			print name "|" cell[1] "|" cell[3] "|" cell[4] "|" cell[5] "|" cell[6]
		}' "$1"
}
# Each figure is told of, and is called there what it is called.
figures() {
	local header=$1 page=$tree/Documentation/figures.rst
	local cli=$tree/userspace/cli name member sysfs json series screen word base asked
	local counters=$tree/kmod/core/counters.h table=$work/abi.figures
	rows "$page" >"$table"
	# Of what is asked, and whom, there is no figure.
	asked='^(size|flags|scope|fd|set)$'
	for name in memstate_totals memstate_limit memstate_observe memstate_totals_observed; do
		diff <(sed -n "/^struct $name {/,/^};/s/^\t__[us][0-9]* \([a-z_]*\).*/\1/p" "$header" | grep -vE "$asked") \
			<(sed -n "s/^$name|\([a-z_]*\)|.*/\1/p" "$table") |
			sed -n "s/^< /${page##*/}: no $name: /p; s/^> /${header##*/}: struct $name has no /p"
	done
	while IFS='|' read -r name member sysfs json series screen; do
		[ -n "$screen" ] || { echo "${page##*/}: $name: no row of six: $member"; continue; }
		for word in ${sysfs//-/}; do
			grep -qE "/${word}\$|[ ,]${word}[,;]" "$tree"/Documentation/ABI/testing/* ||
				echo "Documentation/ABI/testing: no $word ($name: $member)"
			grep -qw -- "$word" "$tree/Documentation/man/memstate-sysfs.5" ||
				echo "memstate-sysfs.5: no $word ($name: $member)"
		done
		for word in ${json//-/}; do
			grep -qE "\"$word\"" "$cli"/{json,limit_words,stat,stat_group}.c "$cli"/record/lines.c ||
				grep -qE "X\($word," "$counters" || echo "userspace/cli: no \"$word\" in JSON ($name: $member)"
		done
		for word in ${series//-/}; do
			base=${word%_total}
			grep -qE "\(S[^\"]*\"(${base%bytes}|$base)\"|\(G[^\"]*\"(${base%bytes}|$base)\"" "$cli/export/families.c" ||
				echo "families.c: no $word ($name: $member)"
			grep -qE "(^|[ \"])$word\b" "$cli/man/memstate-export.1" ||
				echo "memstate-export.1: no $word ($name: $member)"
		done
		while read -r word; do
			[ "$word" = - ] || grep -qFr --include='*.c' "\"$word\"" "$cli" ||
				echo "userspace/cli: no $word on the screen ($name: $member)"
		done <<<"${screen//; /$'\n'}"
	done <"$table"
}

# Each structure and each call of the ABI stands where it is to be looked at.
lane_abi() {
	local header=$tree/include/uapi/linux/memstate.h log=$work/abi.log f name
	local table=tools/testing/core/abi_table.h
	while read -r name; do
		grep -q "SIZE($name, " "$tree/$table" || echo "$table: no SIZE($name, ...)"
		grep -q "^MEMSTATE_ABI_SIZE($name, " "$header" || echo "${header##*/}: no MEMSTATE_ABI_SIZE($name, ...)"
	done < <(sed -n 's/^struct \(memstate_[a-z_]*\) {$/\1/p' "$header") >"$log"
	verdict "abi of each structure the size is told" "$log"
	while read -r name; do
		[ "$name" != MEMSTATE_IOC_MAGIC ] || continue
		for f in kmod/call.c $table tools/testing/fuzz/ioctl.c Documentation/man/memstate.4; do
			grep -qw "$name" "$tree/$f" || echo "$f: no $name"
		done
		grep -qw "$name" "$tree"/tools/testing/selftests/memstate/*.c || echo "selftests: no $name"
	done < <(sed -n 's/^#define \(MEMSTATE_IOC_[A-Z_]*\)\t.*/\1/p' "$header") >"$log"
	[ "$(sed -n 's/^ \*   \([0-9]\+\)  .*/\1/p' "$header" | tail -n 1)" = \
		"$(sed -n 's/^#define MEMSTATE_ABI_VERSION\t//p' "$header")" ] ||
		echo "${header##*/}: MEMSTATE_ABI_VERSION is not the last of the changelog" >>"$log"
	verdict "abi each ioctl is done, tested, fuzzed and told" "$log"
	figures "$header" >"$log" 2>&1
	verdict "abi each figure is called what figures.rst says" "$log"
}

# Each file names the licence that it must have, by where it is. Without a process for each of
# so many files.
lane_spdx() {
	local f licence want line found log=$work/spdx.log
	while read -r f; do
		# the licences themselves, and what has no comments
		case $f in LICENSES/*|Documentation/ABI/*|packaging/debian/changelog|packaging/debian/copyright|packaging/debian/source/format|.gitignore|*.json|*.gz|*.log|*.tsv) continue ;; esac
		case $f in
		include/uapi/*)    licence='(GPL-2.0-only WITH Linux-syscall-note) OR MIT' ;;
		kmod/core/*)       licence='GPL-2.0-only OR MIT' ;;
		kmod/*|Kbuild)     licence='GPL-2.0-only' ;;
		userspace/*)       licence='MIT' ;;
		*)                 licence='GPL-2.0-only OR MIT' ;;
		esac
		want=${licence//(/\\(}
		want="SPDX-License-Identifier: ${want//)/\\)}( ?(\*/|\*\)|-->))?\$"
		# litmus tests have to begin with their name
		found=
		for _ in 1 2 3; do
			read -r line
			[[ ! $line =~ $want ]] || found=1
		done <"$tree/$f"
		: >"$log"
		[ -n "$found" ] ||
			echo "none of the first three lines says SPDX-License-Identifier: $licence" >"$log"
		verdict "spdx $f" "$log"
	done < <(files .)
}

# Nothing of the machine that it was written on: paths, names of hosts.
lane_words() {
	local f name words log=$work/words.log
	local -A suspect=()
	words='(^|[^[:alnum:]_.])/(wor[k]|roo[t]|hom[e]/[a-z]+)(/|[^[:alnum:]_]|$)'
	words+='|[a-z0-9]\.debia[n]\.(org|net)/debia[n]|mirror[s]?\.[a-z0-9-]+\.[a-z]{2,}'
	name=$(uname -n)
	case $name in localhost|*[!A-Za-z0-9.-]*|?|??|???) ;; *) words+="|$name" ;; esac
	while read -r f; do suspect[$f]=1; done < \
		<(files . | (cd "$tree" && xargs -r -d '\n' grep -alE -- "$words"))
	while read -r f; do
		[ -n "${suspect[$f]-}" ] || { result 0 "words $f"; continue; }
		# the guest's own root may have a home
		sed 's,HOME=/roo[t]\>,HOME=,' "$tree/$f" | grep -anE -- "$words" >"$log"
		verdict "words $f" "$log"
	done < <(files .)
}

# --- the lanes, tested ------------------------------------------------------------

# What a lane found, without the tests' numbers
findings() { sed -nE 's/^not ok [0-9]+ - /not ok - /p; /^# /p' "$1"; }

# seed LANE FILE [ONLY]: the defect on stdin is added to FILE; LANE has to fail
seed() {
	local lane=$1 f=$2 only=${3-^$2\$} said=$work/seed.said
	local tap_n=0 tap_failed=0
	rm -rf "$work/seed"
	mkdir -p "$work/seed"
	(cd "$top" && tar -cf - -T <(while read -r x; do [ -f "$x" ] || [ -h "$x" ] && echo "$x"; done <"$work/files")) |
		tar -xf - -C "$work/seed"
	tree=$work/seed
	if [ -e "$work/$lane.tap" ]; then
		findings "$work/$lane.tap" >"$said.before"
	else
		"lane_$lane" >"$said"
		findings "$said" >"$said.before"
	fi
	if [ -n "${SEED_FIRST-}" ]; then
		{ cat; cat "$top/$f"; } >"$tree/$f"
	else
		cat >>"$tree/$f"
	fi
	"lane_$lane" >"$said"
	tree=$top
	# a test fails that did not, or says what it did not say
	findings "$said" | grep -vxFf "$said.before" >"$said.new"
}

# seeded LANE FILE [ONLY]: the same as a test; remembered, as what lanes find is
seeded() {
	local name="selftest $1 finds what is planted in $2" planted seen
	planted=$(cat)
	basis "$1" "$planted" "${3-} ${SEED_FIRST-} $(kdir) $(declare -f seed findings)"
	if known selftest "$2" "$top/$2"; then
		result 0 "$name"
		return
	fi
	seen=$mark
	if seed "$@" <<<"$planted"; then
		result 0 "$name"
		mark=$seen
		remember
	else
		not_ok "$name" "$work/seed.said"
	fi
}

lane_selftest() {
	seeded w1 kmod/audit.c <<<'static int planted(void) { return 0; }'
	seeded calls kmod/ledger.c <<<'void ms_device_begin(void); int planted(void); int planted(void) { ms_device_begin(); return 0; }'
	seeded calls userspace/lib/state.c <<<'int memstate_sync(void); int planted(void); int planted(void) { return memstate_sync(); }'
	seeded calls userspace/malloc/os.c <<<'void ms_background_fork_done(void); int planted(void); int planted(void) { ms_background_fork_done(); return 0; }'
	seeded arm64 kmod/audit.c <<<'u64 planted(u64 *p); u64 planted(u64 *p) { return xadd(p, 1); }'
	seeded sparse kmod/audit.c <<<'int planted(int __user *p); int planted(int __user *p) { return *p; }'
	seeded checkpatch kmod/audit.c <<<'static int planted(int a){ return(a) ; }'
	seeded checkpatch userspace/lib/format.c <<<'static int planted(int a){ return(a) ; }'
	seeded kernel_doc kmod/audit.c <<'SEED'
/**
 * planted() - of which a parameter is not told
 */
void planted(int a) { }
SEED
	seeded coccinelle kmod/audit.c '^free/kfree\.cocci$|^api/kvmalloc' <<'SEED'
static int planted(int *p)
{
	kfree(p);
	return *p;
}
SEED
	seeded tidy_kernel kmod/audit.c <<<'int planted(int a); int planted(int a) { int *p = a ? &a : NULL; return *p; }'
	seeded tidy_user userspace/lib/format.c <<<'int planted(int a); int planted(int a) { int *p = a ? &a : 0; return *p; }'
	seeded analyzer userspace/lib/format.c <<'SEED'
#include <stdlib.h>
int planted(void);
int planted(void)
{
	int *p = malloc(4);

	free(p);
	return *p;
}
SEED
	# shellcheck disable=SC2016 # it is planted, not run
	seeded shellcheck tools/testing/tap.sh <<<'rm -r $planted/*'
	seeded rst Documentation/design.rst <<<$'Planted\n==\n\n`open'
	seeded rst Documentation/index.rst <<<$'\n.. toctree::\n\n   planted'
	seeded man userspace/cli/man/memstate.1 <<<$'.Planted\n.SH'
	seeded man Documentation/man/memstate.4 <<<$'.TP\n.TP\n\\*[planted]'
	seeded headers include/uapi/linux/memstate.h <<<'struct planted { planted_t a; };'
	seeded headers userspace/include/memstate.h <<<'int planted(int class);'
	seeded headers userspace/include/memstate.h <<<'static inline long planted(void *p) { return (long)p; }'
	seeded headers userspace/include/memstate.h <<<'enum planted { PLANTED = 0xffffffffffULL };'
	seeded abi include/uapi/linux/memstate.h <<<$'struct memstate_planted {\n\t__u32 size;\n};'
	seeded abi include/uapi/linux/memstate.h <<<$'#define MEMSTATE_IOC_PLANTED\t_IO(MEMSTATE_IOC_MAGIC, 0x7f)'
	seeded abi Documentation/figures.rst <<<$'\n.. csv-table:: struct memstate_limit\n\n   planted, bytes, peak, peak, peak_charged_bytes, \\-'
	SEED_FIRST=1 seeded spdx kmod/audit.c <<<$'/* one */\n/* two */\n/* three */'
	seeded words kmod/README <<<"see /wor""k/planted"
}

# --- main -------------------------------------------------------------------------

for lane; do
	[[ " ${lanes[*]} " == *" $lane "* ]] || {
		echo "run.sh: no such lane: $lane (${lanes[*]})" >&2
		exit 2
	}
done
[ $# -eq 0 ] || lanes=("$@")
tap_begin "$work"
list_files >"$work/files"
for lane in "${lanes[@]}"; do rm -f "$work/$lane.tap"; done

for lane in "${lanes[@]}"; do
	"lane_$lane" >"$work/$lane.tap"
	cat "$work/$lane.tap"
done
tap_end
