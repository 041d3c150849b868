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
	# The link /lib64/ld-linux-x86-64.so.2 may begin at the root, which is not where this looks from.
	for loader in "$root"/lib64/ld-linux-*.so.2 "$root"/lib/ld-linux-*.so.1 "$root"/usr/lib/*-linux-gnu/ld-linux-*.so.* \
		"$root"/usr/lib64/ld-linux-*.so.* "$root"/usr/lib/ld-linux-*.so.*; do
		[ -e "$loader" ] || continue
		libraries=
		for folder in "$root"/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu "$root/lib64" "$root/usr/lib64" "$root/usr/lib"; do
			libraries="$libraries${libraries:+:}$folder"
		done
		for chroot in "$root/usr/sbin" "$root/usr/bin"; do
			[ ! -e "$chroot/chroot" ] || "$loader" --library-path "$libraries" "$chroot/chroot" "$root" /bin/sh -c 'eval "$probe_watcher"' && exit 0
		done
	done
}

# Whether process 1 is a program, by its name or its file.
# shellcheck disable=SC3013 # dash and busybox know -ef
is_named() { # NAME PATH
	name_of /proc/1
	[ "$line" = "$1" ] || { [ -e /proc/1/exe ] && [ /proc/1/exe -ef "$2" ]; }
}

# Whether the init of busybox or sysvinit starts OpenRC.
starts_openrc() {
	[ -x /sbin/openrc ] || return 1
	while read -r row; do
		case $row in '#'*) ;; *:sysinit:*/openrc\ *) return 0 ;; esac
	done </etc/inittab
	return 1
}

# Sets $goal to what the init system has reached, empty while it is on its way.
# shellcheck disable=SC2034,SC3013 # the functions above read it; dash and busybox know -ef
look() {
	goal=
	line=
	[ ! -r /proc/1/cmdline ] || read -r line </proc/1/cmdline
	if [ "$line" = "$name" ]; then same=$((same + 1)); else same=0 name=$line; fi
	system=own probe_state=/run/openrc
	if [ -d /run/systemd/system ] && [ ! -e /etc/initrd-release ]; then system=systemd
	elif [ -e /run/openrc/softlevel ]; then system=openrc
	# On a slow machine they take seconds to say that they are there.
	elif is_named systemd /lib/systemd/systemd && [ ! -e /etc/initrd-release ]; then system=systemd
	elif is_named openrc-init /sbin/openrc-init; then system=openrc
	elif [ -e /proc/1/exe ] && [ -e /etc/inittab ]; then
		if [ /proc/1/exe -ef /bin/busybox ]; then
			case $name in init | /init | /sbin/init | /bin/init | /linuxrc) system=busybox ;; esac
		elif [ /proc/1/exe -ef /sbin/init ]; then
			system=sysv
		fi
		[ "$system" = own ] || ! starts_openrc || system=openrc
	fi
	case $system in
	systemd)
		case $(systemctl is-system-running 2>&-) in
		running | degraded) goal='default target' gave_up=0 ;;
		# The emergency or the rescue target is active.
		maintenance)
			gave_up=$((gave_up + 1))
			[ $gave_up -lt 3 ] || judge_maintenance
			;;
		*) gave_up=0 ;;
		esac
		;;
	openrc)
		look_for_level
		;;
	sysv)
		# One more look: the last lines of its scripts may still be on their way over the console.
		if is_busy; then rests=0; else rests=$((rests + 1)); fi
		case $(runlevel 2>&-) in *\ [2-5]) [ $rests -lt 2 ] || goal=runlevel ;; esac
		;;
	busybox) is_busy || is_waiting || [ $same -lt 2 ] || goal=inittab ;;
	*) [ $same -lt 3 ] || goal=init ;;
	esac
	case $system in systemd | own) return ;; esac
	# A script has called it, as that of Debian's sysvinit does when the check of a file system fails. In a system that is up it is a login.
	if [ -z "$goal" ] && is_running sulogin; then gave_up=$((gave_up + 1)); else gave_up=0; fi
	[ $gave_up -lt 3 ] || judge_maintenance
}

