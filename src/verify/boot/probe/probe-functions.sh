# Functions of both probes. $probe_marker: the words that start a line of ours. Lines go to descriptor 9. $probe_survey: not
# empty where a survey is wanted.

# The echo of dash interprets \n and \c in a text, so a printf that is part of the shell prints it: dash, busybox and bash have one. A
# program of that name may be gone once the root is another.
probe_return=
case $(command -v printf) in
printf)
	probe_return=$(printf '\r')
	put() { printf '%s\n' "$*"; }
	cut() { printf "%.$1s" "$2"; }
	;;
*)
	put() { echo "$*"; }
	cut() { echo "$2"; }
	;;
esac
say() { put "${probe_marker:?} $* ." >&9; }

# Reports a check before it starts: a look at a share waits for its server, and nothing is reported meanwhile.
begin() { # INDEX TEXT
	case $probe_begun in *" $1 "*) ;; *) probe_begun="$probe_begun$1 "; say "check $1 no $2" ;; esac
}

# Each check takes INDEX and two more words.
exists() { # INDEX PATH
	begin "$1" "no answer"
	if [ -e "$2" ] || [ -L "$2" ]; then say "check $1 ok"; else say "check $1 no nothing at this path"; fi
}
contains() { # INDEX 'SIZE PATH' TEXT
	size=${2%% *} path=${2#* }
	begin "$1" "no answer"
	if [ ! -f "$path" ]; then
		if [ -e "$path" ] || [ -L "$path" ]; then say "check $1 no no regular file"; else say "check $1 no nothing at this path"; fi
		return
	fi
	# A text has at most 32 KiB. The dot behind both keeps the newlines at their ends.
	found=$(head -c 32769 "$path" || cat "$path"; echo .)
	if [ "$found" = "$3." ]; then
		# A shell drops the zeros of a text, such as those of a hole.
		found=$(wc -c <"$path" || echo "$size")
		if [ "$found" -eq "$size" ]; then say "check $1 ok"; else say "check $1 no this text, and $((found - size)) zero bytes in it"; fi
		return
	fi
	if [ "$found" = "$3
." ]; then say "check $1 no this text and a line end, which has to be in the text too"; return; fi
	line=
	IFS= read -r line <"$path"
	[ -z "$probe_return" ] || line=${line%%"$probe_return"*}
	say "check $1 no other content, which starts with \"$(cut 1000 "$line")\""
}
mounted() { # INDEX PATH TYPE, the path as /proc/mounts writes it
	if [ ! -r /proc/mounts ]; then say "check $1 no /proc is not mounted in the guest"; return; fi
	found=
	while read -r _ at kind _; do [ "$at" != "$2" ] || found=$kind; done </proc/mounts
	if [ -z "$found" ]; then say "check $1 no nothing is mounted there"
	elif [ -z "$3" ] || [ "$found" = "$3" ]; then say "check $1 ok a $found"
	else say "check $1 no a $found, not a $3"; fi
}
# What is different once systemd has started a unit again after a crash.
life() { # UNIT
	systemctl show -p MainPID -p NRestarts "$1" 2>&- | {
		text=
		while IFS='=' read -r key value; do
			case $key=$value in
			*=0) ;;
			MainPID=*) text="$text, process $value" ;;
			NRestarts=*) text="$text, started again $value times" ;;
			esac
		done
		echo "$text"
	}
}
# Sets $line to the name of a process, empty where it has ended and only waits for its parent.
name_of() { # /proc/NUMBER
	line='' stat=''
	[ ! -r "$1/stat" ] || read -r stat <"$1/stat"
	case ${stat##*) } in Z* | X*) return ;; esac
	[ ! -r "$1/comm" ] || read -r line <"$1/comm"
}
# Sets $short to what the kernel keeps of a name: 15 characters.
shorten() { # NAME
	short=$1
	while [ ${#short} -gt 15 ]; do short=${short%?}; done
}
# Sets $number_file and $program to what OpenRC knows of a service's daemon; empty where there is none, or another program
# than OpenRC's own start-stop-daemon has started it.
find_daemon() { # NAME
	number_file='' program=''
	for file in "${probe_state:?}/daemons/$1"/*; do
		[ -r "$file" ] || continue
		while IFS='=' read -r key value; do
			case $key in exec) program=$value ;; pidfile) number_file=$value ;; esac
		done <"$file"
	done
	# Debian's start-stop-daemon tells OpenRC nothing, but the script of the service has.
	[ -n "$number_file" ] || [ ! -r "$probe_state/options/$1/pidfile" ] || read -r number_file <"$probe_state/options/$1/pidfile"
	[ -n "$program" ] || [ ! -r "$probe_state/options/$1/command" ] || read -r program <"$probe_state/options/$1/command"
}
# Whether a process of a service runs: what a service starts has its name among its variables, whatever it becomes and however often it
# forks. A daemon that has written over them still has its own name: $program, of `find_daemon`.
has_process() { # NAME
	for found in $(list_variables "$1"); do
		name_of "${found%/environ}"
		[ -n "$line" ] || continue
		find_owner "${found%/environ}" "$1"
		[ "$owner" != own ] || return 0
	done
	shorten "${program##*/}"
	[ -n "$short" ] || return 1
	for found in /proc/[0-9]*; do
		name_of "$found"
		[ "$line" = "$short" ] || continue
		find_owner "$found" "$1"
		[ "$owner" = other ] || return 0
	done
	return 1
}
# Files with the variables of processes that may be a service's. A shell reads them byte by byte, grep does not.
list_variables() { # NAME
	if [ -n "$(command -v grep)" ]; then grep -lF "RC_SVCNAME=$1" /proc/[0-9]*/environ 2>&-
	else echo /proc/[0-9]*/environ; fi
}
# Sets $owner to `own` for a process that a service has started, to `other` for one of another service, or of the probe.
find_owner() { # /proc/NUMBER NAME
	owner=
	# A thread of the kernel has no program, and no variables.
	[ -e "$1/exe" ] || return 0
	# A shell leaves out the zeros between variables: the start of a longer name is no name.
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in *RC_SVCNAME=*) owner=other ;; esac
		case $line in
		*RC_SVCNAME="${probe_marker%% *}"*) ;;
		*RC_SVCNAME="$2"*)
			owner=own
			for file in "$probe_state"/*/"$2"?*; do
				case $line in *RC_SVCNAME="${file##*/}"*) owner=other ;; esac
			done
			;;
		esac
		line=
		[ -z "$owner" ] || return 0
	done <"$1/environ"
}
# Whether a service has a file of its daemon's number, and no process of it is left. OpenRC may still call it started.
is_over() { # NAME
	find_daemon "$1"
	[ -n "$number_file" ] || return 1
	number=
	[ ! -r "$number_file" ] || read -r number _ <"$number_file"
	if [ -n "$number" ]; then
		name_of "/proc/$number"
		[ -z "$line" ] || return 1
	fi
	! has_process "$1"
}
# Sets $starts to how often supervise-daemon has started the program of a service again, $child to the number of its process, both
# empty where nothing supervises it.
find_supervised() { # NAME
	starts='' child=''
	[ ! -r "$probe_state/options/$1/start_count" ] || read -r starts <"$probe_state/options/$1/start_count"
	[ ! -r "$probe_state/options/$1/child_pid" ] || read -r child <"$probe_state/options/$1/child_pid"
	case $starts in 0 | *[!0-9]*) starts='' ;; esac
}
# Tells of a service whose program supervise-daemon watches, and may have started again: it has to live for six looks then.
runs_supervised() { # INDEX
	name_of "/proc/$child"
	if [ -z "$line" ]; then
		say "check $1 no its program has ended${starts:+, started again $starts times}"
		return
	fi
	before=''
	eval "before=\${probe_child_$1-}"
	looks=1
	[ "${before%% *}" != "$child" ] || looks=$((${before#* } + 1))
	eval "probe_child_$1=\"\$child \$looks\""
	if [ -z "$starts" ] || [ "$looks" -ge 6 ]; then say "check $1 ok started, process $child"
	else say "check $1 no started again $starts times"; fi
}
# The same answer at each look means that it has been the same program.
runs() { # INDEX NAME
	case $system in
	systemd)
		found=$(systemctl is-active "$2" 2>&-)
		if [ "$found" = active ]; then say "check $1 ok active$(life "$2")"; else say "check $1 no ${found:-unknown}"; fi
		;;
	openrc)
		find_supervised "$2"
		if [ ! -L "${probe_state:?}/started/$2" ]; then say "check $1 no not started"
		elif [ -n "$child" ]; then runs_supervised "$1"
		elif is_over "$2"; then say "check $1 no its program has ended"
		# Its word alone is not enough: it calls crashed what has forked or become another program.
		elif rc-service "$2" status >&- 2>&- || has_process "$2"; then say "check $1 ok started"
		else say "check $1 no crashed"; fi
		;;
	*)
		shorten "$2"
		eval "last=\${probe_process_$1-}"
		for found in ${last:+"$last"} /proc/[0-9]*; do
			name_of "$found"
			[ "$line" = "$short" ] || continue
			eval "probe_process_$1=\$found"
			say "check $1 ok process ${found##*/} has the name"
			return
		done
		say "check $1 no no process has the name"
		;;
	esac
}
# OpenRC forgets what failed when its runlevel is done: it is looked at again and again until then. A service of the first runlevel has
# kept what failed there.
note_failed() {
	for file in "${probe_state:?}"/failed/*; do
		[ ! -L "$file" ] || note_name "${file##*/}"
	done
	[ ! -r "$probe_state/${probe_kept:?}" ] || while read -r each; do note_name "$each"; done <"$probe_state/$probe_kept"
}
note_name() {
	case " $probe_failed " in *" $1 "*) ;; *) probe_failed="$probe_failed $1" ;; esac
}
# Why systemd calls a unit failed: `exit-code 3`, `timeout`.
explain() { # UNIT
	if [ "$system" = openrc ] && [ -L "$probe_state/started/$1" ]; then echo ' (its program has ended)'; fi
	[ "$system" = systemd ] || return 0
	systemctl show -p Result -p ExecMainStatus -p SubState -p NRestarts "$1" 2>&- | {
		result='' status='' now='' count=''
		while IFS='=' read -r key value; do
			case $key in
			Result) result=$value ;;
			ExecMainStatus) [ "$value" = 0 ] || status=" $value" ;;
			SubState) now=$value ;;
			NRestarts) count=$value ;;
			esac
		done
		if [ "$result $now" = 'success running' ]; then echo " (failed, and was started again $count times)"
		# Only a daemon of a step is listed that ended well.
		elif [ "$result" = success ]; then echo ' (its program has ended)'
		elif [ -n "$result" ]; then echo " ($result$status)"; fi
	}
}
# A unit that ends and is started again, and again, is never in the state `failed`. One that ends well each time does its work.
list_failed() {
	systemctl list-units --state=failed,auto-restart --plain --no-legend --no-pager 2>&- |
		while read -r each _ state _; do
			[ "$state" = failed ] || [ "$(systemctl show -p Result "$each" 2>&-)" != Result=success ] || continue
			echo "$each"
		done
}
# Between two crashes a unit looks well: one that has failed and was started again counts once it has stayed for some seconds.
list_unsteady() {
	now=
	[ ! -r /proc/uptime ] || read -r now _ </proc/uptime
	# shellcheck disable=SC2046 # a list of names
	set -- $(systemctl list-units --type=service --state=running --plain --no-legend --no-pager 2>&- | while read -r each _; do echo "$each"; done)
	[ -n "$now" ] && [ $# -gt 0 ] || return 0
	systemctl show -p Id -p NRestarts -p ExecMainStartTimestampMonotonic "$@" 2>&- | {
		each='' count=0 since=0
		while IFS='=' read -r key value || [ -n "$each" ]; do
			case $key in
			Id) each=$value ;;
			NRestarts) count=$value ;;
			ExecMainStartTimestampMonotonic) since=${value%??????} since=${since:-0} ;;
			'')
				[ "$count" = 0 ] || [ $((${now%%.*} - since)) -ge 5 ] || ! has_failed "$each" || echo "$each"
				each='' count=0 since=0
				;;
			esac
		done
	}
}
# Whether systemd has called a run of a unit failed (SD_MESSAGE_UNIT_FAILURE_RESULT): once it starts it again, only its journal tells.
has_failed() { # UNIT
	[ -n "$(journalctl -q -b -o cat -n 1 --no-pager MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c UNIT="$1" 2>&-)" ]
}
# The services of $probe_daemons whose program has ended: those that steps make, of programs that stay.
list_ended() {
	for each in ${probe_daemons-}; do
		case $system in
		openrc) [ ! -L "$probe_state/started/$each" ] || ! is_over "$each" || echo "$each" ;;
		systemd)
			case $(systemctl show -p ActiveState -p ExecMainExitTimestampMonotonic "$each" 2>&-) in
			*Monotonic=0*) ;;
			*ActiveState=inactive*) echo "$each.service" ;;
			esac
			;;
		esac
	done
}
# What OpenRC cannot tell from a fault: the program of a vendor's service may have been a task, or miss hardware here. Said once it was so
# for three looks.
note_ended() {
	ended=' '
	for file in "$probe_state"/started/*; do
		each=${file##*/}
		[ -L "$file" ] || continue
		find_supervised "$each"
		case $starts in '' | 1 | 2) ;; *)
			say "warning service $each: its program ends again and again, and OpenRC starts it each time" ;;
		esac
		case " ${probe_daemons-} $1 " in *" $each "*) continue ;; esac
		is_over "$each" || continue
		ended="$ended$each "
		case $ended_before in *" $each "*) ;; *) continue ;; esac
		case $ended_first in *" $each "*) say "warning service $each: its program has ended, which OpenRC calls no failure (--expect-service $each refuses it)" ;; esac
	done
	ended_first=$ended_before ended_before=$ended
}
ended_before=' ' ended_first=' '
failures() { # INDEX NAMES, which may fail
	failed=
	case $system in
	systemd) listed=$(list_failed; list_unsteady; list_ended) ;;
	openrc)
		note_failed
		# What failed may have been started again.
		listed=$(for each in $probe_failed; do [ -L "$probe_state/started/$each" ] || echo "$each"; done; list_ended)
		note_ended "$2"
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
# A return ends a line of the console. Adds to $lines.
tell() { # INDEX LINE
	rest=$2
	[ ${#rest} -lt 60000 ] || rest=$(cut 60000 "$rest")
	lines=$((lines + 1))
	while :; do
		case $rest in *"${probe_return:-no return}"*) ;; *) break ;; esac
		text=${rest%%"$probe_return"*}
		rest=${rest#*"$probe_return"}
		[ -z "$text" ] || say "output $1 $text"
		lines=$((lines + 1))
		[ "$lines" -lt 100 ] || return 0
	done
	[ -z "$rest" ] || say "output $1 $rest"
}
commands() { # INDEX EXIT TEXT; again after a failure, five times in all
	case $probe_over in *" $1 "*) return 0 ;; esac
	if [ -z "$waiting" ]; then
		tries=0
		for each in $probe_done; do [ "$each" != "$1" ] || tries=$((tries + 1)); done
		[ $tries -lt 5 ] || return 0
		probe_done="$probe_done $1"
	fi
	begin "$1" "it has not ended"
	output=$(sh -c "$3" 2>&1 9>&-)
	code=$?
	put "$output" | {
		lines=0
		while [ $lines -lt 100 ] && IFS= read -r line; do tell "$1" "$line"; done
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
			for file in "$probe_state/$state"/*; do
				[ -L "$file" ] || continue
				if [ $state = started ] && is_over "${file##*/}"; then say "survey service ${file##*/} ended"
				else say "survey service ${file##*/} $state"; fi
			done
		done
		;;
	*)
		for found in /proc/[0-9]*; do
			line=
			# A thread of the kernel has no program.
			[ ! -e "$found/exe" ] || [ ! -r "$found/comm" ] || read -r line <"$found/comm"
			[ -z "$line" ] || say "survey process ${found##*/} $line"
		done
		;;
	esac
	measure
	[ -z "$used" ] || say "survey memory $used"
	say 'survey end'
}
# Sets $level to the runlevel of OpenRC, empty while it starts the services of one.
find_level() {
	level=
	note_failed
	[ -d "$probe_state/rc.starting" ] || [ ! -r "$probe_state/softlevel" ] || read -r level <"$probe_state/softlevel"
}
# Sets $goal to the runlevel in which the boot is to end, once it is done.
look_for_level() {
	find_level
	case $level in
	"${probe_level:?}") if [ "$level" = default ]; then goal='default runlevel'; else goal="runlevel $level"; fi ;;
	'' | sysinit | boot) ;;
	*) say "elsewhere $level" ;;
	esac
}
probe_begun=' ' probe_done=' ' probe_over=' ' probe_failed='' polling='' waiting=
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
