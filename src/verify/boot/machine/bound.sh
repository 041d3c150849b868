#!/bin/sh
# Becomes the command in its arguments, which gets the signal $0 when the process that started it dies in whatever way. Without
# setpriv, as on macOS, the command outlives a killed parent until the next run removes it.
command -v setpriv >/dev/null && exec setpriv --pdeathsig "$0" "$@"
exec "$@"
