import { fillScript, quoteWord } from '../../../io/process/script.js';
import { facilities } from './facilities.js';
import type { MountDefinition, ServiceOrder } from './init-system.js';
import { createHeader } from './script-text.js';

/**
 * A service that mounts one line of /etc/fstab, for busybox sh and dash. It measures time by /proc/uptime because the
 * clock is set while the system boots. A mount that hangs in the kernel cannot be waited for, not even after SIGKILL: the
 * script looks for its exit code in a file and never uses `wait`.
 */
export function createMountScript(mount: MountDefinition, kind: 'openrc' | 'lsb'): string {
  const settings = fillScript(new URL('./mount-settings.sh', import.meta.url), {
    source: quoteWord(mount.source),
    target: quoteWord(mount.target),
    limit: String(mount.timeout),
    attempt: String(Math.min(mount.attempt, mount.timeout)),
  });
  const functions = fillScript(new URL('./mount-functions.sh', import.meta.url), {
    // Without it mount.nfs itself retries for two minutes.
    options: /^nfs4?$/.test(mount.type) ? '-o retry=0 ' : '',
  });
  const parts = { settings, functions };
  return kind === 'openrc' ? fillOpenrc(mount, parts) : fillLsb(mount, parts);
}

interface Parts {
  readonly settings: string;
  readonly functions: string;
}

function fillOpenrc(mount: MountDefinition, parts: Parts): string {
  return fillScript(new URL('./mount-openrc.sh', import.meta.url), {
    ...parts,
    description: quoteWord(describe(mount)),
    depend: createDepend(listDependencies(mount, ['network', 'names', 'log'])),
  });
}

function fillLsb(mount: MountDefinition, parts: Parts): string {
  const order = { ...mount, after: ['network', 'names', 'log', ...mount.after] };
  return fillScript(new URL('./mount-lsb.sh', import.meta.url), {
    ...parts,
    header: createHeader(order, describe(mount)),
    name: mount.name,
  });
}

function describe({ source, target }: MountDefinition): string {
  return `Mounts ${source} on ${target}.`;
}

/** The function `depend` of a script of OpenRC. */
export function createDepend(lines: readonly string[]): string {
  const url = new URL('./openrc-depend.sh', import.meta.url);
  return fillScript(url, { lines: lines.map((line) => `\t${line}`).join('\n') });
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
