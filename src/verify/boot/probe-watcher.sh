#!/bin/sh
# Runs beside process 1 and reports when process 1 has kept its name for some seconds. It needs neither /proc nor a
# mount of its own, since the image would see either. It follows process 1 into another root: `/..` leads to what was
# mounted over a root that switch_root has emptied, even where no program is left to run.

eval "${probe_functions:?}"
eval "set -- ${probe_checks?}"

enter() { # [COMMAND]: runs this text again in $root; COMMAND is a busybox, with its loader where it needs one
	# shellcheck disable=SC2016,SC2086 # the inner shell has the variable; $1 is a list of words
	$1 chroot "$root" /bin/sh -c 'eval "$probe_watcher"' && exit 0
}

# shellcheck disable=SC2016,SC3013 # the inner shell has the variable; dash and busybox know -ef
follow() {
	root=
	if [ -e /proc/1/root/. ]; then
		[ /proc/1/root/. -ef /. ] || root=/proc/1/root
	fi
	[ -n "$root" ] || [ /.. -ef /. ] || root=/..
	[ -n "$root" ] && [ "$probe_depth" -lt 3 ] || return 0
	enter
	enter "$root/bin/busybox"
	for loader in "$root"/lib/ld-musl-*.so.1; do
		[ ! -e "$loader" ] || enter "$loader $root/bin/busybox"
	done
	for loader in "$root"/lib64/ld-linux-*.so.2 "$root"/lib/ld-linux-*.so.1; do
		[ -e "$loader" ] || continue
		libraries=
		for folder in "$root"/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu "$root/lib64" "$root/usr/lib64"; do
			libraries="$libraries${libraries:+:}$folder"
		done
		for chroot in "$root/usr/sbin" "$root/usr/bin"; do
			[ ! -e "$chroot/chroot" ] || "$loader" --library-path "$libraries" "$chroot/chroot" "$root" /bin/sh -c 'eval "$probe_watcher"' && exit 0
		done
	done
}

probe_depth=$((${probe_depth:-0} + 1))
export probe_depth probe_watcher probe_functions probe_marker probe_checks
rounds=0 same=0 spins=0 name=
# Repeated, since a line of the kernel may tear one of ours.
while [ $rounds -lt 900 ]; do
	rounds=$((rounds + 1))
	follow
	if sleep 1; then
		spins=0
	else
		# The old root is empty and the new one is not in its place yet, or there is no such program.
		spins=$((spins + 1)) rounds=$((rounds - 1))
		[ $spins -gt 20000 ] || continue
		report init "$@"
		exit 0
	fi
	line=
	[ ! -r /proc/1/cmdline ] || read -r line </proc/1/cmdline
	if [ "$line" = "$name" ]; then same=$((same + 1)); else same=0 name=$line; fi
	[ $same -lt 3 ] || report init "$@"
done
