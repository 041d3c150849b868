import { quoteWord } from '../../../io/process/script.js';
import { facilities } from './facilities.js';
import type { MountDefinition, ServiceOrder } from './init-system.js';
import { createHeader, fillScript } from './script-text.js';

/**
 * A service that mounts one line of /etc/fstab, for busybox sh and dash. It measures time by /proc/uptime because the
 * clock is set while the system boots. A mount that hangs in the kernel cannot be waited for, not even after SIGKILL: the
 * script looks for its exit code in a file and never uses `wait`.
 */
export function createMountScript(mount: MountDefinition, kind: 'openrc' | 'lsb'): string {
  const text = kind === 'openrc' ? createOpenrcParts(mount) : createLsbParts(mount);
  return fillScript(new URL('./mount-service.sh', import.meta.url), {
    ...text,
    source: quoteWord(mount.source),
    target: quoteWord(mount.target),
    limit: String(mount.timeout),
    attempt: String(Math.min(mount.attempt, mount.timeout)),
    // Without it mount.nfs itself retries for two minutes.
    options: /^nfs4?$/.test(mount.type) ? '-o retry=0 ' : '',
  });
}

function createOpenrcParts(mount: MountDefinition) {
  const depend = listDependencies(mount, ['network', 'names', 'log']).map((line) => `\t${line}`);
  return {
    head: '#!/sbin/openrc-run',
    start: `description=${quoteWord(describe(mount))}\n\ndepend() {\n${depend.join('\n')}\n}\n`,
    end: '',
  };
}

/** Stands in for what OpenRC gives its scripts. */
const lsbStart = `
ebegin() { echo "$*"; }
eend() { [ "$1" = 0 ] || echo "$2"; return "$1"; }
mountinfo() { # -q TARGET
	while read -r _ place _; do [ "$place" != "$2" ] || return 0; done </proc/mounts
	return 1
}
`;

const lsbEnd = `
case $1 in
start) start ;;
stop) stop ;;
restart | force-reload) stop && start ;;
status) mountinfo -q "$target" ;;
*)
	echo "usage: $0 {start|stop|restart|force-reload|status}" >&2
	exit 2
	;;
esac
`;

function createLsbParts(mount: MountDefinition) {
  const order = { ...mount, after: ['network', 'names', 'log', ...mount.after] };
  return {
    head: `#!/bin/sh\n${createHeader(order, describe(mount))}\nRC_SVCNAME=${mount.name}`,
    start: `PATH=/usr/sbin:/usr/bin:/sbin:/bin\nmkdir -p /run\n${lsbStart}`,
    end: lsbEnd,
  };
}

function describe({ source, target }: MountDefinition): string {
  return `Mounts ${source} on ${target}.`;
}

/** Lines of `depend()` of OpenRC; `uses`: what it starts after and asks for, if the image has it. */
export function listDependencies(order: ServiceOrder, uses: readonly string[] = []): string[] {
  const isFacility = (name: string) => facilities.has(name);
  const words = (names: readonly string[]) =>
    [...new Set(names.map((name) => facilities.get(name)?.openrc ?? name))].join(' ');
  // "need net" fails for good where no service provides net, and "want" is unknown to OpenRC 0.21.
  const soft = [...uses, ...order.needs.filter(isFacility), ...order.after.filter(isFacility)];
  const needs = order.needs.filter((name) => !isFacility(name));
  const after = [...(soft.includes('network') ? ['firewall', 'network'] : []), ...order.after];
  const lines = [
    ['need', words(needs)],
    ['use', words(soft)],
    ['after', words(after)],
    ['before', words(order.before)],
  ];
  return lines.filter(([, names]) => names !== '').map((line) => line.join(' '));
}
