#!/sbin/openrc-run
# The service that OpenRC starts last in its first runlevel. What failed there is forgotten when the next one begins, and not tried again.
# shellcheck disable=SC2034 # OpenRC shows it
description="Keeps what failed for the verification."

# shellcheck disable=SC2035 # a word of OpenRC
depend() { after *; }

start() {
	for file in "$RC_SVCDIR"/failed/*; do
		[ ! -L "$file" ] || echo "${file##*/}"
	done >"$RC_SVCDIR/${probe_kept:?}"
	return 0
}
