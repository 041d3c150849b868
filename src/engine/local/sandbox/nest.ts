import { join, relative } from 'node:path';
import { readScript } from '../../../io/process/script.js';

// Every machine has the folder, and nothing in a nest looks for anything else there.
const place = '/tmp';

/** The path in a nest of what is in the folder of the nest. */
export function nestPath(folder: string, path: string): string {
  return join(place, relative(folder, path));
}

export interface Nest {
  /** In the nest. */
  readonly root: string;
  /** A folder for the uplink, in the nest, in a command that gets one. */
  readonly uplink: string | undefined;
}

/**
 * Arguments that run a command in a pid and a mount namespace, which end with it and with this process. They are for
 * the folder of the nest as the working folder.
 */
export function createNest({ root, uplink = '' }: Nest, command: readonly string[]): string[] {
  return [
    ...['setpriv', '--pdeathsig', 'KILL', ...startScript('guard'), `${process.pid}`],
    ...['unshare', '--pid', '--mount', '--fork', '--kill-child'],
    ...[...startScript('enter'), place, root, uplink, ...command],
  ];
}

/** Programs of this machine that a nest needs, with the Debian package of each. */
export const nestPrograms: Readonly<Record<string, string>> = {
  sh: 'dash',
  mount: 'mount',
  mkfifo: 'coreutils',
  unshare: 'util-linux',
  setpriv: 'util-linux',
};

function startScript(name: 'guard' | 'enter'): string[] {
  return ['sh', '-c', readScript(new URL(`./${name}.sh`, import.meta.url)), name];
}
