import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ProcessOptions } from '../../../io/process/process.js';
import type { StepLimits } from '../../../model/patch/engine.js';
import { placeGroup, removeGroup } from './groups.js';
import { nestPath } from './nest.js';
import { type Bind, createOciConfig } from './oci-config.js';
import type { RuntimeFiles, Sandbox } from './runtime.js';
import { createUplink } from './uplink.js';

export interface CommandRun extends Pick<ProcessOptions, 'input' | 'createFilter'> {
  readonly sandbox: Sandbox;
  /** A private folder. */
  readonly folder: string;
  /** The root in that folder; it has the directories dev, proc and sys. */
  readonly root: string;
  /** The programs of the root are 32-bit ones. */
  readonly isNarrow: boolean;
  readonly network: boolean;
  readonly binds: readonly Bind[];
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: StepLimits;
  /** Seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** In version 1 it is there where the kernel counts swap: the boot parameter swapaccount. */
const swapLimit = '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes';

export interface Bundle extends AsyncDisposable {
  /** In the nest. */
  readonly files: RuntimeFiles;
  readonly log: string;
}

/**
 * Writes what a runtime needs for one command. Closing removes it, and the control group that a runtime leaves when it
 * is killed. Error: `program-missing`.
 */
export async function openBundle(run: CommandRun): Promise<Bundle> {
  const { groups, isNested } = run.sandbox;
  const folder = await mkdtemp(join(run.folder, 'container-'));
  const at = (name: string) => join(folder, name);
  const files = await createFiles(run, folder);
  const config = createOciConfig({
    ...run,
    root: files.root,
    binds: run.binds.map(({ source, target }) => ({ source: nestPath(run.folder, source), target })),
    processor: process.arch,
    group: groups === undefined ? undefined : await placeGroup(groups, files.id),
    limitsSwap: groups === 'unified' || (groups === 'split' && existsSync(swapLimit)),
    isNested,
    uplink: files.uplink === undefined ? undefined : createUplink(files.uplink),
  });
  for (const name of ['state', 'uplink']) await mkdir(at(name), { mode: 0o700 });
  await writeFile(at('config.json'), JSON.stringify(config), { mode: 0o600 });
  return {
    files,
    log: at('log'),
    async [Symbol.asyncDispose]() {
      if (groups !== undefined) await removeGroup(files.id);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves the folder: its path may be /proc/PID/fd/N, and the control group takes the real name. */
async function createFiles(run: CommandRun, folder: string): Promise<RuntimeFiles> {
  const at = (name: string) => nestPath(run.folder, join(folder, name));
  return {
    id: `${basename(await realpath(run.folder))}-${folder.slice(-6)}`,
    root: nestPath(run.folder, run.root),
    folder: at(''),
    state: at('state'),
    log: at('log'),
    uplink: run.network ? at('uplink') : undefined,
  };
}
