import { readSegment } from '../compress/archive.js';
import { withoutBootconfig } from '../compress/find-bootconfig.js';
import { createMembersAhead } from '../compress/gzip/members-ahead.js';
import { createTokenCursor } from '../compress/token-cursor.js';
import { bootconfigEndSize, decodeBootconfig } from '../format/bootconfig/bootconfig-trailer.js';
import { type InputFile, openInputFile, readRange } from '../io/file/input-file.js';
import { holdBytes } from '../io/file/spool.js';
import { inTurns } from '../io/turns.js';
import type { Archive, Image, TokenOptions, Tokens } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';
import type { ArchiveRecord, Layout, Segment } from '../model/image/layout.js';
import { mergeInSteps } from '../tree/merge.js';
import { createCollector, type RecordWatcher, type ScannedImage } from './collector.js';
import { type ImageReading, readWhole, type ScanRequest, type Shortcut } from './reading.js';
import { limitFile } from './scan-files.js';
import { watchReads } from './watch-reads.js';

export interface OpenOptions extends ScanRequest {
  /** What messages call the file; default: its path. */
  readonly name?: string | undefined;
}

export interface OpenScannedOptions extends OpenOptions {
  /** A way to know the content sooner; the file is read as a whole where it does not apply. */
  readonly shortcut?: Shortcut | undefined;
}

export interface OpenWatchedOptions extends OpenOptions {
  readonly watch: () => Promise<RecordWatcher>;
}

/**
 * Reads and checks a whole image file: its segments, their records and the tree the kernel makes of them.
 * Errors (`invalid`): image-unreadable, image-invalid, image-truncated, image-corrupt, image-unsupported,
 * image-too-large, each with the offset. Bodies stay in the file and are read from it on demand.
 */
export function openImage(path: string, options: OpenOptions): Promise<Image> {
  return openScanned(path, options);
}

/** The same with all that the scan found, and with a shortcut. */
export function openScanned(path: string, options: OpenScannedOptions): Promise<ScannedImage> {
  const { name, shortcut, ...request } = options;
  return openReading(path, request, name, async (file) => {
    const reading = await shortcut?.(file, request);
    if (reading !== undefined) return reading;
    const collector = createCollector({ ...request, runs: request.digest });
    return readWhole(file, { ...request, collector });
  });
}

/**
 * The same without a shortcut, with a watcher that sees all that is read. `watch` is called when the file is open.
 */
export function openWatched(
  path: string,
  { name, watch, ...request }: OpenWatchedOptions,
): Promise<ScannedImage> {
  return openReading(path, request, name, async (file) => {
    const watcher = await watch();
    const collector = createCollector({ ...request, runs: request.digest, watcher });
    return readWhole(file, { ...request, collector });
  });
}

async function openReading(
  path: string,
  { signal, files, onWork }: Pick<ScanRequest, 'signal' | 'files' | 'onWork'>,
  name: string | undefined,
  read: (file: InputFile) => Promise<ImageReading>,
): Promise<ScannedImage> {
  const file = { ...watchReads(await openInputFile(path, name), onWork), signal };
  try {
    const reading = await read(file);
    await file.assertUnchanged();
    const bootconfig = await readBootconfig(file, reading.scan.segments);
    return await createImage(file, { ...reading, signal, files, bootconfig });
  } catch (error) {
    const changed = await file.assertUnchanged().catch((change) => change);
    await file[Symbol.asyncDispose]();
    throw changed ?? error;
  }
}

/** What is read of a file that changes is neither its old nor its new content, and its faults are no faults of an image. */
async function* readUnchanged<T>(file: InputFile, source: AsyncIterable<T>): AsyncGenerator<T, void, void> {
  try {
    yield* source;
  } catch (error) {
    await file.assertUnchanged();
    throw error;
  }
  await file.assertUnchanged();
}

/** As much of it as a kernel would parse, and more. */
const longestText = 2 ** 20;

async function readBootconfig(file: InputFile, segments: readonly Segment[]): Promise<string | undefined> {
  const last = segments.at(-1);
  if (last?.kind !== 'bootconfig') return undefined;
  const end = Math.min(last.end - bootconfigEndSize, last.offset + longestText);
  return decodeBootconfig(await file.read(last.offset, end));
}

