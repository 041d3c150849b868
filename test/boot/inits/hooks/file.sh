#!/bin/sh
[ -d "$NEWROOT/bin" ] || exit 1
echo "HOOK file $NEWROOT $word" >/dev/console
