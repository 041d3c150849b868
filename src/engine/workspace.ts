import { collectBytes } from '../io/collect.js';
import type { Archive } from '../model/archive.js';
import type { Change } from '../model/change.js';
import type { EngineOptions, Executor, OpenWorkspace, WorkspaceState } from '../model/engine.js';
import type { Entry } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { Plan } from '../model/plan.js';
import type { RunOptions, RunResult } from '../model/workspace.js';
import { ancestorPaths, isBelow, resolvePath } from '../tree/resolve.js';
import { createBodyCache } from './body-cache.js';
import { refineDelta } from './delta.js';
import { runWithDownloads } from './downloads.js';
import { createOverlay } from './overlay.js';
import { createEntry } from './put-entry.js';

const longestRead = 16 * 2 ** 20;

/** What makes a workspace able to run commands; absent for the `stream` engine. */
export interface CommandSupport {
  readonly blind: readonly string[];
  /** Called for the first command only: a build without commands never starts anything. */
  open(): Promise<Executor>;
  /** Opens it before that where this takes other time than the steps' own; undefined where it does not. */
  openEarly?(): Promise<Executor | undefined>;
}

/**
 * The one workspace of all engines. Steps that only put and remove files work on an overlay over the
 * image's entries, in this process, so every engine gives the same bytes for them. The first command
 * opens the engine's executor; what was put before is pushed to it, and what its root differs in is
 * pulled back when somebody asks. Nothing that no step touched ever passes through an engine.
 */
export function createWorkspace(
  image: Archive,
  plan: Plan,
  options: EngineOptions,
  commands?: CommandSupport,
): OpenWorkspace {
  const overlay = createOverlay(image.entries);
  const cached = createBodyCache(image, plan.reads, options.cache);
  const warnings = new Set<string>(options.from?.warnings);
  const unpushed = new Set<string>();
  const compared = new WeakMap<Entry, boolean>();
  let executor: Executor | undefined;
  let early: Promise<Executor | undefined> = Promise.resolve(undefined);
  let behind = false;
  /** Who waits for the state as the last command left it. */
  let waiting: ((state: WorkspaceState) => void) | undefined;

  const isBlind = (path: string) =>
    commands?.blind.some((blind) => path === blind || isBelow(path, blind)) ?? false;

  /** Brings in what commands did since the last look. */
  async function refresh(): Promise<void> {
    options.signal.throwIfAborted();
    if (!behind || executor === undefined) return;
    const changes = await refine(await executor.pull());
    overlay.replaceAll([...changes, ...overlay.changes().filter((change) => isBlind(pathOf(change)))]);
    behind = false;
    tellState(waiting);
    waiting = undefined;
  }

  async function refine(raw: readonly Change[]): Promise<readonly Change[]> {
    const delta = await refineDelta(image, raw, options.stamp, compared);
    for (const warning of delta.warnings) warnings.add(warning);
    return delta.changes;
  }

  function tellState(take?: (state: WorkspaceState) => void): void {
    const changes = overlay.changes();
    // What an executor warns of is in its root and in no change; devices and their like it does not take back.
    const whole = executor === undefined || executor.warnings().length === 0;
    if (whole && changes.every(isPortable)) take?.({ changes, warnings: [...warnings] });
  }

  function locate(path: string, followLast = false): string {
    const found = resolvePath(overlay.get, path, followLast);
    if (found === undefined)
      throw new MobyPatchError('invalid', 'path-loop', 'too many symbolic links lead to this path', { path });
    return found;
  }

  function touch(path: string): void {
    if (!isBlind(path)) unpushed.add(path);
  }

  function createParents(path: string): void {
    for (const ancestor of ancestorPaths(path)) {
      const found = overlay.get(ancestor);
      if (found?.type === 'directory') continue;
      if (found !== undefined) {
        throw new MobyPatchError(
          'invalid',
          'path-not-directory',
          `found a ${found.type} at ${ancestor}, wanted a directory`,
          { path },
        );
      }
      overlay.put(createEntry({ path: ancestor, type: 'directory' }, options.stamp));
      touch(ancestor);
    }
  }

  if (options.from !== undefined) {
    overlay.replaceAll(options.from.changes);
    for (const change of options.from.changes) touch(pathOf(change));
  }

  async function push(): Promise<void> {
    const changes = [...unpushed].sort().map((path): Change => {
      const entry = overlay.get(path);
      return entry === undefined ? { op: 'remove', path } : { op: 'put', entry };
    });
    await executor?.push(changes);
    unpushed.clear();
  }

  async function follow(path: string): Promise<Entry | undefined> {
    await refresh();
    return overlay.get(locate(path, true));
  }

  return {
    async stat(path) {
      await refresh();
      return overlay.get(locate(path));
    },
    follow,
    async list(path) {
      await refresh();
      return overlay.list(locate(path, true));
    },
    async read(path) {
      const entry = await follow(path);
      if (entry?.type !== 'file') {
        throw new MobyPatchError(
          'invalid',
          'path-not-file',
          `found ${entry === undefined ? 'nothing' : `a ${entry.type}`}, wanted a regular file`,
          { path },
        );
      }
      return (await cached(entry)) ?? collectBytes(entry.body(), longestRead, path);
    },
    async put(file) {
      await refresh();
      const path = locate(file.path);
      const old = overlay.get(path);
      if (path === '' && file.type !== 'directory')
        throw new MobyPatchError('invalid', 'path-invalid', 'the root itself can only be a directory', {
          path: '/',
        });
      if (old?.type === 'directory' && file.type !== 'directory') {
        throw new MobyPatchError(
          'invalid',
          'path-is-directory',
          `found a directory, wanted to put a ${file.type} there`,
          { path, hint: 'remove the directory in a step before' },
        );
      }
      createParents(path);
      overlay.put(createEntry({ ...file, path }, options.stamp, old));
      touch(path);
    },
    async remove(path) {
      await refresh();
      const at = locate(path);
      if (at === '' || overlay.get(at) === undefined) return false;
      overlay.remove(at);
      touch(at);
      return true;
    },
    async restore(path) {
      await refresh();
      const at = locate(path);
      for (const changed of overlay.restore(at)) touch(changed);
    },
    async run(argv: readonly string[], run: RunOptions = {}): Promise<RunResult> {
      if (commands === undefined)
        throw new MobyPatchError('infrastructure', 'no-commands', 'this engine runs no commands', {
          hint: 'use --engine docker or --engine local',
        });
      options.signal.throwIfAborted();
      executor ??= (await early) ?? (await commands.open());
      if (unpushed.size > 0) await push();
      behind = true;
      waiting = undefined;
      if (run.downloads === undefined) return executor.run(argv, run);
      return runWithDownloads(executor, argv, run, run.downloads, image.layout.sha256, options.cache);
    },
    async changes() {
      await refresh();
      return refine(overlay.changes());
    },
    expectCommands() {
      early = commands?.openEarly?.() ?? early;
      // Nobody is told unless a command comes.
      early.catch(() => {});
    },
    release: () => void early.then((opened) => (executor ?? opened)?.release?.()).catch(() => {}),
    whenKnown(take) {
      if (behind) waiting = take;
      else tellState(take);
    },
    warnings: () => [...warnings, ...(executor?.warnings() ?? [])],
    async [Symbol.asyncDispose]() {
      const opened = executor ?? (await early.catch(() => undefined));
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

function isPortable(change: Change): boolean {
  return change.op === 'remove' || ['file', 'directory', 'symlink'].includes(change.entry.type);
}

function pathOf(change: Change): string {
  return change.op === 'put' ? change.entry.path : change.path;
}
