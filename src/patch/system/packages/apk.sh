#!/bin/sh
# Installs or removes packages with apk, which starts no service. Arguments: see manager.ts.
# apk checks what is in its cache against the signed index, as it checks what it downloads. The index itself is fetched
# anew, and kept for a lock.
set -e

action=$1
downloads=$3
shift 3
umask 022
case $action in
	remove) exec apk del --no-cache --no-progress -- "$@" ;;
	# Without a network no index is read that the option would make trusted, too.
	install-unsigned) exec apk add --allow-untrusted --no-network --no-cache --no-progress -- "$@" ;;
esac
if ! [ -d "$downloads" ] || ! apk add --help 2>&1 | grep -q -e --cache-dir; then
	# --no-cache keeps the index out of /var/cache/apk.
	exec apk add --no-cache --no-progress -- "$@"
fi
if [ -n "${MOBY_PATCH_OFFLINE:-}" ]; then
	exec apk add --cache-dir "$downloads" --no-network --no-progress -- "$@"
fi
rm -f "$downloads"/APKINDEX.*
earlier=$(ls "$downloads")
apk add --cache-dir "$downloads" --update-cache --no-progress -- "$@"
cd "$downloads"
# shellcheck disable=SC2086 # $earlier is a list of names
rm -f -- $earlier
