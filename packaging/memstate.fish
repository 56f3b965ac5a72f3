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
		case --format
			test "$words[2]" != adapt; or printf '%s\n' sh env docker pod json
			return
		case --runtime
			$words[1] adapt --max 1G --explain 2>/dev/null | string replace -rf '^# ([^:]*):.*' '$1'
			return
		case --workers --overcommit --watch --delay --count --timeout --iterations --mark --process --max-series --listen
			return
	end
	switch $word
		case '-*'
			__memstate_options
			return
	end
	switch $words[2]
		case stat audit ranges
			cat $sysfs/tasks/* 2>/dev/null </dev/null | string replace -rf '^pid ' ''
		case scan
			string replace -rf '^/proc/([0-9]+)$' '$1' /proc/*
		case limit observe shrink watch
			test -n "$word"; or set word /sys/fs/cgroup/
			__fish_complete_directories $word
		case '*'
			__memstate_files
	end
end

complete -c memstate -f -a '(__memstate_arguments)'
