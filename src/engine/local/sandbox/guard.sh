#!/bin/sh
# Runs outside of all namespaces. Arguments: the id of the process that started it, then the command. setpriv --pdeathsig
# has bound its life to that process; if that died before, the parent is another one by now.
[ "$PPID" = "$1" ] || exit 125
shift
exec "$@"
