#!/bin/sh
# shellcheck disable=SC2034,SC2154 # mount-settings.sh uses and sets them
@header@
RC_SVCNAME=@name@
@settings@

PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /run

ebegin() { echo "$*"; }
eend() { [ "$1" = 0 ] || echo "$2"; return "$1"; }
mountinfo() { # -q TARGET
	while read -r _ place _; do [ "$place" != "$2" ] || return 0; done </proc/mounts
	return 1
}

@functions@

case $1 in
start) start ;;
stop) stop ;;
restart | force-reload) stop && start ;;
status) mountinfo -q "$target" ;;
*)
	echo "usage: $0 {start|stop|restart|force-reload|status}" >&2
	exit 2
	;;
esac
