#compdef memstate
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Completion of memstate(1) for zsh. Commands and options are what the program says itself.

# What help tells, one "name:text" a line
_memstate_commands() {
	$1 help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *\(.*\)/\1:\2/p'
}
_memstate_options() {
	$1 $2 --help 2>/dev/null |
		sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\)\( [A-Z][A-Z,=.|]*\)\{0,1\} *\(.*\)/\2:\4/p'
}

# Processes that report
_memstate_pids() {
	compadd -- $(sed -n 's/^pid //p' ${MEMSTATE_SYSFS:-/sys/class/misc/memstate}/tasks/*(N) 2>/dev/null </dev/null)
}
# What a command takes behind its options: the last word of its usage
_memstate_operand() {
	$1 $2 --help 2>/dev/null |
		sed -n '1 { s/ \[OPTION\]\.\.\.//; s/.*[ []\([A-Z]*\)\]*\(\.\.\.\)*$/\1/p }'
}

_memstate() {
	local program=$words[1] command=$words[2] dashes=${words[(i)--]}
	local -a list

	if (( CURRENT == 2 )); then
		list=(${(f)"$(_memstate_commands $program)"} 'help:commands' '--help:commands' '--version:version')
		_describe -t commands command list
		return
	fi
	if [[ $command == run ]] && (( dashes < CURRENT )); then
		shift $dashes words
		(( CURRENT -= dashes ))
		_normal
		return
	fi
	case $words[CURRENT-1] in
	--output) _files; return ;;
	--max|--high|--commit-max) compadd max; return ;;
	--overcommit|--watch|--delay|--count|--timeout|--iterations|--mark|--process|--max-series|--listen) return ;;
	esac
	if [[ $PREFIX == -* ]]; then
		list=(${(f)"$(_memstate_options $program $command)"})
		[[ $command != run ]] || list+=('--:the command follows')
		_describe -t options option list
		return
	fi
	case $command:$(_memstate_operand $program $command) in
	scan:*) compadd -- /proc/<->(N:t) ;;
	*:PID) _memstate_pids ;;
	*:TARGET) _path_files -/ -W /sys/fs/cgroup || _path_files -/ ;;
	*) _files ;;
	esac
}

_memstate "$@"