async function createImage(
  file: InputFile,
  {
    scan,
    sha256,
    members,
    signal,
    files,
    bootconfig,
  }: ImageReading & Pick<ScanRequest, 'signal' | 'files'> & Pick<Archive, 'bootconfig'>,
): Promise<ScannedImage> {
  const { segments, digests, held, runs, faults } = scan;
  const listRecords = rememberWeakly(() => scan.records.filter((record) => record !== undefined));
  // An archive without a TRAILER must not go on into the next file.
  const last = segments.at(-1);
  const unpacked = withoutBootconfig(file, last?.kind === 'bootconfig' ? last.offset : undefined);
  const limit = (index: number) => (files ? limitFile(file, segments[index]?.end ?? 0) : unpacked);
  const tokens = (index: number, options?: TokenOptions) =>
    readUnchanged(file, readTokens(limit(index), segments[index], { ...options, members }));
  const bodies = (wanted: ReadonlySet<ArchiveRecord>) =>
    readUnchanged(file, readBodies({ segments, records: listRecords(), held, tokens }, wanted));
  const read = (record: ArchiveRecord) => readBody(record, bodies);
  const merged = await inTurns(mergeInSteps(scan.records, read), signal);
  const root = findRoot(segments, merged.entries);
  const layout: Layout = { size: file.size, sha256, segments, root, ...(files && { files }) };
  return {
    name: file.name,
    file: file.path,
    access: file.access,
    layout,
    get records() {
      return listRecords();
    },
    ...merged,
    digests,
    runs,
    faults,
    bootconfig,
    scan,
    tokens,
    raw: (index) =>
      readUnchanged(file, readRange(file, segments[index]?.offset ?? 0, segments[index]?.end ?? 0)),
    fill(index, bytes, at) {
      const { offset = 0, end = 0 } = segments[index] ?? {};
      return file.fill(bytes.subarray(0, Math.max(0, end - offset - at)), offset + at);
    },
    bodies,
    async copy(destination) {
      await file.copy(destination);
      await file.assertUnchanged();
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

async function* readTokens(
  file: InputFile,
  segment: Segment | undefined,
  { passing, members }: TokenOptions & Pick<ImageReading, 'members'>,
): Tokens {
  if (segment?.kind !== 'cpio') return;
  yield* readSegment(file, segment, { passing, ahead: members && createMembersAhead(file, members) });
}

type ReadBodies = (wanted: ReadonlySet<ArchiveRecord>) => AsyncIterable<readonly [ArchiveRecord, Bytes]>;

async function* readBody(record: ArchiveRecord, bodies: ReadBodies): AsyncGenerator<Uint8Array, void, void> {
  for await (const [, body] of bodies(new Set([record]))) yield* body;
}

interface BodySource extends Pick<ScannedImage, 'records' | 'tokens'> {
  readonly segments: readonly Segment[];
  readonly held: ReadonlyMap<ArchiveRecord, Uint8Array>;
}

/** Visits bodies segment by segment; a segment is not decompressed when all its wanted bodies are in memory. */
async function* readBodies(
  { segments, records, held, tokens }: BodySource,
  wanted: ReadonlySet<ArchiveRecord>,
): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  let first = 0;
  for (const [index, { entries }] of segments.entries()) {
    const own = records.slice(first, first + entries);
    first += entries;
    const asked = own.filter((record) => wanted.has(record));
    if (asked.every((record) => held.has(record))) {
      for (const record of asked) yield [record, holdBytes(held.get(record) ?? new Uint8Array()).body()];
      continue;
    }
    let left = asked.length;
    await using cursor = createTokenCursor(tokens(index));
    for (const record of own) {
      if (left === 0) break;
      await cursor.nextEntry();
      if (!wanted.has(record)) continue;
      left -= 1;
      yield [record, cursor.body()];
    }
  }
}

/** New entries go where `/init` comes from; without one, to the archive with the most entries. */
function findRoot(segments: readonly Segment[], entries: Archive['entries']): number {
  const init = entries.get('init') ?? entries.get('sbin/init');
  if (init !== undefined) return init.record.segment;
  return segments.reduce(
    (best, segment, index) => (segment.entries > (segments[best]?.entries ?? 0) ? index : best),
    0,
  );
}

/** Made again when the collector has taken it: of a large image, one more list of all records would stay in memory. */
function rememberWeakly<T extends object>(make: () => T): () => T {
  let known: WeakRef<T> | undefined;
  return () => {
    let made = known?.deref();
    if (made === undefined) {
      made = make();
      known = new WeakRef(made);
    }
    return made;
  };
}
