import { Readable } from 'node:stream';
import { encodePath, hasEscapes, showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes, Entry } from '../model/image/entry.js';
import {
  blockSize,
  createTarError,
  encodePax,
  encodeTarBlock,
  octalLimit,
  type PaxRecords,
  paddingAfter,
  type TarBlock,
  tarFlags,
} from './tar-header.js';

export interface PackItem {
  readonly entry: Entry;
  /** Instead of `entry.body()`. */
  readonly body?: Bytes | undefined;
  /** Extended attributes by name. */
  readonly attributes?: ReadonlyMap<string, Uint8Array> | undefined;
}

/**
 * A tar (ustar with pax records) of entries, made no faster than it is read. The first name of a hard-link group carries
 * the body, the others become links to it. The root's path is written as `./`.
 * Errors: `tar-socket` (tar has no such type), `tar-body` (a body that is not `size` bytes long).
 */
export function packEntries(items: AsyncIterable<PackItem> | Iterable<PackItem>): Readable {
  return Readable.from(packBytes(items), { objectMode: false });
}

async function* packBytes(items: AsyncIterable<PackItem> | Iterable<PackItem>): AsyncGenerator<Uint8Array> {
  const groups = new Map<string, string>();
  for await (const { entry, body, attributes } of items) {
    const first = entry.link === undefined ? undefined : groups.get(entry.link);
    yield encodeEntry(entry, first, attributes);
    if (first !== undefined) continue;
    if (entry.link !== undefined) groups.set(entry.link, entry.path);
    if (entry.type !== 'file') continue;
    yield* packBody(entry, body ?? entry.body());
  }
  yield Buffer.alloc(2 * blockSize);
}

async function* packBody({ path, size }: Entry, body: Bytes): AsyncGenerator<Uint8Array> {
  let packed = 0;
  for await (const piece of body) {
    packed += piece.length;
    if (packed > size) break;
    if (piece.length > 0) yield piece;
  }
  if (packed !== size) {
    const message = `the body of ${showPath(path)} is not ${size} bytes`;
    throw new MobyPatchError('failed', 'tar-body', message);
  }
  const padding = paddingAfter(size);
  if (padding > 0) yield Buffer.alloc(padding);
}

/** The header of one entry, with a pax header in front where a field needs one. */
function encodeEntry(
  entry: Entry,
  linkTo: string | undefined,
  attributes: PackItem['attributes'] = new Map(),
): Uint8Array {
  if (entry.type === 'socket')
    throw createTarError('tar-socket', `${showPath(entry.path)}: tar has no sockets`);
  const type = linkTo === undefined ? entry.type : 'link';
  const name = encodePath(nameInTar(entry));
  const linkName = encodePath(linkTo ?? entry.target ?? '');
  const pax: PaxRecords = new Map();
  // Without this record bsdtar unpacks such a name, but exits with 1. GNU tar only warns about the record.
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
  for (const [key, value] of attributes) pax.set(`SCHILY.xattr.${key}`, value);
  const block: TarBlock = {
    flag: tarFlags[type],
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
  const paxBlock = {
    ...block,
    flag: 'x',
    name: Buffer.from('pax'),
    size: records.length,
    linkName: Buffer.alloc(0),
  };
  const padding = Buffer.alloc(paddingAfter(records.length));
  return Buffer.concat([encodeTarBlock(paxBlock), records, padding, header]);
}

function nameInTar(entry: Entry): string {
  if (entry.path === '') return './';
  return entry.type === 'directory' ? `${entry.path}/` : entry.path;
}
