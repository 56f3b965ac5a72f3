# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# zsh -f complete.zsh DIR LINE...: what an interactive zsh offers for each LINE, with the
# functions of DIR: "LINE: WORD" for each word. It has a terminal of its own in which LINE and a
# tab are typed; what its completion hands to the line editor is written down.
zmodload zsh/zpty
dir=$1 work=$(mktemp -d)
shift

cat >$work/setup <<'SETUP'
PS1=
fpath=($dir $fpath)
autoload -Uz compinit && compinit -D -u
compadd() {
	local -a hits
	if [[ " $* " != *" -"(O|A|D)" "* ]]; then
		builtin compadd -A hits "$@"
		print -rl -- $hits >>$work/offered
	fi
	builtin compadd "$@"
}
completed() { zle kill-buffer; print "it has come to its end" }
zle -N completed
bindkey '^I' complete-word '^X' completed
print "it is there"
SETUP
# await TEXT: until the shell says that
await() {
	local said piece
	repeat 6000; do
		if zpty -r -t shell piece 2>/dev/null; then
			said+=$piece
			[[ $said != *$1* ]] || return 0
		else
			sleep 0.05
		fi
	done
	print -r -- "no answer; it said: $said" >&2
	return 1
}
{
	zpty -b shell zsh -f -i
	zpty -w shell "dir=${(q)dir} work=${(q)work}; source ${(q)work}/setup"
	await 'it is there' && for line; do
		: >$work/offered
		zpty -w -n shell "$line"$'\t\x18' &&
			await 'it has come to its end' || break
		sort -u $work/offered | while IFS= read -r word; do
			print -r -- "$line: $word"
		done
	done
} always {
	rm -rf $work # no trap: the other shell would have it, too
}
