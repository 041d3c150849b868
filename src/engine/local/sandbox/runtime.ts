import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { usualPath } from '../../rights.js';

/** A program that runs OCI bundles. */
export interface Runtime {
  readonly name: 'crun' | 'runc';
  /** Absolute. */
  readonly program: string;
}

/** The quickest first; crun refuses a machine on which both versions of control groups are in use. */
const names = ['crun', 'runc'] as const;

export function findRuntimes(): Runtime[] {
  return names.flatMap((name) => {
    const program = findProgram(name);
    return program === undefined ? [] : [{ name, program }];
  });
}

/** The absolute path of a program of this machine; PATH of the caller may be a patch's. */
export function findProgram(name: string): string | undefined {
  return usualPath
    .split(':')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** What confines a command. */
export interface Sandbox {
  readonly runtime: Runtime;
  /** The kind of control groups that limits are set in; undefined where none can be made. */
  readonly groups: 'unified' | 'split' | undefined;
  /** This process is root of a user namespace. */
  readonly isNested: boolean;
}

/** What one run of a runtime needs; the paths are those in the nest, and outside of the root. */
export interface RuntimeFiles {
  /** Of the container, and the name of its control group. */
  readonly id: string;
  readonly root: string;
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

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
