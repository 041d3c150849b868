import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import pLimit from 'p-limit';
import { readAt, readPieces } from '../../io/file/read-write.js';
import { openRegular, readOpened } from '../../io/file/regular-file.js';
import { holdBytes } from '../../io/file/spool.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { Content } from '../../model/patch/workspace.js';
import type { PayloadUse } from '../steps/definition.js';
import { checkTree, type PayloadTree, readTree, type TreeRequest } from './payload-tree.js';

const mebibyte = 1024 * 1024;

/** Bytes of a template, which is in memory. */
const largestTemplate = 64 * mebibyte;
/** Bytes of any other file: the size of a body is a number of 32 bits in a newc header. */
const largestBody = 0xffffffff;
/** Bytes: a smaller file is read once, and then it may change. */
const largestHeld = mebibyte;

interface Fault {
  /** The text of a problem with the file. */
  readonly fault: string;
}

interface PayloadProblem {
  readonly code: 'payload-wrong' | 'private-key';
  readonly text: string;
}

/** The bytes, or what is wrong. */
export type Payload = { readonly bytes: Uint8Array } | Fault;

/** Files of one patch folder. A symlink may lead to a file, but not out of the folder. */
export interface PayloadFolder {
  /** A template. */
  read(name: string): Promise<Payload>;
  /** A file of any size. It is read once for its digest, and a large one again when its body is wanted. */
  open(name: string, largest?: number): Promise<Content | Fault>;
  /** A folder with all that is in it. */
  readTree(request: TreeRequest): Promise<PayloadTree>;
  /** What `read` or `open` would find, or a private key where a public one belongs; undefined when there is nothing. */
  check(use: PayloadUse): Promise<PayloadProblem | undefined>;
}

export function openPayloadFolder(folder: string): PayloadFolder {
  // Files are in memory while they are read and hashed: not all of them at once.
  const limit = pLimit(4);
  const open = (name: string, largest = largestBody) =>
    limit(() => use({ folder, name, largest }, openContent));
  return {
    readTree: (request) => readTree(folder, request, (name) => open(name)),
    read: (name) => limit(() => readInside(folder, name, largestTemplate)),
    open,
    async check({ name, template, exclude, largest: wanted = largestBody, isPublic }) {
      const fault = (text: string | undefined): PayloadProblem | undefined =>
        text === undefined ? undefined : { code: 'payload-wrong', text };
      if (exclude !== undefined) return fault(await checkTree(folder, { name, exclude }));
      const largest = template ? largestTemplate : wanted;
      const hasKey = await limit(() =>
        use({ folder, name, largest }, (file) => (isPublic ? hasPrivateKey(file) : Promise.resolve(false))),
      );
      if (typeof hasKey !== 'boolean') return fault(hasKey.fault);
      if (!hasKey) return undefined;
      const text = `found a private key in ${name}, wanted a public one: everybody who has the image could use it`;
      return { code: 'private-key', text };
    },
  };
}

/** A file of a patch folder, of at most `largest` bytes. */
export function readInside(folder: string, name: string, largest: number): Promise<Payload> {
  return use({ folder, name, largest }, async (file, path) => ({
    bytes: await readOpened(file, { path, limit: largest }),
  }));
}

/** A body in memory. */
export function holdContent(bytes: Uint8Array): Content {
  return { ...holdBytes(bytes), sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function openContent(file: FileHandle, path: string): Promise<Content> {
  const opened = await file.stat({ bigint: true });
  const size = Number(opened.size);
  if (size <= largestHeld) return holdContent(await readOpened(file, { path, limit: size }));
  const hash = createHash('sha256');
  for await (const piece of readOpenedPieces(file, size)) hash.update(piece);
  assertSame(await file.stat({ bigint: true }), opened, path);
  return { size, sha256: hash.digest('hex'), body: () => readAgain(path, opened) };
}

async function hasPrivateKey(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(largestHeld), 0, largestHeld, 0);
  return /-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----/.test(buffer.toString('latin1', 0, bytesRead));
}

/** The file as it was when it was hashed. Error (`failed`): `payload-changed`. */
async function* readAgain(path: string, opened: BigIntStats): Bytes {
  await using file = await openRegular(path, { follow: false });
  assertSame(await file.stat({ bigint: true }), opened, path);
  yield* readOpenedPieces(file, Number(opened.size));
  assertSame(await file.stat({ bigint: true }), opened, path);
}

function readOpenedPieces(file: FileHandle, size: number): Bytes {
  return readPieces({ read: (offset, end) => readAt(file, offset, end) }, 0, size);
}

function assertSame(now: BigIntStats, before: BigIntStats, path: string): void {
  const isSame = (['dev', 'ino', 'size', 'mtimeNs'] as const).every((field) => now[field] === before[field]);
  if (isSame) return;
  const message = 'the file of the patch was written to while it was used';
  throw new MobyPatchError('failed', 'payload-changed', message, {
    path,
    hint: 'run it again when nothing writes to the file',
  });
}

interface PayloadRequest {
  readonly folder: string;
  readonly name: string;
  /** Bytes. */
  readonly largest: number;
}

async function use<T>(
  { folder, name, largest }: PayloadRequest,
  work: (file: FileHandle, path: string) => Promise<T>,
): Promise<T | Fault> {
  try {
    const root = await realpath(folder);
    const path = await realpath(join(folder, name));
    const isInside = (place: string) => place.startsWith(root.endsWith(sep) ? root : root + sep);
    const refuse = (place: string) => ({
      fault: `found that ${name} leads out of the patch folder to ${place}, wanted a file inside it`,
    });
    if (!isInside(path)) return refuse(path);
    await using file = await openRegular(path, { follow: false });
    // A folder on the way may be a symlink by now.
    const opened = await locateOpened(file, path);
    if (!isInside(opened)) return refuse(opened);
    const { size } = await file.stat();
    if (size > largest) return { fault: explainSize(largest === largestBody ? path : name, size, largest) };
    return await work(file, path);
  } catch (error) {
    const fault = explainError(name, error as NodeJS.ErrnoException);
    if (fault === undefined) throw error;
    return { fault };
  }
}

function explainSize(file: string, size: number, largest: number): string {
  const why = largest === largestBody ? ' (a newc archive holds no larger file)' : '';
  return `found ${file} with ${size} bytes, wanted at most ${largest}${why}`;
}

/** Where an open file is; `path`, where the system does not tell. */
function locateOpened({ fd }: FileHandle, path: string): Promise<string> {
  return realpath(`/proc/self/fd/${fd}`).catch(() => path);
}

function explainError(name: string, { code }: NodeJS.ErrnoException): string | undefined {
  if (code === 'ENOENT' || code === 'ENOTDIR') return `found no file ${name} in the patch folder`;
  if (code === 'file-not-regular') return `found that ${name} is not a regular file, wanted one`;
  if (code === 'ELOOP' || code === 'EACCES' || code === 'EISDIR')
    return `found that ${name} cannot be read (${code})`;
  return undefined;
}
