import { decodePath, showPath } from '../format/path.js';
import type { Bytes, EntryType } from '../model/image/entry.js';
import {
  blockSize,
  createTarError,
  cutAtNul,
  decodePax,
  decodeTarBlock,
  type PaxRecords,
  paddingAfter,
  type TarBlock,
  tarFlags,
} from './tar-header.js';

/**
 * tar-stream is not used: it decodes and encodes pax names as UTF-8, so names of other bytes do not survive, it cuts
 * large ids, and it writes mode 0 as 0644. The format is smaller than a list of such exceptions.
 */
export interface TarRecord {
  /** As `Entry.path`: without `./`, and without a slash in front or behind. */
  readonly path: string;
  /** `link`: another name for the file that `target` names (as `Entry.path`). */
  readonly type: EntryType | 'link';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, clamped to 0 to 2^32 - 1. */
  readonly mtime: number;
  readonly size: number;
  readonly target?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** Extended attributes by name (newc has no place for them). */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
  /** Bytes from the start of the tar to the body. */
  readonly position: number;
}

const types = new Map(Object.entries(tarFlags).map(([type, flag]) => [flag, type as TarRecord['type']]));
const textHeaderLimit = 1024 * 1024;
const maximumTime = 0xffffffff;
const nothing = Buffer.alloc(0);

/**
 * The records of an uncompressed tar (ustar, pax, GNU long names) in order. A body that was not read is skipped when the
 * next record is asked for. Reads the stream to its end. `onComment` gets the comment of every global pax header.
 * Errors, kind `invalid` with the offset: `tar-header`, `tar-pax`, `tar-type`, `tar-path`, `tar-truncated`.
 */
export async function* readEntries(
  stream: Bytes,
  onComment: (text: Uint8Array) => void = () => {},
): AsyncGenerator<{ record: TarRecord; body: Bytes }, void> {
  const source = createTarSource(stream);
  let globals: PaxRecords = new Map();
  let pax: PaxRecords = new Map();
  try {
    for (;;) {
      const offset = source.position();
      const bytes = await source.read(blockSize);
      if (bytes?.length !== blockSize)
        throw createTarError('tar-truncated', 'a tar without an end mark', offset);
      const block = decodeTarBlock(bytes, offset);
      if (block === undefined) break;
      if (block.flag === 'g') {
        const records = decodePax(await readText(source, block.size), offset);
        onComment(records.get('comment') ?? nothing);
        globals = new Map([...globals, ...records]);
        continue;
      }
      if ('xLK'.includes(block.flag)) {
        const text = await readText(source, block.size);
        pax = new Map([...pax, ...decodeExtension(block.flag, text, offset)]);
        continue;
      }
      const record = createRecord(block, new Map([...globals, ...pax]), source.position());
      pax = new Map();
      const end = record.position + record.size;
      const body = source.pieces(record.size);
      yield { record, body };
      for await (const _ of source.pieces(end - source.position() + paddingAfter(record.size)));
    }
    await source.drain();
  } finally {
    await source.close();
  }
}

/** The fields that a pax header, or a long name or target of GNU tar, gives the next record. */
function decodeExtension(flag: string, text: Buffer, offset: number): PaxRecords {
  if (flag === 'x') return decodePax(text, offset);
  return new Map([[flag === 'L' ? 'path' : 'linkpath', cutAtNul(text)]]);
}

