import { collectBytes } from '../io/collect.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import type { Entry } from '../model/image/entry.js';
import type { Engine, ExecutorOptions, OpenWorkspace, WorkspaceState } from '../model/patch/engine.js';
import type { VendoredFile } from '../model/patch/workspace.js';
import type { PathIndex } from '../tree/path-index.js';
import { coverPaths } from '../tree/resolve.js';
import { createBodyCache } from './body-cache.js';
import { createCommands } from './commands.js';
import { refineDelta } from './delta.js';
import { createOverlay, pathOf } from './overlay.js';

/** Bytes of a file that a step edits. */
const longestRead = 16 * 2 ** 20;

export interface WorkspaceOptions extends ExecutorOptions {
  readonly image: Archive;
  readonly engine: Engine;
  /** Paths that the plan reads: their bodies are fetched in one pass. */
  readonly reads: readonly string[];
  /** Seconds since 1970: the mtime of everything a step puts, and the latest one that stays. */
  readonly stamp: number;
  /** What to begin with in place of the image as it is: where the first steps of an earlier build ended. */
  readonly from?: WorkspaceState | undefined;
  /** Of the image's paths, where it is known. */
  readonly index?: PathIndex | undefined;
  /** In a build without a network: the downloads that are kept beside the lock. */
  readonly vendored?: readonly VendoredFile[] | undefined;
}

/**
 * The one workspace of all engines. Steps that only put and remove files work on an overlay over the image's
 * entries, in this process, so every engine gives the same bytes for them. Before a command runs, what was put is
 * pushed to the engine's root; after it, what differs there is pulled back on the next read. Nothing that no step
 * touched ever passes through an engine.
 */
export function createWorkspace(options: WorkspaceOptions): OpenWorkspace {
  const { image, engine, reads, stamp, from, signal, log, showPart, cache, createFilter, limits } = options;
  const overlay = createOverlay({ base: image.entries, stamp, index: options.index, changes: from?.changes });
  const readCached = createBodyCache(image, reads, cache);
  const isBlind = coverPaths(engine.blind);
  const executor = engine.executor(image, { signal, log, showPart, cache, createFilter, limits });
  const commands = createCommands({ image, executor, overlay, isBlind, cache, vendored: options.vendored });
  const warnings = new Set<string>(from?.warnings);
  const recorded = new Map<string, WorkspaceState>();
  /** The checkpoint whose state the next look will tell. */
  let marked: (Pick<WorkspaceState, 'bootconfig'> & { readonly id: string }) | undefined;
  let bootconfig = from === undefined ? image.bootconfig : from.bootconfig;

  async function refresh(): Promise<void> {
    signal.throwIfAborted();
    const pulled = await commands.pull();
    if (pulled === undefined) return;
    const changes = await refine(pulled);
    overlay.replaceAll([...changes, ...overlay.changes().filter((change) => isBlind(pathOf(change)))]);
    record();
  }

  async function refine(raw: readonly Change[]): Promise<readonly Change[]> {
    const delta = await refineDelta(image, raw, stamp);
    for (const warning of delta.warnings) warnings.add(warning);
    return delta.changes;
  }

  function record(): void {
    const changes = overlay.changes();
    // An executor warns of what is in its root and in no change; it makes no device, fifo or socket of a change.
    const isWhole = commands.warnings().length === 0 && changes.every(isPortable);
    if (marked !== undefined && isWhole)
      recorded.set(marked.id, { changes, bootconfig: marked.bootconfig, warnings: [...warnings] });
    marked = undefined;
  }

  async function follow(path: string): Promise<Entry | undefined> {
    await refresh();
    return overlay.get(overlay.follow(path));
  }

  return {
    async stat(path) {
      await refresh();
      return overlay.get(overlay.locate(path));
    },
    follow,
    async list(path) {
      await refresh();
      return overlay.list(overlay.follow(path));
    },
    async read(path) {
      const entry = await follow(path);
      if (entry?.type !== 'file') throw createNoFileError(path, entry);
      if (entry.size > longestRead) throw createTooLargeError(path, entry);
      return (await readCached(entry)) ?? collectBytes(entry.body(), longestRead, path);
    },
    async put(file) {
      await refresh();
      overlay.put({ ...file, path: overlay.locate(file.path) });
    },
    async remove(path) {
      await refresh();
      return overlay.remove(overlay.locate(path));
    },
    async restore(path) {
      await refresh();
      overlay.restore(overlay.locate(path));
    },
    async run(argv, runOptions = {}) {
      signal.throwIfAborted();
      marked = undefined;
      return commands.run(argv, runOptions);
    },
    bootconfig: () => bootconfig,
    putBootconfig(text) {
      bootconfig = text;
    },
    async changes() {
      await refresh();
      return refine(overlay.changes());
    },
    checkpoint(id) {
      marked = { id, bootconfig };
      if (!commands.isBehind()) record();
    },
    checkpoints: () => recorded,
    settle: refresh,
    expectCommands: commands.expect,
    endCommands: commands.end,
    warnings: () => [...warnings, ...commands.warnings()],
    [Symbol.asyncDispose]: () => commands[Symbol.asyncDispose](),
  };
}

function createNoFileError(path: string, entry: Entry | undefined): MobyPatchError {
  const there = entry === undefined ? 'nothing' : `a ${entry.type}`;
  return new MobyPatchError('invalid', 'path-not-file', `found ${there}, wanted a regular file`, { path });
}

function createTooLargeError(path: string, { size }: Entry): MobyPatchError {
  const message = `found a file of ${size} bytes, wanted at most ${longestRead}: steps that edit a text hold all of it`;
  return new MobyPatchError('failed', 'file-too-large', message, {
    path,
    hint: 'edit it in a "run" step, with sed say',
  });
}

function isPortable(change: Change): boolean {
  return change.op === 'remove' || ['file', 'directory', 'symlink'].includes(change.entry.type);
}
