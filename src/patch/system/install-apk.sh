#!/bin/sh
# Installs packages with apk, which starts no service. Arguments: DOWNLOADS PACKAGE...
# DOWNLOADS holds what earlier builds downloaded, and then what this one did; it may be missing. apk checks what is in
# its cache against the signed index, as it checks what it downloads. The index itself is fetched anew.
set -e

downloads=$1
shift
umask 022
if ! [ -d "$downloads" ] || ! apk add --help 2>&1 | grep -q -e --cache-dir; then
	# --no-cache keeps the index out of /var/cache/apk.
	exec apk add --no-cache --no-progress -- "$@"
fi
earlier=$(ls "$downloads")
apk add --cache-dir "$downloads" --update-cache --no-progress -- "$@"
cd "$downloads"
# shellcheck disable=SC2086 # $earlier is a list of names
rm -f -- $earlier APKINDEX.*