function createRecord(block: TarBlock, pax: PaxRecords, position: number): TarRecord {
  const name = pax.get('path') ?? block.name;
  const isOldDirectory = (block.flag === '\0' || block.flag === '0') && name.at(-1) === 0x2f;
  const flag = '\x007'.includes(block.flag) ? '0' : block.flag;
  const type = isOldDirectory ? 'directory' : types.get(flag);
  if (type === undefined)
    throw createTarError('tar-type', `a tar record of the unknown type "${flag}"`, position);
  const target = decodePath(pax.get('linkpath') ?? block.linkName);
  return {
    path: normalizePath(decodePath(name), position, type === 'directory'),
    type,
    mode: block.mode & 0o7777,
    uid: readPaxNumber(pax, 'uid', position) ?? block.uid,
    gid: readPaxNumber(pax, 'gid', position) ?? block.gid,
    mtime: Math.min(
      Math.max(Math.floor(readPaxNumber(pax, 'mtime', position) ?? block.mtime), 0),
      maximumTime,
    ),
    size: type === 'file' ? (readPaxNumber(pax, 'size', position) ?? block.size) : 0,
    ...(type === 'symlink' && { target }),
    ...(type === 'link' && { target: normalizePath(target, position) }),
    ...((type === 'character' || type === 'block') && { device: block.device }),
    attributes: readAttributes(pax),
    position,
  };
}

function readAttributes(pax: PaxRecords): ReadonlyMap<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>();
  for (const [key, value] of pax) {
    const name = /^(?:SCHILY|LIBARCHIVE)\.xattr\.(.+)$/.exec(key)?.[1];
    if (name !== undefined) attributes.set(name, value);
  }
  return attributes;
}

async function readText(source: TarSource, size: number): Promise<Buffer> {
  const offset = source.position();
  if (size > textHeaderLimit) {
    throw createTarError(
      'tar-pax',
      `a name or pax header of ${size} bytes, at most ${textHeaderLimit} are read`,
      offset,
    );
  }
  const text = await source.read(size + paddingAfter(size));
  if (text === undefined) throw createTarError('tar-truncated', 'the tar stream ends too early', offset);
  return text.subarray(0, size);
}

function readPaxNumber(pax: PaxRecords, key: string, offset: number): number | undefined {
  const text = pax.get(key);
  if (text === undefined) return undefined;
  const value = Number(text.toString());
  const isWhole = Number.isSafeInteger(value) && value >= 0;
  if (text.length === 0 || !(key === 'mtime' ? Number.isFinite(value) : isWhole))
    throw createTarError('tar-pax', `the pax record ${key} is no number`, offset);
  return value;
}

/** Only a directory can be the root of an archive. */
function normalizePath(path: string, offset: number, isDirectory = false): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || path.includes('\0') || (parts.length === 0 && !isDirectory))
    throw createTarError(
      'tar-path',
      `the name ${showPath(path)} is no place in the archive for a file`,
      offset,
    );
  return parts.join('/');
}

/** A byte stream that is read in chosen lengths. */
interface TarSource {
  /** Bytes read so far. */
  position(): number;
  /** Exactly `length` bytes; `undefined` when the stream has ended before the first of them. */
  read(length: number): Promise<Buffer | undefined>;
  /** The next `length` bytes, in the pieces of the stream. */
  pieces(length: number): AsyncGenerator<Buffer, void>;
  /** Reads to the end: a sender must not be cut off. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

function createTarSource(stream: Bytes): TarSource {
  const iterator = stream[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let position = 0;

  async function nextPiece(limit: number): Promise<Buffer | undefined> {
    while (held.length === 0) {
      const next = await iterator.next();
      if (next.done) return undefined;
      held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const piece = held.subarray(0, limit);
    held = held.subarray(piece.length);
    position += piece.length;
    return piece;
  }

  async function* pieces(length: number): AsyncGenerator<Buffer, void> {
    for (let left = length; left > 0; ) {
      const piece = await nextPiece(left);
      if (piece === undefined)
        throw createTarError('tar-truncated', 'the tar stream ends too early', position);
      left -= piece.length;
      yield piece;
    }
  }

  return {
    position: () => position,
    pieces,
    async read(length) {
      const first = await nextPiece(length);
      if (first === undefined || first.length === length) return first;
      const parts = [first];
      for await (const piece of pieces(length - first.length)) parts.push(piece);
      return Buffer.concat(parts);
    },
    async drain() {
      while ((await nextPiece(Number.POSITIVE_INFINITY)) !== undefined);
    },
    async close() {
      await iterator.return?.();
    },
  };
}
