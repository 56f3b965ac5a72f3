# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Completion of memstate(1) for fish. Commands and options are what the program says itself.

function __memstate_words -d 'the words before the one that is completed'
	commandline -opc
end

function __memstate_commands
	set -l words (__memstate_words)
	$words[1] help 2>/dev/null | string replace -rf '^  ([a-z]+) +(.*)' '$1\t$2'
	printf '%s\n' help\tcommands --help\tcommands --version\tversion
end

function __memstate_options
	set -l words (__memstate_words)
	$words[1] $words[2] --help 2>/dev/null |
		string replace -rf '^  (?:-[a-z], )?(--[a-z-]+)(?: [A-Z][A-Z,=.|]*)? *(.*)' '$1\t$2'
	test "$words[2]" != run; or echo --\tthe command follows
end

# What a command takes behind its options: the last word of its usage
function __memstate_operand
	set -l words (__memstate_words)
	set -l help ($words[1] $words[2] --help 2>/dev/null)
	string replace ' [OPTION]...' '' -- "$help[1]" |
		string replace -rf '.*[ \[]([A-Z]*)\]*(\.\.\.)*$' '$1'
end

function __memstate_files
	__fish_complete_path (commandline -ct)
end

function __memstate_arguments
	set -l words (__memstate_words)
	set -l word (commandline -ct)
	set -l sysfs /sys/class/misc/memstate
	set -q MEMSTATE_SYSFS; and set sysfs $MEMSTATE_SYSFS

	if test (count $words) -lt 2
		__memstate_commands
		return
	end
	set -l dashes (contains -i -- -- $words)
	if test "$words[2]" = run; and test -n "$dashes"
		set -l rest $words[(math $dashes + 1)..-1]
		test $dashes -lt (count $words); or set rest
		complete -C "$rest $word"
		return
	end
	switch $words[-1]
		case --output
			__memstate_files
			return
		case --max --high --commit-max
			echo max
			return
		case --overcommit --watch --delay --count --timeout --iterations --mark --process --max-series --listen
			return
	end
	switch $word
		case '-*'
			__memstate_options
			return
	end
	set -l operand (__memstate_operand)
	switch "$words[2]:$operand"
		case 'scan:*'
			string replace -rf '^/proc/([0-9]+)$' '$1' /proc/*
		case '*:PID'
			cat $sysfs/tasks/* 2>/dev/null </dev/null | string replace -rf '^pid ' ''
		case '*:TARGET'
			test -n "$word"; or set word /sys/fs/cgroup/
			__fish_complete_directories $word
		case '*'
			__memstate_files
	end
end

complete -c memstate -f -a '(__memstate_arguments)'
