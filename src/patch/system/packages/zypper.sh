#!/bin/sh
# Installs or removes packages with zypper. Arguments: see manager.ts.
set -e

action=$1
shift 3
umask 022

# zypper asks before it takes a key that a repository of the image names. A key in a file of the image is trusted by that;
# one that comes over the network is not.
trust_keys() {
	sed -n 's,^ *gpgkey *= *,,p' /etc/zypp/repos.d/*.repo 2>/dev/null |
		sed 's/[, ]/\n/g' | sed -n 's,^file://,,p' |
		while read -r key; do
			if [ -f "$key" ]; then rpm --import "$key"; fi
		done
}

if [ "$action" = remove ]; then
	exec zypper --non-interactive remove --no-clean-deps -- "$@"
fi
trust_keys
if [ -n "$(ls /etc/zypp/repos.d 2>/dev/null)" ]; then zypper --non-interactive refresh; fi
set -- --no-recommends --auto-agree-with-licenses -- "$@"
if [ "$action" = install-unsigned ]; then set -- --allow-unsigned-rpm "$@"; fi
code=0
zypper --non-interactive --no-refresh install "$@" || code=$?
# 102 and 103: all is installed, and a running system would want to restart.
case $code in
	102 | 103) code=0 ;;
esac
exit "$code"
