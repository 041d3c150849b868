#!/bin/sh
[ "$1" != prereqs ] || exit 0
# shellcheck disable=SC2154 # initramfs-tools sets it
export NEWROOT="$rootmnt"
@exports@
@path@ || echo "the hook @name@ failed: $?"
