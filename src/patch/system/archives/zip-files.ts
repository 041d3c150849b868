import { promisify } from 'node:util';
import { crc32, inflateRaw, inflateRawSync } from 'node:zlib';
import { parsePermissions, parseType } from '../../../format/mode.js';
import { decodePath, showPath } from '../../../format/path.js';
import { createTurns } from '../../../io/turns.js';
import { type ArchiveFile, largestArchive, normalizeName, requireType } from './archive-file.js';

// PKWARE's APPNOTE 6.3: an end record, the central directory, and in front of each body a header of its own.
const endMark = 0x06054b50;
const endSize = 22;
const longestComment = 0xffff;
const fileMark = 0x02014b50;
const fileSize = 46;
const localSize = 30;
const unix = 3;
const encrypted = 1;
/** S_IFMT of stat(2). */
const typeBits = 0o170000;

/** The files of a zip. What is wrong with it is the message of an Error. */
export async function readZip(packed: Uint8Array, signal?: AbortSignal): Promise<readonly ArchiveFile[]> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const end = findEnd(bytes);
  const count = bytes.readUInt16LE(end + 10);
  const files: ArchiveFile[] = [];
  let at = bytes.readUInt32LE(end + 16);
  let left = largestArchive;
  const turn = createTurns(signal);
  for (let index = 0; index < count; index += 1) {
    await turn();
    if (at + fileSize > bytes.length || bytes.readUInt32LE(at) !== fileMark)
      throw new Error('found a damaged zip, or one of more than 4 GiB, wanted a whole one');
    const name = decodePath(bytes.subarray(at + fileSize, at + fileSize + bytes.readUInt16LE(at + 28)));
    const file = await readFile(bytes, at, { name, left });
    left -= file.content?.length ?? 0;
    if (file.path !== '') files.push(file);
    at += fileSize + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return files;
}

function findEnd(bytes: Buffer): number {
  for (let at = bytes.length - endSize; at >= Math.max(0, bytes.length - endSize - longestComment); at -= 1)
    if (bytes.readUInt32LE(at) === endMark) return at;
  throw new Error('found a zip without its end, wanted a whole one');
}

interface Named {
  readonly name: string;
  /** Bytes that may still be unpacked. */
  readonly left: number;
}

async function readFile(bytes: Buffer, at: number, { name, left }: Named): Promise<ArchiveFile> {
  const path = normalizeName(name);
  const attributes = bytes.readUInt8(at + 5) === unix ? bytes.readUInt16LE(at + 40) : 0;
  const isFolder = name.endsWith('/');
  const usualType = isFolder ? 'directory' : 'file';
  // Python's zipfile writes permissions without a type.
  const type = (attributes & typeBits) === 0 ? usualType : requireType(parseType(attributes), path);
  const usual = isFolder ? 0o755 : 0o644;
  const mode = attributes === 0 ? usual : parsePermissions(attributes);
  const file = { path, type, mode, uid: 0, gid: 0 } as const;
  if (type === 'directory') return file;
  const content = await unpack(bytes, at, { name, left });
  return type === 'symlink' ? { ...file, target: decodePath(content) } : { ...file, content };
}

async function unpack(bytes: Buffer, at: number, { name, left }: Named): Promise<Buffer> {
  const method = bytes.readUInt16LE(at + 10);
  const size = bytes.readUInt32LE(at + 24);
  if ((bytes.readUInt16LE(at + 8) & encrypted) !== 0 || (method !== 0 && method !== 8))
    throw new Error(
      `found ${showPath(name)} encrypted or compressed by method ${method}, wanted stored or deflated`,
    );
  if (size > left) throw new Error(`found more than ${largestArchive} bytes, wanted less`);
  const local = bytes.readUInt32LE(at + 42);
  if (local + localSize > bytes.length) throw new Error('found a damaged zip, wanted a whole one');
  const start = local + localSize + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const body = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
  const content = method === 0 ? Buffer.from(body) : await inflate(body, size);
  if (content.length === size && crc32(content) === bytes.readUInt32LE(at + 16)) return content;
  throw new Error(`found ${showPath(name)} damaged, wanted a zip with the right checksums`);
}

const unpackRaw = promisify(inflateRaw);
/** Bytes for which a task of another thread is not worth its start. */
const small = 256 * 1024;

async function inflate(body: Uint8Array, size: number): Promise<Buffer> {
  // A limit of zero means none.
  const options = { maxOutputLength: Math.max(1, size) };
  return size <= small ? inflateRawSync(body, options) : unpackRaw(body, options);
}
