#!/bin/sh
# Runs unshare with its arguments, as the first process of an outer pid namespace, which no command can see or change.
# When it ends, for SIGTERM at once, the kernel kills everything inside. A command cannot be trusted with that, for any
# process may clear its own parent-death signal.
trap 'exit 143' TERM
# A job in the background would begin with /dev/null as its standard input.
exec 3<&0
unshare "$@" <&3 3<&- &
wait $!
exit $?
