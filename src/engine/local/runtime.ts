import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { readScript } from '../../io/script.js';

/** A program that runs OCI bundles. */
export interface Runtime {
  readonly name: 'crun' | 'runc';
  /** Absolute. */
  readonly program: string;
}

/** Where programs of this machine are looked up; PATH of the caller may be a patch's. */
export const machinePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The quickest first; crun refuses a machine on which both versions of control groups are in use. */
const names = ['crun', 'runc'] as const;

export function findRuntimes(): Runtime[] {
  return names.flatMap((name) => {
    const program = findProgram(name);
    return program === undefined ? [] : [{ name, program }];
  });
}

/** The absolute path of a program of this machine. */
export function findProgram(name: string): string | undefined {
  return machinePath
    .split(':')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** What commands are kept in here. */
export interface Sandbox {
  readonly runtime: Runtime;
  /** The kind of control groups that limits are set in; undefined where none can be made. */
  readonly groups: 'unified' | 'split' | undefined;
}

/** What one run of a runtime needs; all of it is outside of the root. */
export interface RuntimeFiles {
  /** Of the container, and the name of its control group. */
  readonly id: string;
  /** It has the file config.json. */
  readonly folder: string;
  readonly state: string;
  /** The folder of an uplink; undefined for a command without the network. */
  readonly uplink: string | undefined;
  /** The runtime creates it at its start and writes its errors there, one JSON object a line. */
  readonly log: string;
}

/** Arguments that run a bundle to its end. Without control groups a runtime must be told to make none. */
export function createRuntimeArguments(
  { runtime, groups }: Sandbox,
  { id, folder, state, log }: RuntimeFiles,
): string[] {
  const ungrouped = { crun: ['--cgroup-manager', 'disabled'], runc: ['--rootless', 'true'] }[runtime.name];
  return [
    ...[runtime.program, '--root', state, '--log', log, '--log-format', 'json'],
    ...(groups === undefined ? ungrouped : []),
    ...['run', '--bundle', folder, id],
  ];
}

export interface Nest {
  readonly root: string;
  /** A folder for the uplink, in a command that gets one. */
  readonly uplink: string | undefined;
}

/** Arguments that run a command in a pid and a mount namespace, which end with it and with this process. */
export function createNest({ root, uplink = '' }: Nest, command: readonly string[]): string[] {
  return [
    ...['setpriv', '--pdeathsig', 'KILL', ...startScript('guard'), `${process.pid}`],
    ...['unshare', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child'],
    ...[...startScript('enter'), root, uplink, ...command],
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

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
