#!/bin/sh
[ -x "$NEWROOT/sbin/init" ]
