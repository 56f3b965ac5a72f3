# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Completion of memstate(1) for bash. Commands and options are what the program says itself.
# shellcheck shell=bash

# The options of a command, one a line
_memstate_options() {
	"$1" "$2" --help 2>/dev/null | sed -n 's/^  \(-[a-z], \)\?\(--[a-z-]*\).*/\2/p'
}

# What top can be sorted by
_memstate_columns() {
	"$1" top --help 2>/dev/null | sed -n '/^Columns to sort by:/,$ { /:/!p }'
}

# Processes that report; cgroups
_memstate_pids() {
	sed -n 's/^pid //p' "${MEMSTATE_SYSFS:-/sys/class/misc/memstate}"/tasks/* 2>/dev/null
}

# What a command takes behind its options: the last word of its usage
_memstate_operand() {
	"$1" "$2" --help 2>/dev/null |
		sed -n '1 { s/ \[OPTION\]\.\.\.//; s/.*[ []\([A-Z]*\)\]*\(\.\.\.\)*$/\1/p }'
}

_memstate() {
	local program=$1 word=$2 before=$3 command='' i at=$COMP_CWORD list='' dash

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		list="$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') help --help --version"
		mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
		return
	fi
	command=${COMP_WORDS[1]}
	if [ "$command" = help ]; then
		list=$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
		mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
		return
	fi
	for ((i = 2; i < at; i++)); do
		[ "${COMP_WORDS[i]}" = -- ] && dash=$i && break
	done
	if [[ $command == run || $command == record ]] && [ -n "$dash" ]; then
		if [ "$at" = $((dash + 1)) ]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		return
	fi
	# bash takes a word with a "=" in it apart.
	if [ "$before" = = ] || [ "$word" = = ]; then
		case ${COMP_WORDS[at - 1]/#=/${COMP_WORDS[at - 2]}} in
		--classes) list="ready prepared reserved all" ;;
		--history) list="ready charged" ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$list" -- "${word#=}")
		return
	fi
	case $before in
	--output|--record|-o) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
	--max|--high|--commit-max) mapfile -t COMPREPLY < <(compgen -W "max" -- "$word"); return ;;
	--format) mapfile -t COMPREPLY < <(compgen -W "prometheus openmetrics" -- "$word"); return ;;
	--max-series|--listen) return ;;
	--pid|-p) mapfile -t COMPREPLY < <(compgen -W "$(_memstate_pids)" -- "$word"); return ;;
	--group|-g) [ "$command" != record ] ||
		{ mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}"); return; } ;;
	--kind) mapfile -t COMPREPLY < <(compgen -W "time classes map" -- "$word"); return ;;
	--theme) mapfile -t COMPREPLY < <(compgen -W "auto light dark" -- "$word"); return ;;
	--reserved) mapfile -t COMPREPLY < <(compgen -W "auto stack panel none" -- "$word"); return ;;
	--interval|--duration|--ranges|--trace-buffer|--max-size|--size|--title) return ;;
	--sort) mapfile -t COMPREPLY < <(compgen -W "$(_memstate_columns "$program")" -- "$word"); return ;;
	--cgroup) mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}"); return ;;
	--overcommit|--watch|--delay|--count|--timeout|--iterations|--mark|--process) return ;;
	esac
	if [[ $word == -* ]]; then
		list=$(_memstate_options "$program" "$command")
		[[ $command != run && $command != record ]] || list+=" --"
		mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
		return
	fi
	case $command:$(_memstate_operand "$program" "$command") in
	scan:*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word"
		compgen -f -- "$word") ;;
	*:PID) mapfile -t COMPREPLY < <(compgen -W "$(_memstate_pids)" -- "$word") ;;
	*:TARGET) mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}") ;;
	*:FILE) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	esac
}

complete -o filenames -F _memstate memstate
