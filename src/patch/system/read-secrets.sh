#!/bin/sh
# Reads secrets from standard input and runs a command that has them in its environment. Arguments: the number of secrets,
# NAME LINES for each, and the command. The names of its own variables can be no parameters.
set -e
_moby_patch_left=$1
shift
while [ "$_moby_patch_left" -gt 0 ]; do
	_moby_patch_name=$1
	_moby_patch_lines=$2
	shift 2
	_moby_patch_value=
	while [ "$_moby_patch_lines" -gt 0 ]; do
		IFS= read -r _moby_patch_line
		_moby_patch_value=$_moby_patch_value$_moby_patch_line'
'
		_moby_patch_lines=$((_moby_patch_lines - 1))
	done
	export "$_moby_patch_name=${_moby_patch_value%?}"
	_moby_patch_left=$((_moby_patch_left - 1))
done
unset _moby_patch_left _moby_patch_name _moby_patch_lines _moby_patch_value _moby_patch_line
exec "$@" </dev/null
