import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ProcessOptions } from '../../io/process.js';
import type { StepLimits } from '../../model/engine.js';
import { removeGroup } from './groups.js';
import { type Bind, createOciConfig } from './oci-config.js';
import type { RuntimeFiles, Sandbox } from './runtime.js';
import { createUplink } from './uplink.js';

export interface CommandRun extends Pick<ProcessOptions, 'input' | 'createFilter'> {
  readonly sandbox: Sandbox;
  /** Absolute path of the root folder; it has the directories dev, proc and sys. */
  readonly root: string;
  /** A private folder outside of the root. */
  readonly folder: string;
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

export interface Bundle extends RuntimeFiles, AsyncDisposable {}

/**
 * Writes what a runtime needs for one command. Closing removes it, and the control group that a runtime leaves when it
 * is killed. Error: `program-missing`.
 */
export async function openBundle(run: CommandRun): Promise<Bundle> {
  const { sandbox } = run;
  const folder = await mkdtemp(join(run.folder, 'container-'));
  const at = (name: string) => join(folder, name);
  const id = `${basename(run.folder)}-${folder.slice(-6)}`;
  const uplink = run.network ? at('uplink') : undefined;
  const config = createOciConfig({
    ...run,
    processor: process.arch,
    group: sandbox.groups === undefined ? undefined : id,
    limitsSwap: sandbox.groups === 'unified',
    uplink: uplink === undefined ? undefined : createUplink(uplink),
  });
  for (const made of [at('state'), uplink]) if (made !== undefined) await mkdir(made, { mode: 0o700 });
  await writeFile(at('config.json'), JSON.stringify(config), { mode: 0o600 });
  return {
    id,
    folder,
    state: at('state'),
    log: at('log'),
    uplink,
    async [Symbol.asyncDispose]() {
      if (sandbox.groups !== undefined) await removeGroup(id);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
