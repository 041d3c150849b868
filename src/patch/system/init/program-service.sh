#!/bin/sh
@header@
# Starts and stops a program with what every shell has: the image may lack start-stop-daemon.
name=@name@
pidfile=/run/$name.pid
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# Variables of an "environment" step: this init system has no place for them.
# shellcheck source=/dev/null
[ ! -r /etc/profile.d/90-moby-patch.sh ] || . /etc/profile.d/90-moby-patch.sh

run() {
@run@
}

running() { { read -r pid <"$pidfile"; } 2>/dev/null && kill -0 "$pid" 2>/dev/null; }

start() {
	! running || return 0
	mkdir -p "${pidfile%/*}"
	# A session of its own, so that stop reaches what the program has started.
	command -v setsid >/dev/null || setsid() { exec "$@"; }
	setsid "$0" run </dev/null >/dev/null 2>&1 &
	echo $! >"$pidfile"
}

stop() {
	running || return 0
	kill -TERM -"$pid" 2>/dev/null || kill -TERM "$pid"
	left=10
	while running && [ $left -gt 0 ]; do
		sleep 1
		left=$((left - 1))
	done
	! running || kill -KILL -"$pid" 2>/dev/null || kill -KILL "$pid"
	rm -f "$pidfile"
}

case $1 in
start)
	echo "Starting $name"
	start
	;;
stop) stop ;;
restart | force-reload)
	stop
	start
	;;
status)
	if running; then echo "$name runs"; else
		echo "$name is stopped"
		exit 3
	fi
	;;
run) run ;;
*)
	echo "usage: $0 {start|stop|restart|force-reload|status}" >&2
	exit 2
	;;
esac
