import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Bytes } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { OutputFilter } from '../model/workspace.js';
import { abortable } from './abortable.js';
import { gatherBytes } from './gather-bytes.js';
import { isRunning } from './scratch.js';
import { giveSlab } from './slabs.js';

/** A file that is written beside its destination and takes its place only when it is published. */
export interface Output extends AsyncDisposable {
  /** Where the bytes are until they are published. */
  readonly path: string;
  /** Replaces the destination in one step (rename), on disk before it returns; the bytes are there before the name. */
  publish(): Promise<void>;
}

export interface Written {
  readonly size: number;
  readonly sha256: string;
}

/** Writes a stream to a temporary file in the folder of `destination`; disposing removes what was not published. */
export async function createOutput(
  destination: string,
  source: Bytes,
  signal: AbortSignal,
): Promise<Output & Written> {
  const path = createTemporaryName(destination);
  const remove = () => rm(path, { force: true });
  await removeAbandonedOutputs(dirname(destination));
  try {
    const { synced, ...written } = await writeFile(path, source, signal);
    return {
      ...written,
      path,
      async publish() {
        try {
          await synced;
          await rename(path, destination);
        } catch (cause) {
          throw createWriteError(destination, cause as NodeJS.ErrnoException);
        }
        await syncFolder(dirname(destination));
      },
      async [Symbol.asyncDispose]() {
        await synced.catch(() => {});
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw isFileError(error) ? createWriteError(destination, error) : error;
  }
}

function createTemporaryName(destination: string): string {
  const name = `.${basename(destination)}.moby-patch-${process.pid}-${randomBytes(4).toString('hex')}`;
  return join(dirname(destination), name);
}

/**
 * Creates a file beside the destination and removes it: access bits say nothing of a read-only disk, nor to root. Error:
 * `output-unwritable`, as of `createOutput`.
 */
export async function assertWritable(destination: string): Promise<void> {
  const path = createTemporaryName(destination);
  try {
    if ((await stat(destination).catch(() => undefined))?.isDirectory()) throw createFolderError(destination);
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    throw isFileError(error) ? createWriteError(destination, error) : error;
  } finally {
    await rm(path, { force: true }).catch(() => {});
  }
}

function createFolderError(path: string): MobyPatchError {
  const message = 'cannot write the file: a folder has its name';
  return new MobyPatchError('invalid', 'output-unwritable', message, {
    path,
    hint: 'name a file: -o FILE',
  });
}

/** Removes what a process that is no more wrote beside its destination, files and unpacked folders; the paths. */
export async function removeAbandonedOutputs(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const abandoned = names.filter((name) => {
    const pid = /^\..+\.moby-patch-(\d+)-[0-9a-f]{8}(?:\.jsonl|\.records)?$/.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  });
  const paths = abandoned.map((name) => join(folder, name));
  for (const path of paths) await rm(path, { recursive: true, force: true });
  return paths;
}

/** A small file in one piece, replaced in one step. */
export async function replaceFile(destination: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const source = (async function* () {
    yield bytes;
  })();
  await using output = await createOutput(destination, source, new AbortController().signal);
  await output.publish();
}

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Changes the bytes on their way. */
  readonly filter?: OutputFilter | undefined;
}

/** A copy of a file, complete before it appears under its name. */
export async function copyIntoPlace(
  source: string,
  destination: string,
  { signal, filter }: CopyOptions,
): Promise<void> {
  const bytes = createReadStream(source);
  const changed = filter === undefined ? bytes : filterBytes(bytes, filter);
  await using output = await createOutput(destination, changed, signal);
  await output.publish();
}

/** `synced`: what is written is on disk; it may be read and checked meanwhile. */
async function writeFile(
  path: string,
  source: Bytes,
  signal: AbortSignal,
): Promise<Written & { readonly synced: Promise<void> }> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx', 0o644);
  let size = 0;
  try {
    // A tar of small files comes in small pieces, and each call to the system goes through a thread.
    for await (const piece of gatherBytes(abortable(source, signal))) {
      hash.update(piece);
      await file.appendFile(piece);
      size += piece.length;
      giveSlab(piece.buffer as ArrayBuffer);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  const synced = file.sync().finally(() => file.close());
  // The failure surfaces in `publish`; before that it must not count as an unhandled rejection.
  synced.catch(() => {});
  return { size, sha256: hash.digest('hex'), synced };
}

async function* filterBytes(bytes: Bytes, filter: OutputFilter): Bytes & AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) yield filter.push(piece);
  yield filter.end();
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function createWriteError(destination: string, cause: NodeJS.ErrnoException): MobyPatchError {
  const kind =
    cause.code === 'ENOSPC' || cause.code === 'EIO' || cause.code === 'EDQUOT' ? 'infrastructure' : 'invalid';
  return new MobyPatchError(
    kind,
    'output-unwritable',
    `cannot write the file: ${cause.code ?? cause.message}; what was there is as it was`,
    {
      path: destination,
      cause,
      hint: explainRefusal(cause.code),
    },
  );
}

function explainRefusal(code: string | undefined): string | undefined {
  if (code === 'ENOENT') return 'create its folder first';
  const isRefused = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR';
  return isRefused ? 'name a place that can be written to' : undefined;
}
