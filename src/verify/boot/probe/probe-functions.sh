# Functions of both probes. $probe_marker: the words that start a line of ours. Lines go to descriptor 9. $probe_survey: not
# empty where a survey is wanted.

say() { echo "${probe_marker:?} $* ." >&9; }

# Each check takes INDEX and two more words.
exists() { # INDEX PATH
	if [ -e "$2" ] || [ -L "$2" ]; then say "check $1 ok"; else say "check $1 no nothing at this path"; fi
}
contains() { # INDEX PATH TEXT
	if [ ! -f "$2" ]; then
		if [ -e "$2" ] || [ -L "$2" ]; then say "check $1 no no regular file"; else say "check $1 no nothing at this path"; fi
		return
	fi
	# A text has at most 32 KiB. The dot behind both keeps the newlines at their ends.
	found=$(head -c 32769 "$2" || cat "$2"; echo .)
	if [ "$found" = "$3." ]; then say "check $1 ok"; return; fi
	line=
	IFS= read -r line <"$2"
	say "check $1 no other content, which starts with \"$line\""
}
mounted() { # INDEX PATH TYPE, the path as /proc/mounts writes it
	if [ ! -r /proc/mounts ]; then say "check $1 no /proc is not mounted in the guest"; return; fi
	found=
	while read -r _ at kind _; do [ "$at" != "$2" ] || found=$kind; done </proc/mounts
	if [ -z "$found" ]; then say "check $1 no nothing is mounted there"
	elif [ -z "$3" ] || [ "$found" = "$3" ]; then say "check $1 ok a $found"
	else say "check $1 no a $found, not a $3"; fi
}
runs() { # INDEX NAME
	case $system in
	systemd)
		found=$(systemctl is-active "$2" 2>&-)
		if [ "$found" = active ]; then say "check $1 ok active"; else say "check $1 no ${found:-unknown}"; fi
		;;
	openrc)
		if [ ! -L "${probe_state:?}/started/$2" ]; then say "check $1 no not started"
		elif rc-service "$2" status >&- 2>&-; then say "check $1 ok started"
		else say "check $1 no crashed"; fi
		;;
	*)
		# The kernel keeps 15 characters of a name.
		short=$2
		while [ ${#short} -gt 15 ]; do short=${short%?}; done
		for found in /proc/[0-9]*/comm; do
			line=
			[ ! -r "$found" ] || read -r line <"$found"
			if [ "$line" = "$short" ]; then say "check $1 ok a process has the name"; return; fi
		done
		say "check $1 no no process has the name"
		;;
	esac
}
# OpenRC forgets what failed when its runlevel is done: it is looked at again and again until then.
note_failed() {
	for file in "${probe_state:?}"/failed/*; do
		[ -L "$file" ] || continue
		case " $probe_failed " in *" ${file##*/} "*) ;; *) probe_failed="$probe_failed ${file##*/}" ;; esac
	done
}
# Why systemd calls a unit failed: `exit-code 3`, `timeout`.
explain() { # UNIT
	[ "$system" = systemd ] || return 0
	systemctl show -p Result -p ExecMainStatus "$1" 2>&- | {
		result='' status=''
		while IFS='=' read -r key value; do
			case $key in Result) result=$value ;; ExecMainStatus) [ "$value" = 0 ] || status=" $value" ;; esac
		done
		[ -z "$result" ] || echo " ($result$status)"
	}
}
failures() { # INDEX NAMES, which may fail
	failed=
	case $system in
	systemd) listed=$(systemctl --failed --plain --no-legend --no-pager 2>&- | while read -r each _; do echo "$each"; done) ;;
	openrc)
		note_failed
		# What failed may have been started again.
		listed=$(for each in $probe_failed; do [ -L "$probe_state/started/$each" ] || echo "$each"; done)
		;;
	# Its rc prints what failed.
	sysv) say "check $1 ok none was named on the console"; return ;;
	*) say "check $1 ok nothing keeps a list of them"; return ;;
	esac
	for each in $listed; do
		case " $2 " in *" $each "* | *" ${each%.service} "*) ;; *) failed="$failed${failed:+,} $each$(explain "$each")" ;; esac
	done
	if [ -z "$failed" ]; then say "check $1 ok none"; else say "check $1 no${failed}"; fi
}
measure() { # sets $used to the KiB that are in use, empty where the guest does not tell
	total='' free='' used=''
	[ ! -r /proc/meminfo ] || while read -r key value _; do
		case $key in MemTotal:) total=$value ;; MemAvailable:) free=$value ;; esac
	done </proc/meminfo
	[ -z "$free" ] || used=$((total - free))
}
memory() { # INDEX KIB
	measure
	if [ -z "$used" ]; then say "check $1 no the guest does not tell (/proc is not mounted)"; return; fi
	if [ $used -lt "$2" ]; then found=ok; else found=no; fi
	say "check $1 $found $((used / 1024)) MiB are in use"
}
commands() { # INDEX EXIT TEXT; again after a failure, five times in all
	case $probe_over in *" $1 "*) return 0 ;; esac
	if [ -z "$waiting" ]; then
		tries=0
		for each in $probe_done; do [ "$each" != "$1" ] || tries=$((tries + 1)); done
		[ $tries -lt 5 ] || return 0
		probe_done="$probe_done $1"
	fi
	output=$(sh -c "$3" 2>&1 9>&-)
	code=$?
	echo "$output" | {
		lines=0
		while [ $lines -lt 100 ] && IFS= read -r line; do
			[ -z "$line" ] || say "output $1 $line"
			lines=$((lines + 1))
		done
	}
	if [ $code -ne "$2" ]; then say "check $1 no exit code $code"; return; fi
	[ -n "$polling" ] || probe_over="$probe_over$1 "
	say "check $1 ok exit code $code"
}
# The same for a command whose output the other side holds against a pattern.
polls() {
	polling=yes
	commands "$@"
	polling=
}
# The same for a command that has a time of its own: as often as that lasts.
awaits() {
	waiting=yes
	commands "$@"
	waiting=
}
awaits_output() {
	waiting=yes
	polls "$@"
	waiting=
}
# What runs and how much memory is in use, for a comparison with another boot.
survey() {
	say 'survey begin'
	case $system in
	systemd)
		systemctl list-units --type=service --all --plain --no-legend --no-pager 2>&- |
			while read -r each _ active sub _; do say "survey service $each $active $sub"; done
		;;
	openrc)
		for each in $probe_failed; do say "survey service $each failed"; done
		for state in started inactive; do
			for file in "$probe_state/$state"/*; do [ ! -L "$file" ] || say "survey service ${file##*/} $state"; done
		done
		;;
	*)
		for found in /proc/[0-9]*; do
			line=
			# A thread of the kernel has no program.
			[ ! -e "$found/exe" ] || [ ! -r "$found/comm" ] || read -r line <"$found/comm"
			[ -z "$line" ] || say "survey process $line"
		done
		;;
	esac
	measure
	[ -z "$used" ] || say "survey memory $used"
	say 'survey end'
}
probe_done=' ' probe_over=' ' probe_failed='' polling='' waiting=
system=own

# GOAL, then four words for each check: its name and three arguments. Commands come last: one may take its time.
report() {
	goal=$1
	shift
	[ -z "$probe_survey" ] || survey
	say "reached $goal"
	[ ! -f /proc/1/fd/1 ] || say "warning process 1 writes to a regular file instead of the console"
	while [ $# -gt 0 ]; do
		"$1" "$2" "$3" "$4"
		shift 4
	done
}
