import { createRunKey, hasCachedRun, writeCachedRun } from '../compress/cached-runs.js';
import { createOriginal, type OriginalMember } from '../compress/codec.js';
import { chooseSettings, findRunFormat, isWorthHints } from '../compress/compression.js';
import { createGzipCompressor } from '../compress/gzip/writer.js';
import { joinSlabs, type RunCompressor } from '../compress/runs.js';
import { longestGzipHeader, parseGzipHeader } from '../format/codec/gzip-header.js';
import { padding } from '../format/cpio/cpio-header.js';
import type { InputFile } from '../io/file/input-file.js';
import { createSlabWriter, giveSlab } from '../io/file/slabs.js';
import type { Cache } from '../model/cache.js';
import type { Compression } from '../model/image/layout.js';
import type { MemberStart, RecordWatcher } from './collector.js';

/**
 * Compresses the runs of the first gzip archive in a file while the file is read, as a build that leaves them alone will
 * want them, and caches them for it: one pass over the file in place of two, with a second processor at work. Only an aid: a
 * build compresses what it does not find.
 */
export interface RunsAhead extends RecordWatcher, AsyncDisposable {
  /** Resolves when every run that was begun is in the cache, or was given up. */
  finish(): Promise<void>;
}

export interface RunsAheadOptions {
  readonly cache: Cache;
  /** Of the whole file. */
  readonly sha256: string;
}

/** How the runs of the archive are compressed and cached. */
interface Work {
  readonly segment: number;
  readonly recipe: string;
  readonly original: OriginalMember | undefined;
  readonly compressor: RunCompressor;
}

/** The bytes of a run, what it is cached under, and where it begins in the unpacked segment. */
interface RunTask {
  readonly bytes: Uint8Array;
  readonly key: string;
  readonly position: number;
}

export function createRunsAhead(file: InputFile, { cache, sha256 }: RunsAheadOptions): RunsAhead {
  const gathered = createGatherer();
  let work: Work | undefined;
  let isInside = false;
  /** Set when a thread or the cache fails: the build reports such a fault itself. */
  let isGivenUp = false;
  /** One after the other: hints are read in the order of the runs. */
  let starting: Promise<unknown> = Promise.resolve();
  const pending = new Set<Promise<void>>();

  function add(bytes: Uint8Array): void {
    if (isInside && !isGivenUp) gathered.add(bytes);
  }

  async function make(
    { recipe, original, compressor }: Work,
    { bytes, key, position }: RunTask,
  ): Promise<void> {
    const member = await compressor.compress(bytes, { origin: original && position });
    // Of other bytes than those that were hashed, hints make another member.
    await file.assertUnchanged();
    isGivenUp ||= !(await writeCachedRun(cache, recipe, { key, member }));
    giveSlab(member.buffer as ArrayBuffer);
  }

  function start(todo: Work, task: RunTask): void {
    const begun = starting.then(async () => {
      if (isGivenUp || (await hasCachedRun(cache, todo.recipe, task.key))) return {};
      const making = make(todo, task).catch(() => {
        isGivenUp = true;
      });
      // In an object, so that the next run need not wait for it.
      return { making };
    });
    starting = begun;
    const done = begun.then(({ making }) => making).finally(() => pending.delete(done));
    pending.add(done);
  }

  return {
    member(member) {
      // Hints are read of one member.
      if (work?.segment === member.segment) isGivenUp ||= work.original !== undefined;
      else if (work === undefined && member.codec === 'gzip') work = createWork(file, member, sha256);
    },
    begin({ segment }, raw) {
      isInside = segment === work?.segment;
      add(raw);
    },
    data: add,
    end: ({ header }) => add(new Uint8Array(padding(header.filesize))),
    run(run, segment, position) {
      if (work?.segment !== segment || isGivenUp) return;
      const bytes = gathered.take();
      if (bytes?.length === run.bytes)
        start(work, { bytes, key: createRunKey(run, work.original), position });
    },
    trailer: () => {},
    room: () =>
      work !== undefined && pending.size > work.compressor.depth ? Promise.race(pending) : undefined,
    async finish() {
      await Promise.all(pending);
    },
    async [Symbol.asyncDispose]() {
      await work?.compressor[Symbol.asyncDispose]();
    },
  };
}

/** Bytes: a longer run is not buffered. */
const longest = 16 * 2 ** 20;

interface Gatherer {
  add(bytes: Uint8Array): void;
  /** What was added since, in a buffer of its own; undefined when that was too much. */
  take(): Uint8Array | undefined;
}

function createGatherer(): Gatherer {
  let slabs: Uint8Array[] = [];
  let writer = createSlabWriter();
  let size = 0;
  return {
    add(bytes) {
      size += bytes.length;
      if (size <= longest) slabs.push(...writer.add(bytes));
      else slabs = [];
    },
    take() {
      const last = writer.end();
      const run = size > longest ? undefined : joinSlabs(last === undefined ? slabs : [...slabs, last]);
      [slabs, writer, size] = [[], createSlabWriter(), 0];
      return run;
    },
  };
}

function createWork(file: InputFile, member: MemberStart, sha256: string): Work | undefined {
  const { offset, segment } = member;
  const bytes = new Uint8Array(longestGzipHeader);
  const header = parseGzipHeader(bytes.subarray(0, file.fill(bytes, offset)));
  const recipe = findRunFormat('gzip')?.recipe;
  if (typeof header === 'string' || recipe === undefined) return undefined;
  const compression: Compression = { codec: 'gzip', level: header.level };
  const settings = chooseSettings(compression, undefined);
  const original = isWorthHints(compression)
    ? createOriginal(sha256, offset, (into, at) => file.fill(into, offset + at))
    : undefined;
  const compressor = createGzipCompressor({ ...settings, original });
  return { segment, recipe: recipe(settings), original, compressor };
}