# Nobody is there to mend what failed. Sets $goal where the command line asks for such a system.
judge_maintenance() {
	mode=rescue asked='default target' failed=
	if [ "$system" != systemd ]; then asked=runlevel
	elif [ "$(systemctl is-active emergency.target 2>&-)" = active ]; then mode=emergency; fi
	if [ "$mode" = "${probe_rescue?}" ]; then
		goal=$asked
		return
	fi
	if [ "$system" != systemd ]; then
		say "maintenance sulogin"
		return
	fi
	for each in $(list_failed); do failed="$failed${failed:+, }$each$(explain "$each")"; done
	say "maintenance $mode $failed"
}

# Whether a script of the init system runs.
is_busy() { is_running rc rcS 'rcS.*' startpar rc.sysinit; }

is_running() { # PATTERN...
	for found in /proc/[0-9]*/comm; do
		line=
		[ ! -r "$found" ] || read -r line <"$found"
		# shellcheck disable=SC2254 # a pattern
		for each in "$@"; do case $line in $each) return 0 ;; esac; done
	done
	return 1
}

# Whether busybox init waits for a script of its table. It runs each in a session of its own. What a script leaves in the
# background is no leader of one, or has other words behind the script's name.
is_waiting() {
	while IFS=: read -r _ _ action process; do
		case $action in sysinit | wait) ;; *) continue ;; esac
		case $process in /etc/*) ;; *) continue ;; esac
		# A shell leaves out the zeros between the words of a command line.
		words=
		# shellcheck disable=SC2086 # a list of words
		for word in ${process%%[<>&;|]*}; do words=$words$word; done
		for found in /proc/[0-9]*; do
			stat=
			[ ! -r "$found/stat" ] || read -r stat <"$found/stat"
			# shellcheck disable=SC2086 # state, parent, group, session and more
			set -- ${stat##*) }
			[ "$2 $4" = "1 ${found#/proc/}" ] || continue
			line=
			read -r line <"$found/cmdline"
			case $line in *"$words") return 0 ;; esac
		done
	done </etc/inittab
	return 1
}

# Whether process 1 is still in the first root, where it is to go over to another one.
is_early() { [ -n "$probe_root" ] && [ "$probe_depth" -lt 2 ]; }

# Which disks the kernel has found, with their partitions.
disks() {
	[ -r /proc/partitions ] || return 0
	names=
	while read -r _ _ _ found; do
		case $found in '' | name | ram* | loop* | fd* | sr*) ;; *) names="$names $found" ;; esac
	done </proc/partitions
	say "disks$names"
}

# What process 1 went over to: the type of the file system that is its root.
handed() { # FOLDER with the new root, empty for the root of this shell
	kind=unknown
	[ ! -r "$1/proc/mounts" ] || while read -r _ at found _; do [ "$at" != / ] || kind=$found; done <"$1/proc/mounts"
	say "handed $kind"
}

alive() {
	children=0 mounts=0
	if [ -r /proc/1/task/1/children ]; then
		line=
		read -r line </proc/1/task/1/children
		# shellcheck disable=SC2086 # a list of numbers
		set -- $line
		# One of them is this watcher.
		children=$(($# - 1))
	fi
	[ ! -r /proc/mounts ] || while read -r line; do mounts=$((mounts + 1)); done </proc/mounts
	# The first is the root.
	say "alive $same $children $((mounts - 1))"
}

probe_depth=$((${probe_depth:-0} + 1))
export probe_depth probe_watcher probe_functions probe_marker probe_checks probe_survey probe_root probe_level probe_rescue probe_kept probe_daemons
rounds=0 same=0 rests=0 spins=0 gave_up=0 name=
# Repeated, since a line of the kernel may tear one of ours.
while [ $rounds -lt 3000 ]; do
	rounds=$((rounds + 1))
	follow
	if sleep 1; then
		spins=0
	else
		# The old root is empty and the new one is not in its place yet, or there is no such program.
		spins=$((spins + 1)) rounds=$((rounds - 1))
		[ $spins -gt 20000 ] || continue
		same=100
		# shellcheck disable=SC3013 # as above
		[ -z "$probe_root" ] || [ /.. -ef /. ] || handed /..
		alive
		# There is no later look, and some checks have to hold for three.
		for _ in 1 2 3; do report init "$@"; done
		exit 0
	fi
	[ -z "$probe_root" ] || [ "$probe_depth" -lt 2 ] || handed ''
	look
	[ "$system" != own ] || alive
	if is_early; then disks
	elif [ -n "$goal" ]; then report "$goal" "$@"; fi
done
