import { createHash } from 'node:crypto';
import { fchmodSync, ftruncateSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileAccess } from '../../model/access.js';
import { findMachineFault, MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { OutputFilter } from '../../model/patch/workspace.js';
import { abortable } from '../abortable.js';
import { lookAtName } from '../file/exists.js';
import { describeType, streamRegular } from '../file/regular-file.js';
import { giveSlab } from '../file/slabs.js';
import { gatherBytes } from '../gather-bytes.js';
import { settleAccess } from './access.js';
import { openReplaced } from './replaced-file.js';
import { createPrivateFolder, removeAbandoned, type Scratch } from './scratch.js';
import { syncFolder } from './sync-folder.js';

/** A file that is written beside its destination and takes its place only when it is published. */
export interface Output extends AsyncDisposable {
  /** Where the bytes are until they are published: a file that nobody else can read. */
  readonly path: string;
  /** Replaces the destination in one step (rename), on disk before it returns; the bytes are there before the name. */
  publish(): Promise<void>;
}

export interface Written {
  readonly size: number;
  readonly sha256: string;
}

export interface OutputRequest {
  readonly destination: string;
  /** What the output is made from: nobody may read it who could not read all of these. */
  readonly inputs: readonly FileAccess[];
  readonly signal: AbortSignal;
}

/**
 * Writes a stream to a file in a private folder beside `destination`; disposing removes what was not published. Error:
 * `output-unwritable`.
 */
export async function createOutput(source: Bytes, request: OutputRequest): Promise<Output & Written> {
  const hash = createHash('sha256');
  const output = await place(request, (path) =>
    writeFile(path, source, { ...request, onPiece: (piece) => void hash.update(piece) }),
  );
  return { ...output, sha256: hash.digest('hex') };
}

/** What the file begins with. */
export interface Beginning {
  /** Bytes of the copy that stay. */
  readonly size: number;
  readonly copy: CopyAhead;
}

/** The same without a digest: the caller reads it back. The stream goes behind the beginning. */
export function createReadOutput(
  source: Bytes,
  request: OutputRequest & { readonly beginning?: Beginning | undefined },
): Promise<Output & Pick<Written, 'size'>> {
  return place(request, (path) => writeFile(path, source, request), request.beginning?.copy);
}

/** A copy of a file beside a destination, under way: the output that begins with it takes it over. */
export interface CopyAhead extends AsyncDisposable {
  readonly folder: Scratch;
  /** The copy is made. */
  readonly copied: Promise<void>;
}

/**
 * Begins to copy a file to where an output is going to be written, while it is not known yet what comes behind it. `copy` makes the file
 * of this path. Error: as of `createOutput`.
 */
export async function copyAhead(
  destination: string,
  copy: (path: string) => Promise<void>,
): Promise<CopyAhead> {
  const folder = await openPlace(destination);
  const copied = copy(pathIn(folder));
  // The failure surfaces where the output is written.
  copied.catch(() => {});
  return {
    folder,
    copied,
    async [Symbol.asyncDispose]() {
      await copied.catch(() => {});
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function openPlace(destination: string): Promise<Scratch> {
  assertReplaceable(destination);
  const parent = dirname(destination);
  await removeAbandoned(parent, 'output');
  try {
    return await createPrivateFolder(parent, 'output');
  } catch (error) {
    throw isFileError(error) ? createWriteError(destination, error) : error;
  }
}

function pathIn({ path }: Scratch): string {
  return join(path, 'output');
}

async function place(
  { destination, inputs }: OutputRequest,
  write: (path: string) => Promise<WrittenFile>,
  ahead?: CopyAhead,
): Promise<Output & Pick<Written, 'size'>> {
  const parent = dirname(destination);
  const folder = ahead?.folder ?? (await openPlace(destination));
  try {
    const path = pathIn(folder);
    const { file, synced, size } = await write(path);
    const dispose = async () => {
      await synced.catch(() => {});
      await file.close().catch(() => {});
      await folder[Symbol.asyncDispose]();
    };
    return {
      size,
      path,
      async publish() {
        try {
          await synced;
          await settleAccess(file, { inputs, destination });
          const replaced = await openReplaced(destination);
          await rename(path, destination).finally(() => void replaced?.close().catch(() => {}));
        } catch (cause) {
          throw createWriteError(destination, cause);
        }
        await syncFolder(parent);
        await dispose();
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw isFileError(error) ? createWriteError(destination, error) : error;
  }
}

/** A small file in one piece, replaced in one step. */
export async function replaceFile(
  destination: string,
  content: Uint8Array | string,
  inputs: readonly FileAccess[],
): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const source = (async function* () {
    yield bytes;
  })();
  const { signal } = new AbortController();
  await using output = await createOutput(source, { destination, inputs, signal });
  await output.publish();
}

export interface CopyRequest extends OutputRequest {
  /** Changes the bytes on their way. */
  readonly filter?: OutputFilter | undefined;
}

/** A copy of a file, complete before it appears under its name. */
export async function copyIntoPlace(source: string, { filter, ...request }: CopyRequest): Promise<void> {
  const bytes = streamRegular(source);
  const changed = filter === undefined ? bytes : filterBytes(bytes, filter);
  await using output = await createOutput(changed, request);
  await output.publish();
}

/**
 * Makes a folder beside the destination and removes it: access bits say nothing of a read-only disk, nor to root.
 * Error: `output-unwritable`, as of `createOutput`.
 */
export async function assertWritable(destination: string, inputs: readonly FileAccess[] = []): Promise<void> {
  assertReplaceable(destination);
  try {
    await using folder = await createPrivateFolder(dirname(destination), 'output');
    await using file = await open(join(folder.path, 'output'), 'wx', 0o600);
    await settleAccess(file, { inputs, destination });
  } catch (error) {
    throw isFileError(error) ? createWriteError(destination, error) : error;
  }
}

/** Refuses what a rename would destroy: root could replace /dev/null by a file. A symlink is replaced, not followed. */
function assertReplaceable(destination: string): void {
  const found = lookAtName(destination);
  if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
  const message = `cannot write the file: ${describeType(found)} has its name`;
  throw new MobyPatchError('invalid', 'output-unwritable', message, {
    path: destination,
    hint: 'name a file: -o FILE, or - for standard output',
  });
}

interface WrittenFile {
  readonly file: FileHandle;
  readonly size: number;
  /** What is written is on disk; it may be read and checked meanwhile. */
  readonly synced: Promise<void>;
}

interface WriteOptions {
  readonly signal: AbortSignal;
  readonly beginning?: Beginning | undefined;
  readonly onPiece?: ((piece: Uint8Array) => void) | undefined;
}

async function writeFile(
  path: string,
  source: Bytes,
  { signal, beginning, onPiece }: WriteOptions,
): Promise<WrittenFile> {
  await beginning?.copy.copied;
  const file = await open(path, beginning === undefined ? 'wx' : 'a', 0o600);
  let size = beginning?.size ?? 0;
  try {
    if (beginning !== undefined) {
      fchmodSync(file.fd, 0o600);
      ftruncateSync(file.fd, size);
    }
    // A tar of small files comes in small pieces, and each call to the system goes through a thread.
    for await (const piece of gatherBytes(abortable(source, signal))) {
      onPiece?.(piece);
      await file.appendFile(piece);
      size += piece.length;
      giveSlab(piece.buffer as ArrayBuffer);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  const synced = file.sync();
  // The failure surfaces in `publish`; before that it must not count as an unhandled rejection.
  synced.catch(() => {});
  return { file, size, synced };
}

async function* filterBytes(bytes: Bytes, filter: OutputFilter): Bytes & AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) yield filter.push(piece);
  yield filter.end();
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function createWriteError(destination: string, cause: unknown): MobyPatchError {
  const { code, message } = cause as NodeJS.ErrnoException;
  // A read-only disk is the wrong place, not a broken machine.
  const fault = code === 'EROFS' ? undefined : findMachineFault(cause);
  return new MobyPatchError(
    fault === undefined ? 'invalid' : 'infrastructure',
    'output-unwritable',
    `cannot write the file: ${fault?.reason ?? code ?? message}; what was there is as it was`,
    { path: destination, cause, hint: fault?.hint ?? explainRefusal(code) },
  );
}

function explainRefusal(code: string | undefined): string | undefined {
  if (code === 'ENOENT') return 'create its folder first';
  const isRefused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR';
  return isRefused ? 'name a place that can be written to' : undefined;
}
