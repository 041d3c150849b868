/** What an init script that mounts one line of /etc/fstab is made of. */
export interface MountScript {
  readonly source: string;
  readonly target: string;
  /** Options on top of those in /etc/fstab. */
  readonly options: string;
  readonly needs: readonly string[];
  readonly before: readonly string[];
  /** Seconds the boot is held up at most. */
  readonly timeout: number;
  /** Seconds of one attempt at most. */
  readonly attempt: number;
}

const depend = (script: MountScript) =>
  [
    script.needs.length > 0 ? `need ${script.needs.join(' ')}` : undefined,
    // "need net" fails for good where no service provides net, and "want" is unknown to OpenRC 0.21.
    'use net dns logger',
    'after firewall net',
    script.before.length > 0 ? `before ${script.before.join(' ')}` : undefined,
  ].filter((line) => line !== undefined);

/**
 * An OpenRC service for busybox sh and dash. The time is taken from /proc/uptime because the clock
 * is set while the system boots. A mount that hangs in the kernel cannot be waited for, not even
 * after SIGKILL: so its end is watched in a file, and never with `wait`.
 */
export function createMountScript(script: MountScript): string {
  return `#!/sbin/openrc-run
# Mounts the line of /etc/fstab that is marked noauto: localmount leaves network
# file systems alone, and nothing else would order this before Docker.
description=${quote(`Mounts ${script.source} on ${script.target}.`)}

source=${quote(script.source)}
target=${quote(script.target)}
# Seconds: all attempts together, and one of them.
limit=${script.timeout}
attempt=${script.attempt}
state=/run/$RC_SVCNAME

depend() {
${depend(script)
  .map((line) => `\t${line}\n`)
  .join('')}}

uptime() {
	read -r seconds _ </proc/uptime
	echo "\${seconds%%.*}"
}

bounded() { # SECONDS COMMAND...: its exit code, or 124 when it took longer
	end=$(($(uptime) + $1))
	shift
	rm -f "$state.exit"
	# A session of its own, so that a kill reaches the helpers of mount as well.
	setsid sh -c '"$@" >"$0.log" 2>&1; echo $? >"$0.exit"' "$state" "$@" </dev/null >/dev/null 2>&1 &
	session=$!
	until [ -s "$state.exit" ]; do
		if [ "$(uptime)" -ge "$end" ]; then
			kill -9 -"$session" 2>/dev/null
			echo "no answer" >"$state.log"
			return 124
		fi
		sleep 0.1 2>/dev/null || sleep 1
	done
	return "$(cat "$state.exit")"
}

reason() { # what the helper said: busybox mount adds a line of its own
	grep -m 1 . "$state.log" || echo "no reason given"
}

start() {
	[ -d "$target" ] || mkdir -p "$target"
	begun=$(uptime)
	why=
	until mountinfo -q "$target"; do
		left=$((begun + limit - $(uptime)))
		if [ "$left" -le 0 ]; then
			echo "$RC_SVCNAME: gave up after $limit s (\${why:-no reason given}); the boot goes on"
			return 1
		fi
		[ "$left" -le "$attempt" ] || left=$attempt
		bounded "$left" mount ${script.options === '' ? '' : `-o ${script.options} `}"$target" && continue
		# The last attempt has less time, and no answer in it says less than the answer before.
		[ $? = 124 ] && [ "$left" -lt "$attempt" ] && [ -n "$why" ] || why=$(reason)
		sleep 1
	done
	echo "$RC_SVCNAME: mounted $source on $target"
}

stop() {
	mountinfo -q "$target" || return 0
	ebegin "Unmounting $target"
	# Without an answer from its server it can only be detached.
	bounded "$attempt" umount "$target" || bounded "$attempt" umount -l "$target"
	eend $? "$target stays mounted: $(reason)"
}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
