import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolder } from '../../folder/folder.js';
import { materialiseImage } from '../../folder/materialise.js';
import { look, walkFolder } from '../../folder/walk.js';
import { watchSpace } from '../../io/file/watch-space.js';
import { createScratch, type Scratch } from '../../io/place/scratch.js';
import { runProcess } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive } from '../../model/image/archive.js';
import type { Change } from '../../model/image/change.js';
import type { CommandRoot, ExecutorOptions } from '../../model/patch/engine.js';
import type { RunOptions, RunResult } from '../../model/patch/workspace.js';
import { createLineSink } from '../fold-lines.js';
import { completeLimits, measureMemory } from '../limits.js';
import { isBlind, mountedTrees, usualTimeout } from '../rights.js';
import { createBodies } from './bodies.js';
import { collectFiles } from './collect.js';
import { compareSnapshot } from './delta.js';
import { createMountedTrees, removeCreated } from './mount-points.js';
import { isNarrow } from './narrow.js';
import { provideNetworkFiles } from './network-files.js';
import { type LocalReadiness, probeLocal } from './probe.js';
import { applyChanges } from './push.js';
import { runCommand } from './sandbox/run-command.js';
import type { Sandbox } from './sandbox/runtime.js';
import { assertSpace } from './space.js';
import { statEntry } from './stat-entry.js';

export interface LocalOptions extends ExecutorOptions {
  /** Where the private folder is made; default: the system's folder for temporary files. */
  readonly parent?: string;
  /** Default: `blindPaths`. */
  readonly blind?: readonly string[];
  /** Default: that of a new probe. */
  readonly readiness?: LocalReadiness;
}

/**
 * Unpacks an image into a private folder and runs commands there, each in a container of its own. Closing removes the
 * folder, and bodies of a `pull` stay valid until then. Errors: engine-not-ready, disk-full, local-folder, and those of
 * `runCommand`.
 */
export async function openLocalRoot(image: Archive, options: LocalOptions): Promise<CommandRoot> {
  const scratch = await createScratch(options.parent);
  try {
    await assertSpace(image, scratch.path);
    const sandbox = requireSandbox(options.readiness ?? (await probeLocal(options.signal)));
    return await openFolder(image, { ...options, sandbox, scratch });
  } catch (error) {
    await removeScratch(scratch);
    throw error;
  }
}

function requireSandbox({ sandbox, reason, hint }: LocalReadiness): Sandbox {
  if (sandbox !== undefined) return sandbox;
  throw new MobyPatchError('infrastructure', 'engine-not-ready', `the engine local is not ready: ${reason}`, {
    hint,
  });
}

interface FolderOptions extends LocalOptions {
  readonly sandbox: Sandbox;
  readonly scratch: Scratch;
}

async function openFolder(image: Archive, options: FolderOptions): Promise<CommandRoot> {
  const { signal, log, sandbox, scratch } = options;
  const at = (name: string) => join(scratch.path, name);
  const folder = createFolder(at('root'));
  const skipped = new Set<string>(mountedTrees);
  await mkdir(folder.path, { mode: 0o755 });
  await materialiseImage(image, { folder, signal });
  const narrow = isNarrow(folder);
  const walked = await walkFolder(folder, skipped, signal);
  const before = new Map([...walked].map(([path, { signature }]) => [path, signature]));
  const bodies = createBodies(folder, at('bodies'));
  const lost = new Set<string>();
  const isBlindHere = (path: string) => isBlind(path, options.blind);
  const limits = completeLimits(options.limits, measureMemory());
  let active: Promise<unknown> = Promise.resolve();
  let removal: Promise<void> | undefined;
  log(`local: unpacked ${image.entries.size} entries into a private folder`);

  async function run(argv: readonly string[], wanted: RunOptions): Promise<RunResult> {
    if (argv.length === 0) throw new MobyPatchError('invalid', 'command-invalid', 'the command is empty');
    await bodies.preserve();
    const trees = createMountedTrees(folder);
    const files = wanted.network ? await provideNetworkFiles(folder, at('network')) : undefined;
    using watch = watchSpace(scratch.path, { signal, what: 'the command' });
    try {
      return await runCommand({
        sandbox,
        root: folder.path,
        folder: scratch.path,
        isNarrow: narrow,
        limits,
        network: wanted.network ?? false,
        binds: files?.binds ?? [],
        argv,
        environment: wanted.environment ?? {},
        timeout: wanted.timeout ?? usualTimeout,
        signal: watch.signal,
        onLine: createLineSink(wanted, options),
        input: wanted.input,
        createFilter: options.createFilter,
      });
    } finally {
      for (const path of (await files?.release()) ?? []) lost.add(path);
      removeCreated(folder, trees);
    }
  }

  async function pull(): Promise<readonly Change[]> {
    const changes = compareSnapshot(before, await walkFolder(folder, skipped, signal), folder, bodies);
    for (const path of changes.map(pathOf).filter(isBlindHere)) lost.add(path);
    return changes.filter((change) => !isBlindHere(pathOf(change)));
  }

  /** A blind path that was pushed is as it should be; a warning is only for what a command makes of it. */
  function acceptBlind(path: string): void {
    if (statEntry(folder, path) === undefined) before.delete(path);
    else before.set(path, look(folder, path).signature);
  }

  /** One thing at a time, and closing waits for it. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = active.then(work);
    active = turn.catch(() => {});
    return turn;
  }

  return {
    push: (changes) =>
      inTurn(async () => {
        await bodies.preserve();
        await applyChanges(changes, folder, at('incoming'), signal);
        for (const path of changes.map(pathOf).filter(isBlindHere)) acceptBlind(path);
      }),
    run: (argv, wanted) => inTurn(() => run(argv, wanted)),
    pull: () => inTurn(pull),
    collect: (name, onFile) =>
      inTurn(async () => {
        await collectFiles(folder, name, onFile);
        await applyChanges([{ op: 'remove', path: name }], folder, at('incoming'), signal);
      }),
    // Between commands nothing runs.
    stop: () => {},
    warnings: () =>
      [...lost].sort().map((path) => `a command changed ${path}, which is left to the engines: that is lost`),
    async [Symbol.asyncDispose]() {
      await active;
      removal ??= removeScratch(scratch);
      await removal;
    },
  };
}

// A command can leave names and depths at which a removal by paths fails; rm walks by descriptors.
async function removeScratch(scratch: Scratch): Promise<void> {
  const unaborted = new AbortController().signal;
  const argv = ['rm', '-rf', '--one-file-system', 'root'];
  await runProcess(argv, { cwd: scratch.path, signal: unaborted, timeout: 600 });
  await scratch[Symbol.asyncDispose]();
}

const pathOf = (change: Change) => (change.op === 'put' ? change.entry.path : change.path);
