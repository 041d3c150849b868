import { MobyPatchError } from '../../model/error.js';
import type { Expectation } from '../../model/patch.js';
import { markerWord } from './marker.js';

/** A shell variable holds it, an argument carries it, and the kernel limits one argument to 128 KiB. */
const longestContent = 32 * 1024;
const longestScript = 100 * 1024;

/** Seconds for which the guest repeats what it has to say, should a line be torn by one of the kernel's. */
const repeated = 900;

/**
 * The service that OpenRC starts last in its default runlevel. It reports when the runlevel is done:
 * OpenRC removes `rc.starting` then; a service that asks for `after *` too may come after this one.
 */
export function createService(nonce: string, expects: readonly Expectation[]): string {
  return `#!/sbin/openrc-run
description="Tells the verification what this boot has reached."
depend() { after *; }
${createReport(nonce, 'default runlevel', expects)}
watch() {
	waited=0
	while [ -d "$RC_SVCDIR/rc.starting" ] && [ $waited -lt 300 ]; do
		waited=$((waited + 1))
		sleep 1
	done
	repeated=0
	while [ $repeated -lt ${repeated} ]; do
		repeated=$((repeated + 1))
		for failed in "$RC_SVCDIR"/failed/*; do
			[ ! -L "$failed" ] || say "warning the service \${failed##*/} failed"
		done
		report
		sleep 1
	done
}
start() {
	watch >/dev/console 2>&- &
	return 0
}
`;
}

/**
 * A first init that starts a watcher and becomes the image's own. The watcher reports when process 1 has
 * kept its name for some seconds. It needs neither /proc nor a mount of its own, since either would be
 * seen by the image. It follows process 1 into another root: \`/..\` leads to what was mounted over a
 * root that \`switch_root\` has emptied, even where no program is left to run.
 */
export function createWrapper(nonce: string, expects: readonly Expectation[], init: string): string {
  const watcher = `${createReport(nonce, 'init', expects)}
enter() {
	$1 chroot "$root" /bin/sh -c 'eval "$watcher"' && exit 0
}
follow() {
	root=
	if [ -e /proc/1/root/. ]; then
		[ /proc/1/root/. -ef /. ] || root=/proc/1/root
	fi
	[ -n "$root" ] || [ /.. -ef /. ] || root=/..
	[ -n "$root" ] && [ "$depth" -lt 3 ] || return 0
	enter
	enter "$root/bin/busybox"
	for loader in "$root"/lib/ld-musl-*.so.1; do
		[ ! -e "$loader" ] || enter "$loader $root/bin/busybox"
	done
	for loader in "$root"/lib64/ld-linux-*.so.2 "$root"/lib/ld-linux-*.so.1; do
		[ -e "$loader" ] || continue
		libraries=
		for folder in "$root"/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu "$root/lib64" "$root/usr/lib64"; do
			libraries="$libraries\${libraries:+:}$folder"
		done
		for chroot in "$root/usr/sbin" "$root/usr/bin"; do
			[ ! -e "$chroot/chroot" ] || "$loader" --library-path "$libraries" "$chroot/chroot" "$root" /bin/sh -c 'eval "$watcher"' && exit 0
		done
	done
}
depth=$((\${depth:-0} + 1))
export depth watcher
rounds=0 same=0 spins=0 name=
while [ $rounds -lt ${repeated} ]; do
	rounds=$((rounds + 1))
	follow
	if sleep 1; then
		spins=0
	else
		# The old root is empty and the new one is not in its place yet, or there is no such program.
		spins=$((spins + 1)) rounds=$((rounds - 1))
		[ $spins -gt 20000 ] || continue
		report
		exit 0
	fi
	line=
	[ ! -r /proc/1/cmdline ] || read -r line </proc/1/cmdline
	if [ "$line" = "$name" ]; then same=$((same + 1)); else same=0 name=$line; fi
	[ $same -lt 3 ] || report
done
`;
  const script = `#!/bin/sh
watcher=${quote(watcher)}
# A shell wants /dev/null for whatever it starts in the background. Where there is none, a file stands in,
# and is gone before the first program of the image can see it.
borrowed=
[ -e /dev/null ] || { : >/dev/null; borrowed=yes; }
([ -z "$borrowed" ] || rm /dev/null; eval "$watcher") 2>&- &
turns=0
while [ -n "$borrowed" ] && [ -e /dev/null ] && [ $turns -lt 100000 ]; do turns=$((turns + 1)); done
unset watcher
# A shell runs a file without an interpreter line as a script of its own; the kernel does not.
start=
read -r start <${quote(init)}
case $start in
'#!'* | ?ELF*) exec ${quote(init)} "$@" ;;
esac
echo "${markerWord}: "${quote(init)}": exec format error or not found"
exit 1
`;
  if (script.length > longestScript)
    throw new MobyPatchError(
      'invalid',
      'expectations-too-long',
      'the expected contents are more than 100 KiB in all',
      {
        hint: 'expect parts of them on the console instead',
      },
    );
  return script;
}

/** Shell functions: `say` writes a line of ours, `report` tells of every file and, at its end, what was reached. */
function createReport(nonce: string, reached: string, expects: readonly Expectation[]): string {
  const checks = expects.flatMap((expectation, index) =>
    'file' in expectation ? [createCheck(index, expectation.file, expectation.content)] : [],
  );
  return `say() { echo "${markerWord} ${nonce} $* ."; }
exists() { # INDEX PATH
	if [ -e "$2" ] || [ -L "$2" ]; then say "file $1 ok"; else say "file $1 missing"; fi
}
contains() { # INDEX PATH TEXT: a character behind both keeps the newlines at their ends
	if [ ! -f "$2" ]; then
		if [ -e "$2" ] || [ -L "$2" ]; then say "file $1 differs it is no regular file"; else say "file $1 missing"; fi
		return
	fi
	found=$(head -c ${longestContent + 1} "$2" || cat "$2"; echo .)
	if [ "$found" = "$3." ]; then say "file $1 ok"; return; fi
	line=
	IFS= read -r line <"$2"
	say "file $1 differs $line"
}
report() {
${checks.join('\n')}
	[ ! -f /proc/1/fd/1 ] || say "warning process 1 writes to a regular file instead of the console"
	say "reached ${reached}"
}`;
}

function createCheck(index: number, path: string, content: string | undefined): string {
  const place = quote(`/${path.replace(/^\/+/, '')}`);
  if (content === undefined) return `\texists ${index} ${place}`;
  if (content.includes('\0') || Buffer.byteLength(content) > longestContent)
    throw new MobyPatchError(
      'invalid',
      'expectation-content',
      `the expected content of ${path} is binary or longer than 32 KiB`,
      {
        path,
        hint: 'expect that the file exists, and its effect on the console',
      },
    );
  return `\tcontains ${index} ${place} ${quote(content)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
