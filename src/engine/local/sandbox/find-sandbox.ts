import { access, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createScratch } from '../../../io/place/scratch.js';
import { createMissingProgramError } from '../../../io/process/process.js';
import { MobyPatchError } from '../../../model/error/error.js';
import { mountedTrees } from '../../rights.js';
import { leastMemory } from './resource-limits.js';
import { runCommand } from './run-command.js';
import { findRuntimes, type Runtime, type Sandbox } from './runtime.js';
import { createSeccomp } from './seccomp.js';
import { createTrueProgram } from './true-program.js';

export interface FoundSandbox {
  readonly sandbox: Sandbox;
  /** Why no limits can be set for all processes of a command together; undefined where they can. */
  readonly ungrouped: string | undefined;
}

export interface SandboxRequest {
  readonly signal: AbortSignal;
  /** This process is root of a user namespace. */
  readonly isNested: boolean;
}

const seconds = 30;
const limits = { memory: leastMemory, processes: 64 };

/**
 * Finds what keeps commands in here by running a program that does nothing: with control groups by each runtime that is
 * installed, and if that fails without. Errors (`infrastructure`): `program-missing`, `processor-unknown`, `namespace`.
 */
export async function findSandbox({ signal, isNested }: SandboxRequest): Promise<FoundSandbox> {
  const runtimes = findRuntimes();
  if (runtimes.length === 0) throw createMissingProgramError('crun or runc', 'crun');
  const groups = (await hasUnifiedGroups()) ? 'unified' : 'split';
  // The root of crun is not nodev (1.8): without control groups a device node of a command would open. In a user
  // namespace nobody can make one.
  const isKeptIn = ({ name }: Runtime) => name === 'runc' || isNested;
  const candidates: Sandbox[] = [
    ...runtimes.map((runtime) => ({ runtime, groups, isNested }) as const),
    ...runtimes.filter(isKeptIn).map((runtime) => ({ runtime, groups: undefined, isNested })),
  ];
  const faults = new Map<string, string>();
  for (const sandbox of candidates) {
    const { name } = sandbox.runtime;
    const fault = await tryRun(sandbox, signal);
    // Of the same runtime with control groups, if that was tried before.
    if (fault === undefined) return { sandbox, ungrouped: faults.get(name) };
    faults.set(name, `${name}: ${fault}`);
  }
  const message = `no container can be run here: ${[...faults.values()].join('; ')}`;
  throw new MobyPatchError('infrastructure', 'namespace', message, { hint: 'moby-patch doctor' });
}

/** Runs a program of a few bytes in a root that has nothing else; why that cannot be done here. */
async function tryRun(sandbox: Sandbox, signal: AbortSignal): Promise<string | undefined> {
  const program = createTrueProgram(process.arch);
  if (program === undefined || createSeccomp(process.arch) === undefined) throw createProcessorError();
  await using scratch = await createScratch();
  const root = join(scratch.path, 'root');
  for (const tree of mountedTrees) await mkdir(join(root, tree), { recursive: true });
  await writeFile(join(root, 'true'), program, { mode: 0o755 });
  await chown(join(root, 'true'), 1, 1).catch((cause) => {
    throw createPlainError(scratch.path, cause);
  });
  const nothing = { isNarrow: false, network: false, binds: [], environment: {}, onLine: () => {} };
  const run = {
    ...nothing,
    sandbox,
    root,
    folder: scratch.path,
    argv: ['/true'],
    limits,
    timeout: seconds,
    signal,
  };
  try {
    const { exitCode, output } = await runCommand(run);
    return exitCode === 0
      ? undefined
      : `exit code ${exitCode} of a program that does nothing: ${output.trim()}`;
  } catch (error) {
    if (error instanceof MobyPatchError && error.code === 'command-timeout') return error.message;
    if (error instanceof MobyPatchError && error.code === 'namespace') return String(error.cause);
    throw error;
  }
}

/** FAT and its like: no root of an image can be there. */
function createPlainError(path: string, cause: NodeJS.ErrnoException): MobyPatchError {
  const message = `the temporary folder cannot have files of other owners (${cause.code} at ${cause.syscall})`;
  const hint = 'TMPDIR=DIR names one on another file system';
  return new MobyPatchError('infrastructure', 'scratch-unwritable', message, { path, hint, cause });
}

function createProcessorError(): MobyPatchError {
  const message = `the local engine has no list of system calls for the processor ${process.arch}`;
  return new MobyPatchError('infrastructure', 'processor-unknown', message);
}

function hasUnifiedGroups(): Promise<boolean> {
  return access('/sys/fs/cgroup/cgroup.controllers').then(
    () => true,
    () => false,
  );
}
