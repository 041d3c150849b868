#!/bin/sh
# shellcheck disable=SC2154 # a parameter of the patch
[ -d "$NEWROOT/bin" ] || exit 1
echo "HOOK file $NEWROOT $word" >/dev/console
