#!/bin/sh
# A first program that starts a watcher and becomes the image's own, $probe_init.

# A shell wants /dev/null for whatever it starts in the background. Where there is none, a file stands in, and is gone
# before the first program of the image can see it.
borrowed=
[ -e /dev/null ] || { : >/dev/null; borrowed=yes; }
([ -z "$borrowed" ] || rm /dev/null; eval "${probe_watcher:?}") 2>&- &
turns=0
while [ -n "$borrowed" ] && [ -e /dev/null ] && [ $turns -lt 100000 ]; do turns=$((turns + 1)); done
# A shell runs a file without an interpreter line as a script of its own; the kernel does not.
start=
read -r start <"${probe_init:?}"
case $start in
'#!'* | ?ELF*) exec "$probe_init" "$@" ;;
esac
echo "moby-patch-verify: $probe_init: exec format error or not found"
exit 1
