import { showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Change } from '../model/image/change.js';
import type { Bytes, Entry } from '../model/image/entry.js';
import type { RunDifference } from '../model/result/twice.js';
import { findRemedy } from './hazards/generated.js';

/** Differences that a message names. */
const mostNamed = 10;

/** What two runs of the same steps made differently, by path. `writers`: path -> the steps that wrote it. */
export async function compareRuns(
  first: readonly Change[],
  second: readonly Change[],
  writers: ReadonlyMap<string, readonly string[]>,
): Promise<RunDifference[]> {
  const [one, other] = [indexChanges(first), indexChanges(second)];
  const differences: RunDifference[] = [];
  for (const path of [...new Set([...one.keys(), ...other.keys()])].sort()) {
    const found = await compareChanges(one.get(path), other.get(path));
    const remedy = findRemedy(path);
    if (found !== undefined) differences.push({ path, ...found, steps: writers.get(path) ?? [], remedy });
  }
  return differences;
}

/** Error (`failed`): `not-reproducible`, with the paths, the steps and what to do. */
export function refuseDifferences(differences: readonly RunDifference[]): void {
  if (differences.length === 0) return;
  const lines = differences.slice(0, mostNamed).map((each) => `  ${describeDifference(each)}`);
  const more = differences.length > mostNamed ? `\n  and ${differences.length - mostNamed} more` : '';
  const remedies = [...new Set(differences.flatMap(({ remedy }) => remedy ?? []))];
  throw new MobyPatchError(
    'failed',
    'not-reproducible',
    `two runs of the same steps made different things:\n${lines.join('\n')}${more}`,
    {
      hint:
        remedies.length > 0
          ? remedies.slice(0, 5).join('; ')
          : 'take them out, or give them fixed contents, in a step after the one that writes them',
    },
  );
}

/** One line. */
function describeDifference({ path, what, offset, steps }: RunDifference): string {
  const where = offset === undefined ? what : `${what} from byte ${offset} on`;
  const by = steps.length === 0 ? '' : `, written by ${steps.join(', then ')}`;
  return `${showPath(path)}: ${where}${by}`;
}

function indexChanges(changes: readonly Change[]): Map<string, Change> {
  return new Map(changes.map((change) => [change.op === 'put' ? change.entry.path : change.path, change]));
}

type Found = Pick<RunDifference, 'what' | 'offset'>;

async function compareChanges(
  one: Change | undefined,
  other: Change | undefined,
): Promise<Found | undefined> {
  if (one?.op !== other?.op) return { what: 'only once' };
  return one?.op === 'put' && other?.op === 'put' ? compareEntries(one.entry, other.entry) : undefined;
}

async function compareEntries(one: Entry, other: Entry): Promise<Found | undefined> {
  if (one.type !== other.type) return { what: 'type' };
  if (one.type === 'file') {
    const offset = await findFirstDifference(one.body(), other.body());
    if (offset !== undefined) return { what: 'contents', offset };
  }
  if (one.target !== other.target) return { what: 'target' };
  if (one.mode !== other.mode) return { what: 'mode' };
  if (one.uid !== other.uid || one.gid !== other.gid) return { what: 'owner' };
  return one.mtime === other.mtime ? undefined : { what: 'time' };
}

/** The offset of the first byte that differs; the end of the shorter one when it begins the longer one. */
async function findFirstDifference(one: Bytes, other: Bytes): Promise<number | undefined> {
  const left = readBytes(one);
  const right = readBytes(other);
  try {
    return await findDifference(left, right);
  } finally {
    // Their files stay open until they are told that nobody reads on.
    await left.close();
    await right.close();
  }
}

type Reader = ReturnType<typeof readBytes>;

async function findDifference(left: Reader, right: Reader): Promise<number | undefined> {
  let position = 0;
  for (;;) {
    const [a, b] = [await left.peek(), await right.peek()];
    if (a === undefined && b === undefined) return undefined;
    if (a === undefined || b === undefined) return position;
    const size = Math.min(a.length, b.length);
    if (Buffer.compare(a.subarray(0, size), b.subarray(0, size)) !== 0)
      return position + a.findIndex((byte, at) => byte !== b[at]);
    left.skip(size);
    right.skip(size);
    position += size;
  }
}

function readBytes(bytes: Bytes) {
  const pieces = bytes[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined = new Uint8Array();
  return {
    /** Undefined at the end. */
    async peek(): Promise<Uint8Array | undefined> {
      while (rest !== undefined && rest.length === 0) {
        const next = await pieces.next();
        rest = next.done ? undefined : next.value;
      }
      return rest;
    },
    async close(): Promise<void> {
      await pieces.return?.();
    },
    skip(size: number): void {
      rest = rest?.subarray(size);
    },
  };
}
