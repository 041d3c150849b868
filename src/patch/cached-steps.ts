import { cacheEntry } from '../io/cache.js';
import { readPieces } from '../io/file/read-write.js';
import type { Cache, CachedFile, CacheEntry } from '../model/cache.js';
import type { Change } from '../model/image/change.js';
import type { Bytes, Entry } from '../model/image/entry.js';
import type { EngineName, WorkspaceState } from '../model/patch/engine.js';
import type { Step } from '../model/patch/patch.js';
import type { StepReport } from '../model/result/report.js';
import { type Head, parseHead, type StoredChange } from './stored-head.js';

/** Raised when the file looks different, or when a workspace makes other changes of the same commands. */
const version = 5;
const lengthSize = 8;

/** What the first steps of a plan made of the image in an earlier build. */
export interface CachedSteps extends AsyncDisposable {
  readonly steps: readonly StepReport[];
  /** Whether an image with these steps has passed all checks, a boot included. */
  readonly proven: boolean;
  /** Bodies are read from the cached file: valid until this is closed. */
  readonly state: WorkspaceState;
}

/**
 * The longest prefix of these steps that is cached for this engine: engines differ in hard links that a command
 * writes through. A prefix without commands is not looked up, since applying it takes no time.
 */
export async function openCachedSteps(
  steps: readonly Step[],
  engine: EngineName,
  cache: Cache,
): Promise<CachedSteps | undefined> {
  const first = steps.findIndex(({ needs }) => needs.length > 0);
  if (first < 0) return undefined;
  for (let count = steps.length; count > first; count -= 1) {
    const known = steps.slice(0, count);
    const step = known.at(-1) as Step;
    const file = await stepsEntry(cache, engine, step).open();
    if (file === undefined) continue;
    const cached = await readSteps(file, known, await proofEntry(cache, engine, step).has());
    if (cached !== undefined) return cached;
    await file[Symbol.asyncDispose]();
  }
  return undefined;
}

export interface AppliedSteps {
  readonly steps: readonly Step[];
  /** One for each step. */
  readonly reports: readonly StepReport[];
  /** By the ids of steps; a state may appear when the changes of the workspace are read. */
  readonly checkpoints: ReadonlyMap<string, WorkspaceState>;
}

/**
 * Caches the steps up to each checkpoint, unproven, and none from the first that gets a secret on: their changes may hold
 * it. To be called when they have succeeded, before the workspace is closed; also after the failure of a later step.
 * Returns whether the last checkpoint is in the cache now.
 */
export async function cacheSteps(
  { steps, reports, checkpoints }: AppliedSteps,
  engine: EngineName,
  cache: Cache,
): Promise<boolean> {
  let isKept = false;
  for (const [index, step] of steps.entries()) {
    if (step.secrets.length > 0) return false;
    const state = checkpoints.get(step.id);
    if (state === undefined || index >= reports.length || measure(state) > largestState) continue;
    // One that was there was of no use.
    isKept = await stepsEntry(cache, engine, step).write(writeSteps(reports.slice(0, index + 1), state));
  }
  return isKept;
}

/** Marks the steps as those of a build that has passed all its checks. */
export async function proveSteps(steps: readonly Step[], engine: EngineName, cache: Cache): Promise<void> {
  for (const step of steps) {
    const proof = proofEntry(cache, engine, step);
    const isCached = await stepsEntry(cache, engine, step).has();
    if (isCached && !(await proof.has())) await proof.write(Buffer.from(step.id));
  }
}

/** Bytes of all bodies: a larger state would drive everything else out of the cache. */
const largestState = 2 ** 30;

function measure({ changes }: WorkspaceState): number {
  return changes.reduce((sum, change) => sum + (change.op === 'put' ? change.entry.size : 0), 0);
}

function proofEntry(cache: Cache, engine: EngineName, { id }: Step): CacheEntry {
  return cacheEntry(cache, 'steps', version, engine, id, 'proven');
}

function stepsEntry(cache: Cache, engine: EngineName, { id }: Step): CacheEntry {
  return cacheEntry(cache, 'steps', version, engine, id);
}

/** The length of the head, the head as JSON, and the bodies; names of one file have one body. */
async function* writeSteps(
  steps: readonly StepReport[],
  { changes, bootconfig, warnings }: WorkspaceState,
): Bytes {
  const places = new Map<string, number>();
  const bodies: Entry[] = [];
  let end = 0;
  const stored = changes.map((change): StoredChange => {
    if (change.op === 'remove') return change;
    const { body, ...entry } = change.entry;
    const at = (entry.link === undefined ? undefined : places.get(entry.link)) ?? end;
    if (entry.type === 'file' && at === end && entry.size > 0) {
      if (entry.link !== undefined) places.set(entry.link, at);
      bodies.push(change.entry);
      end += entry.size;
    }
    return { op: 'put', entry, at };
  });
  const head = Buffer.from(JSON.stringify({ steps, warnings, bootconfig, changes: stored } satisfies Head));
  const length = Buffer.alloc(lengthSize);
  length.writeBigUInt64LE(BigInt(head.length));
  yield length;
  yield head;
  for (const entry of bodies) yield* entry.body();
}

async function readSteps(
  file: CachedFile,
  steps: readonly Step[],
  proven: boolean,
): Promise<CachedSteps | undefined> {
  try {
    const length = Number(Buffer.from(await file.read(0, lengthSize)).readBigUInt64LE());
    const start = lengthSize + length;
    const head = parseHead(Buffer.from(await file.read(lengthSize, start)).toString(), {
      steps,
      bodies: file.size - start,
    });
    if (head === undefined) return undefined;
    const changes = head.changes.map(
      (change): Change =>
        change.op === 'remove'
          ? change
          : { op: 'put', entry: readEntry(change.entry, file, start + change.at) },
    );
    return {
      // The same steps may have been those of a patch of another name.
      steps: head.steps.map((step, index) => ({
        ...step,
        patch: steps[index]?.patch ?? step.patch,
        cached: true,
        proven,
        durationMs: 0,
      })),
      proven,
      state: { changes, bootconfig: head.bootconfig, warnings: head.warnings },
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError)
      return undefined;
    throw error;
  }
}

function readEntry(entry: Omit<Entry, 'body'>, file: CachedFile, start: number): Entry {
  return {
    ...entry,
    body: () => readPieces(file, start, start + (entry.type === 'file' ? entry.size : 0)),
  };
}
