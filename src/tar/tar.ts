import { Readable } from 'node:stream';
import { decodePath, encodePath, hasEscapes, showPath } from '../format/path.js';
import type { Bytes, Entry, EntryType } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import {
  blockSize,
  createTarError,
  cutAtNul,
  decodePax,
  decodeTarBlock,
  encodePax,
  encodeTarBlock,
  octalLimit,
  type PaxRecords,
  type TarBlock,
} from './tar-header.js';
import { createTarSource, type TarSource } from './tar-source.js';

/**
 * Why not tar-stream: it decodes and encodes pax names as UTF-8, so a name of other bytes cannot pass, and
 * it cuts large ids and writes mode 0 as 0644. The format is smaller than the list of its exceptions.
 */
export interface TarRecord {
  /** As `Entry.path`: without `./`, `/` in front or behind. */
  readonly path: string;
  /** `link`: another name for the file that `target` names (as `Entry.path`). */
  readonly type: EntryType | 'link';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, brought into 0 to 2^32 - 1. */
  readonly mtime: number;
  readonly size: number;
  readonly target?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** Names of extended attributes (newc has no place for them). */
  readonly attributes: readonly string[];
  /** Bytes from the start of the tar to the body. */
  readonly position: number;
}

export interface PackItem {
  readonly entry: Entry;
  /** Instead of `entry.body()`. */
  readonly body?: Bytes | undefined;
}

const flags: Record<Exclude<TarRecord['type'], 'socket'>, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const types = new Map(Object.entries(flags).map(([type, flag]) => [flag, type as TarRecord['type']]));
const textHeaderLimit = 1024 * 1024;
const maximumTime = 0xffffffff;
const nothing = Buffer.alloc(0);

/**
 * A tar (ustar with pax records) of entries, made as fast as it is read. The first name of a hard-link
 * group carries the body, the others become links to it. The root's path is written as `./`.
 * Errors: `tar-socket` (tar has no such type), `tar-body` (a body that is not `size` bytes long).
 */
export function packEntries(items: AsyncIterable<PackItem> | Iterable<PackItem>): Readable {
  return Readable.from(packBytes(items), { objectMode: false });
}

async function* packBytes(items: AsyncIterable<PackItem> | Iterable<PackItem>): AsyncGenerator<Uint8Array> {
  const groups = new Map<string, string>();
  for await (const { entry, body } of items) {
    const first = entry.link === undefined ? undefined : groups.get(entry.link);
    yield encodeEntry(entry, first);
    if (entry.type !== 'file' || first !== undefined) continue;
    if (entry.link !== undefined) groups.set(entry.link, entry.path);
    let size = 0;
    for await (const piece of body ?? entry.body()) {
      size += piece.length;
      if (size > entry.size) break;
      if (piece.length > 0) yield piece;
    }
    if (size !== entry.size) {
      throw new MobyPatchError(
        'failed',
        'tar-body',
        `the body of ${showPath(entry.path)} is not ${entry.size} bytes`,
      );
    }
    const padding = paddingAfter(size);
    if (padding > 0) yield Buffer.alloc(padding);
  }
  yield Buffer.alloc(2 * blockSize);
}

/** The header of one entry with its pax header in front when a field needs one. */
function encodeEntry(entry: Entry, linkTo: string | undefined): Uint8Array {
  if (entry.type === 'socket')
    throw createTarError('tar-socket', `${showPath(entry.path)}: tar has no sockets`);
  const type = linkTo === undefined ? entry.type : 'link';
  const name = encodePath(nameInTar(entry));
  const linkName = encodePath(linkTo ?? entry.target ?? '');
  const pax: PaxRecords = new Map();
  // Without it bsdtar unpacks such a name and ends with 1; GNU tar only mentions it.
  if (hasEscapes(entry.path + (linkTo ?? entry.target ?? ''))) pax.set('hdrcharset', Buffer.from('BINARY'));
  const texts: [string, Uint8Array][] = [
    ['path', name],
    ['linkpath', linkName],
  ];
  for (const [key, value] of texts)
    if (value.length > 100 || value.some((byte) => byte >= 0x80)) pax.set(key, value);
  for (const key of ['uid', 'gid'] as const) {
    if (entry[key] > octalLimit(7)) pax.set(key, Buffer.from(String(entry[key])));
  }
  const block: TarBlock = {
    flag: flags[type],
    name,
    mode: entry.mode,
    uid: pax.has('uid') ? 0 : entry.uid,
    gid: pax.has('gid') ? 0 : entry.gid,
    mtime: entry.mtime,
    size: type === 'file' ? entry.size : 0,
    linkName,
    device: entry.device ?? { major: 0, minor: 0 },
  };
  const header = encodeTarBlock(block);
  if (pax.size === 0) return header;
  const records = encodePax(pax);
  const paxBlock = { ...block, flag: 'x', name: Buffer.from('pax'), size: records.length, linkName: nothing };
  const padding = Buffer.alloc(paddingAfter(records.length));
  return Buffer.concat([encodeTarBlock(paxBlock), records, padding, header]);
}

function nameInTar(entry: Entry): string {
  if (entry.path === '') return './';
  return entry.type === 'directory' ? `${entry.path}/` : entry.path;
}

/**
 * The records of an uncompressed tar (ustar, pax, GNU long names) in their order; a body that was not read
 * when the next record is asked for is skipped. Reads the stream to its end. `onComment` gets the comment
 * of every global pax header.
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
      const bytes = await source.take(blockSize);
      if (bytes?.length !== blockSize)
        throw createTarError('tar-truncated', 'a tar without an end mark', offset);
      const block = decodeTarBlock(bytes, offset);
      if (block === undefined) break;
      if ('xgLK'.includes(block.flag)) {
        const text = await takeText(source, block.size);
        if (block.flag === 'x') pax = new Map([...pax, ...decodePax(text, offset)]);
        else if (block.flag === 'g') {
          const records = decodePax(text, offset);
          onComment(records.get('comment') ?? nothing);
          globals = new Map([...globals, ...records]);
        } else pax.set(block.flag === 'L' ? 'path' : 'linkpath', cutAtNul(text));
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
    attributes: [...pax.keys()].flatMap((key) => /^(?:SCHILY|LIBARCHIVE)\.xattr\.(.+)$/.exec(key)?.[1] ?? []),
    position,
  };
}

async function takeText(source: TarSource, size: number): Promise<Buffer> {
  const offset = source.position();
  if (size > textHeaderLimit) {
    throw createTarError(
      'tar-pax',
      `a name or pax header of ${size} bytes, at most ${textHeaderLimit} are read`,
      offset,
    );
  }
  const text = await source.take(size + paddingAfter(size));
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

/** The root of an archive is a directory, and no other file can be it. */
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

function paddingAfter(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}
