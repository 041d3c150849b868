#!/sbin/openrc-run
# The service that OpenRC starts last in the runlevel in which the boot is to end, $probe_level. It reports when the runlevel is done: OpenRC
# then removes rc.starting. (A service that also asks for `after *` may be started after this one.) It is in other runlevels, too: to tell
# that the boot has ended there, and to go on where a later one follows.
# shellcheck disable=SC2034 # OpenRC shows it
description="Tells the verification what this boot has reached."

eval "${probe_functions:?}"

# shellcheck disable=SC2035 # a word of OpenRC
depend() { after *; }

watch() { # CHECK...
	system=openrc probe_state=$RC_SVCDIR
	if [ -c "/${probe_port:?}" ] && (exec 9>"/$probe_port") 2>&-; then exec 9>"/$probe_port"; else exec 9>/dev/console; fi
	waited=0
	while [ -d "$RC_SVCDIR/rc.starting" ] && [ $waited -lt 3000 ]; do
		waited=$((waited + 1))
		note_failed
		# Mostly it is gone in a moment. Many more of these would slow an emulated guest down, and not every sleep knows fractions.
		if [ $waited -ge 20 ] || ! sleep 0.1; then sleep 1; fi
	done
	# Repeated, since a line of the kernel may tear one of ours.
	repeated=0
	while [ $repeated -lt 900 ]; do
		repeated=$((repeated + 1))
		goal=
		look_for_level
		[ -z "$goal" ] || report "$goal" "$@"
		sleep 1
	done
}

start() {
	# OpenRC waits for this function; what runs in the background may come too late.
	probe_state=$RC_SVCDIR
	note_failed
	eval "set -- ${probe_checks?}"
	watch "$@" >/dev/console 2>&- &
	return 0
}
