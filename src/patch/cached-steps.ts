import { cacheEntry } from '../io/cache.js';
import { readPieces } from '../io/read-pieces.js';
import type { Cache, CachedFile, CacheEntry } from '../model/cache.js';
import type { Change } from '../model/change.js';
import type { EngineName, WorkspaceState } from '../model/engine.js';
import type { Bytes, Entry } from '../model/entry.js';
import type { Step } from '../model/patch.js';
import type { StepReport } from '../model/report.js';

/** Raised when the file looks different, or when a workspace makes other changes of the same commands. */
const version = 3;
const lengthSize = 8;

/** What the first steps of a plan made of the image in an earlier build that passed all its checks. */
export interface KeptSteps extends AsyncDisposable {
  readonly steps: readonly StepReport[];
  /** Bodies are read from the kept file: valid until this is closed. */
  readonly state: WorkspaceState;
}

/** A put without what its body comes from; `at`: where the body begins, counted from the first one. */
type KeptChange =
  | { readonly op: 'put'; readonly entry: Omit<Entry, 'body'>; readonly at: number }
  | { readonly op: 'remove'; readonly path: string };

interface KeptHead {
  readonly steps: readonly StepReport[];
  readonly warnings: readonly string[];
  readonly changes: readonly KeptChange[];
}

/**
 * The longest prefix of these steps that was kept for this engine: engines differ in hard links that a command
 * writes through. A prefix without commands is not looked for, since doing it takes no time.
 */
export async function findKeptSteps(
  steps: readonly Step[],
  engine: EngineName,
  cache: Cache,
): Promise<KeptSteps | undefined> {
  const first = steps.findIndex(({ needs }) => needs.length > 0);
  if (first < 0) return undefined;
  for (const step of steps.slice(first).reverse()) {
    const file = await stepsEntry(cache, engine, step).open();
    if (file === undefined) continue;
    const kept = await readKept(file);
    if (kept !== undefined) return kept;
    await file[Symbol.asyncDispose]();
  }
  return undefined;
}

/** Keeps what steps up to and including `last` made. The state's bodies must still be valid. */
export async function keepSteps(
  last: Step,
  steps: readonly StepReport[],
  state: WorkspaceState,
  engine: EngineName,
  cache: Cache,
): Promise<void> {
  const entry = stepsEntry(cache, engine, last);
  if (!(await entry.has())) await entry.write(writeKept(steps, state));
}

function stepsEntry(cache: Cache, engine: EngineName, { id }: Step): CacheEntry {
  return cacheEntry(cache, 'steps', version, engine, id);
}

/** The length of the head, the head as JSON, and the bodies; names of one file have one body. */
async function* writeKept(steps: readonly StepReport[], { changes, warnings }: WorkspaceState): Bytes {
  const places = new Map<string, number>();
  const bodies: Entry[] = [];
  let end = 0;
  const kept = changes.map((change): KeptChange => {
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
  const head = Buffer.from(JSON.stringify({ steps, warnings, changes: kept } satisfies KeptHead));
  const length = Buffer.alloc(lengthSize);
  length.writeBigUInt64LE(BigInt(head.length));
  yield length;
  yield head;
  for (const entry of bodies) yield* entry.body();
}

async function readKept(file: CachedFile): Promise<KeptSteps | undefined> {
  try {
    const length = Number(Buffer.from(await file.read(0, lengthSize)).readBigUInt64LE());
    const start = lengthSize + length;
    const head: KeptHead = JSON.parse(Buffer.from(await file.read(lengthSize, start)).toString());
    const changes = head.changes.map(
      (change): Change =>
        change.op === 'remove'
          ? change
          : { op: 'put', entry: readEntry(change.entry, file, start + change.at) },
    );
    return {
      steps: head.steps.map((step) => ({ ...step, cached: true, durationMs: 0 })),
      state: { changes, warnings: head.warnings },
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function readEntry(entry: Omit<Entry, 'body'>, file: CachedFile, start: number): Entry {
  return {
    ...entry,
    body: () => readPieces(file, start, start + (entry.type === 'file' ? entry.size : 0)),
  };
}
