# shellcheck disable=SC2154 # mount-settings.sh sets them
uptime() {
	read -r seconds _ </proc/uptime
	echo "${seconds%%.*}"
}

bounded() { # SECONDS COMMAND...: its exit code, or 124 when it took longer
	end=$(($(uptime) + $1))
	shift
	rm -f "$state.exit"
	# A session of its own, so that a kill reaches the helpers of mount as well.
	# shellcheck disable=SC2016 # the inner shell has them
	setsid sh -c '"$@" >"$0.log" 2>&1; echo $? >"$0.exit"' "$state" "$@" </dev/null >/dev/null 2>&1 &
	session=$!
	until [ -s "$state.exit" ]; do
		if [ "$(uptime)" -ge "$end" ]; then
			kill -9 -"$session" 2>/dev/null
			echo "no answer" >"$state.log"
			return 124
		fi
		sleep 0.1 2>/dev/null || sleep 1
	done
	return "$(cat "$state.exit")"
}

reason() { # what the helper said: busybox mount adds a line of its own
	grep -m 1 . "$state.log" || echo "no reason given"
}

start() {
	[ -d "$target" ] || mkdir -p "$target"
	begun=$(uptime)
	why=
	until mountinfo -q "$target"; do
		left=$((begun + limit - $(uptime)))
		if [ "$left" -le 0 ]; then
			echo "$RC_SVCNAME: gave up after $limit s (${why:-no reason given}); the boot goes on"
			return 1
		fi
		[ "$left" -le "$attempt" ] || left=$attempt
		bounded "$left" mount @options@"$target" && continue
		# The last attempt has less time, and no answer in it says less than the answer before.
		[ $? = 124 ] && [ "$left" -lt "$attempt" ] && [ -n "$why" ] || why=$(reason)
		sleep 1
	done
	echo "$RC_SVCNAME: mounted $source on $target"
}

stop() {
	mountinfo -q "$target" || return 0
	ebegin "Unmounting $target"
	# Without an answer from its server it can only be detached.
	bounded "$attempt" umount "$target" || bounded "$attempt" umount -l "$target"
	eend $? "$target stays mounted: $(reason)"
}
