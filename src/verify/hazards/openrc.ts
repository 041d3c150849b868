import { showPath } from '../../format/path.js';
import type { Hazard } from '../../model/result/hazard.js';
import type { Facts } from './facts.js';

/** Values of rc_sys, and words of `keyword -...`, that mean a container (OpenRC, librc.h). */
const containers = ['docker', 'jail', 'lxc', 'openvz', 'podman', 'rkt', 'systemd-nspawn'];
/** Files by which OpenRC detects that it is in one. */
const marks: readonly (readonly [string, string])[] = [
  ['.dockerenv', 'docker'],
  ['run/.containerenv', 'podman'],
];

const isOpenRc = (facts: Facts) =>
  ['sbin/openrc', 'usr/sbin/openrc', 'sbin/openrc-run', 'usr/sbin/openrc-run', 'sbin/rc'].some(
    (path) => facts.follow(path)?.type === 'file',
  );

/** The scripts of all services of all runlevels but shutdown. */
export function listServices(facts: Facts): string[] {
  const runlevels = facts.list('etc/runlevels').filter((path) => !path.endsWith('/shutdown'));
  const links = runlevels.flatMap((runlevel) => facts.list(runlevel));
  return [...new Set(links.flatMap((link) => facts.follow(link)?.path ?? []))].sort();
}

export function listConfigurations(facts: Facts): string[] {
  return ['etc/rc.conf', ...facts.list('etc/rc.conf.d')];
}

export function findDockerEnvironment(facts: Facts): Hazard[] {
  const setting = readSystem(facts);
  return marks.flatMap(([path, container]) => {
    if (!facts.image.entries.has(path)) return [];
    const matters = isOpenRc(facts) && setting === undefined;
    const skipped = matters ? listSkipped(facts, container) : [];
    const effect = matters
      ? `OpenRC takes the machine for a container and skips ${describe(skipped)}`
      : 'programs that look for it take the machine for a container';
    return [
      {
        code: 'container-mark',
        severity: matters ? 'fatal' : 'warning',
        path,
        message: `it is left over from a container: ${effect}`,
        hint: `add a step: - remove: ${path}`,
      },
    ];
  });
}

export function findContainerKeyword(facts: Facts): Hazard[] {
  const system = readSystem(facts);
  if (system === undefined || !isOpenRc(facts) || !containers.includes(system.value)) return [];
  return [
    {
      code: 'openrc-container',
      severity: 'fatal',
      path: system.path,
      message: `rc_sys="${system.value}" tells OpenRC that it is in a container: it skips ${describe(listSkipped(facts, system.value))}`,
      hint: 'set rc_sys="" in this file',
    },
  ];
}

function readSystem(facts: Facts): { readonly path: string; readonly value: string } | undefined {
  return listConfigurations(facts)
    .flatMap((path) => {
      const found = [...facts.text(path).matchAll(/^[ \t]*rc_sys=["']?([\w-]*)/gm)].at(-1);
      return found === undefined ? [] : [{ path, value: (found[1] ?? '').toLowerCase() }];
    })
    .at(-1);
}

function listSkipped(facts: Facts, container: string): string[] {
  const isSkipped = (path: string) =>
    [...facts.text(path).matchAll(/^[ \t]*keyword[ \t]+(.*)$/gm)].some(([, words = '']) =>
      words.split(/\s+/).some((word) => word === `-${container}` || word === '-containers'),
    );
  return listServices(facts).flatMap((path) =>
    isSkipped(path) ? [path.slice(path.lastIndexOf('/') + 1)] : [],
  );
}

/** Services that a message names. */
const mostNamed = 20;

function describe(services: readonly string[]): string {
  return services.length === 0
    ? 'every service with such a keyword'
    : `${services.length} services: ${services.slice(0, mostNamed).map(showPath).join(', ')}${services.length > mostNamed ? ', ...' : ''}`;
}
