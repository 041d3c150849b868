#!/bin/sh
@header@
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# Variables of an "environment" step: this init system has no place for them.
# shellcheck source=/dev/null
[ ! -r /etc/profile.d/90-moby-patch.sh ] || . /etc/profile.d/90-moby-patch.sh

run() {
@run@
}

case $1 in
start | restart | force-reload) run </dev/null ;;
stop | status) ;;
*)
	echo "usage: $0 {start|stop|restart|force-reload|status}" >&2
	exit 2
	;;
esac
