#!/bin/sh
# A first program that starts a watcher and becomes the image's own, $probe_init.

# Our own port is better than the console: nothing else writes to it. Asked in a shell of its own, since a failing exec ends one.
if [ -c "/${probe_port:?}" ] && (exec 9>"/$probe_port") 2>&-; then exec 9>"/$probe_port"; else exec 9>&1; fi
echo "${probe_marker:?} started ." >&9
# The kernel has opened it by now; programs would write into the file.
[ ! -f /dev/console ] || echo "$probe_marker broken /dev/console is a regular file, which swallows the output of all programs ." >&9
# A shell wants /dev/null for whatever it starts in the background. Where there is none, a file stands in, and is gone
# before the first program of the image can see it.
borrowed=
[ -e /dev/null ] || { : >/dev/null; borrowed=yes; }
# Without rm it stays: nothing is worth waiting for.
[ -z "$borrowed" ] || [ -n "$(command -v rm)" ] || borrowed=
watch() {
	# systemd ends what runs in an initramfs when it leaves that, but for programs whose name begins with an @ (systemd's
	# ROOT_STORAGE_DAEMONS). A shell that is a busybox does not start under another name.
	if [ -n "${probe_root?}" ] && PATH=/ @moby-patch-verify -c :; then
		probe_path=$PATH
		export probe_path probe_watcher probe_functions probe_marker probe_checks probe_survey probe_root probe_level probe_rescue probe_kept probe_daemons
		# shellcheck disable=SC2016 # the other shell has the variables
		PATH=/ @moby-patch-verify -c 'PATH=$probe_path; eval "$probe_watcher"'
	else
		eval "${probe_watcher:?}"
	fi
}
([ -z "$borrowed" ] || rm /dev/null; watch) 2>&- &
turns=0
while [ -n "$borrowed" ] && [ -e /dev/null ] && [ $turns -lt 100000 ]; do turns=$((turns + 1)); done
# A shell runs a file without an interpreter line as a script of its own; the kernel does not.
start=
read -r start <"${probe_init:?}"
case $start in
'#!'* | ?ELF*) exec "$probe_init" "$@" 9>&- ;;
esac
echo "moby-patch-verify: $probe_init: exec format error or not found"
exit 126
