import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findMachineFault, MobyPatchError } from '../../model/error/error.js';
import type { ErrorCode } from '../../model/error/error-code.js';
import type { Bytes } from '../../model/image/entry.js';
import { isTrusted } from '../place/trust.js';
import { fillAt, readAt } from './read-write.js';

export interface OpenRegularOptions {
  /** Whether a symlink is followed; default: true. */
  readonly follow?: boolean;
  /** Whether the file must be this user's, root's, or under sudo the caller's; default: false. */
  readonly own?: boolean;
}

export interface StreamOptions extends OpenRegularOptions {
  /** Bytes from the start of the file. */
  readonly start?: number;
  /** Default: the end of the file. */
  readonly end?: number;
}

const pieceSize = 256 * 1024;

// What was looked at may be another file by now, so that opening it must not wait.
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a regular file for reading. Every file that somebody else could have put there is opened here: a FIFO would
 * wait for a writer for ever, and opening a device may do something (a watchdog, a tape). Errors: `file-not-regular`
 * (`invalid`), those of the system.
 */
export async function openRegular(
  path: string | Buffer,
  { follow = true, own = false }: OpenRegularOptions = {},
): Promise<FileHandle> {
  assertRegular((follow ? statSync : lstatSync)(path), path);
  const handle = await open(path, openFlags | (follow ? 0 : constants.O_NOFOLLOW));
  try {
    const found = fstatSync(handle.fd);
    assertRegular(found, path);
    if (own && !isTrusted(found.uid)) throw createForeignError(path, found);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The same in this thread: a descriptor, to be closed. */
function openRegularSync(
  path: string | Buffer,
  { follow = true, own = false }: OpenRegularOptions,
): { readonly descriptor: number; readonly found: Stats } {
  assertRegular((follow ? statSync : lstatSync)(path), path);
  const descriptor = openSync(path, openFlags | (follow ? 0 : constants.O_NOFOLLOW));
  try {
    const found = fstatSync(descriptor);
    assertRegular(found, path);
    if (own && !isTrusted(found.uid)) throw createForeignError(path, found);
    return { descriptor, found };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** A whole file of at most `limit` bytes, in this thread; undefined for what `readRegular` refuses. */
export function readSmallSync(
  path: string,
  limit: number,
  options: OpenRegularOptions = {},
): Buffer | 'larger' | undefined {
  let descriptor: number | undefined;
  try {
    const opened = openRegularSync(path, options);
    descriptor = opened.descriptor;
    const { found } = opened;
    if (found.size > limit) return 'larger';
    const bytes = Buffer.allocUnsafe(found.size + 1);
    return fillAt(descriptor, bytes, 0) === found.size ? bytes.subarray(0, found.size) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A whole file. Errors: those of `openRegular`; `file-too-large` (`invalid`), `file-changed` (`failed`). */
export async function readRegular(
  path: string,
  limit: number,
  options: OpenRegularOptions = {},
): Promise<Buffer> {
  await using file = await openRegular(path, options);
  return await readOpened(file, { path, limit });
}

/** The text of a whole file. Errors: those of `readRegular`; `text-unreadable` where it is in another encoding than UTF-8. */
export async function readText(path: string, limit: number): Promise<string> {
  const bytes = await readRegular(path, limit);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new MobyPatchError('invalid', 'text-unreadable', 'found bytes that are not UTF-8, wanted a text', {
    path,
    hint: `iconv -f WINDOWS-1252 -t UTF-8 ${basename(path)}; file ${basename(path)} says what it is`,
  });
}

/** The rest of `readRegular` for a file that is open. */
export async function readOpened(
  file: FileHandle,
  { path, limit }: { readonly path: string; readonly limit: number },
): Promise<Buffer> {
  const { size } = fstatSync(file.fd);
  if (size > limit) {
    const message = `found ${size} bytes, wanted at most ${limit}`;
    throw new MobyPatchError('invalid', 'file-too-large', message, { path });
  }
  const bytes = await readAt(file, 0, size + 1);
  if (bytes.length === size) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  throw new MobyPatchError('failed', 'file-changed', 'the file was written to while it was read', {
    path,
    hint: 'run it again when the other program is done',
  });
}

/** The bytes of a file, which is opened when the first of them is asked for. Errors: those of `openRegular`. */
export async function* streamRegular(
  path: string | Buffer,
  { start = 0, end = Number.POSITIVE_INFINITY, ...options }: StreamOptions = {},
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  if (end - start <= mostAtOnce) {
    const bytes = readPartSync(path, { start, end, ...options });
    if (bytes.length > 0) yield bytes;
    return;
  }
  await using file = await openRegular(path, options);
  for (let at = start; at < end; ) {
    const piece = await readAt(file, at, Math.min(end, at + pieceSize));
    if (piece.length === 0) return;
    yield piece;
    at += piece.length;
  }
}

/** Bytes of a part that is read in this thread, which takes less time than to hand five calls to another one. */
const mostAtOnce = 2 ** 20;

function readPartSync(path: string | Buffer, { start = 0, end = 0, ...options }: StreamOptions): Buffer {
  const { descriptor } = openRegularSync(path, options);
  try {
    const bytes = Buffer.allocUnsafe(Math.max(0, end - start));
    return bytes.subarray(0, fillAt(descriptor, bytes, start));
  } finally {
    closeSync(descriptor);
  }
}

interface Unreadable {
  /** The code of the error. */
  readonly code: ErrorCode;
  /** What cannot be read: `the configuration`. */
  readonly what: string;
  readonly path: string;
  readonly hint?: string | undefined;
}

/** The error for a file that could not be opened or read; `infrastructure` when the machine is at fault, else `invalid`. */
export function createUnreadableError(
  cause: unknown,
  { code, what, path, hint }: Unreadable,
): MobyPatchError {
  const fault = findMachineFault(cause);
  const message = `cannot read ${what}: ${fault?.reason ?? explainCause(cause)}`;
  const ownHint = cause instanceof MobyPatchError ? cause.hint : undefined;
  return new MobyPatchError(fault === undefined ? 'invalid' : 'infrastructure', code, message, {
    path,
    hint: fault?.hint ?? ownHint ?? hint,
    cause,
  });
}

/** Whether there is no file of this name. */
export function isMissing(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function explainCause(cause: unknown): string {
  if (cause instanceof MobyPatchError) return cause.message;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}

function assertRegular(found: Stats, path: string | Buffer): void {
  if (found.isFile()) return;
  const message = `found ${describeType(found)}, wanted a regular file`;
  throw new MobyPatchError('invalid', 'file-not-regular', message, { path: path.toString() });
}

function createForeignError(path: string | Buffer, { uid }: Stats): MobyPatchError {
  const message = `found a file of user ${uid} in a folder that was this user's`;
  return new MobyPatchError('invalid', 'folder-unsafe', message, {
    path: path.toString(),
    hint: `others can rename one of the folders above it: ls -ld ${dirname(path.toString())}`,
  });
}

/** What a file is, where a regular file is wanted: `a FIFO`. */
export function describeType(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  return found.isSymbolicLink() ? 'a symbolic link' : 'a device';
}
