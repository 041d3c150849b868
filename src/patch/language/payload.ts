import { type FileHandle, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import pLimit from 'p-limit';
import { openRegular, readOpened } from '../../io/regular-file.js';

const mebibyte = 1024 * 1024;

/** Bytes of one file of a patch folder. */
const largestPayload = 64 * mebibyte;

/** The bytes, or the text of a problem with the file. */
export type Payload = { readonly bytes: Uint8Array } | { readonly fault: string };

/** Files of one patch folder. A symlink may lead to a file, but not out of the folder. */
export interface PayloadFolder {
  read(name: string): Promise<Payload>;
  /** The text of a problem that `read` would find; undefined when there is none. */
  check(name: string): Promise<string | undefined>;
}

export function openPayloadFolder(folder: string): PayloadFolder {
  // Files are in memory while they are read and hashed: not all of them at once.
  const limit = pLimit(4);
  return {
    read: (name) => limit(() => readInside(folder, name, largestPayload)),
    async check(name) {
      const payload = await limit(() =>
        usePayload({ folder, name, largest: largestPayload }, async () => nothing),
      );
      return 'fault' in payload ? payload.fault : undefined;
    },
  };
}

const nothing = { bytes: new Uint8Array() };

/** A file of a patch folder, of at most `largest` bytes. */
export function readInside(folder: string, name: string, largest: number): Promise<Payload> {
  return usePayload({ folder, name, largest }, async (file, path) => ({
    bytes: await readOpened(file, { path, limit: largest }),
  }));
}

interface Wanted {
  readonly folder: string;
  readonly name: string;
  /** Bytes. */
  readonly largest: number;
}

async function usePayload(
  { folder, name, largest }: Wanted,
  use: (file: FileHandle, path: string) => Promise<Payload>,
): Promise<Payload> {
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
    if (size > largest)
      return { fault: `found ${name} with ${size} bytes, wanted at most ${largest / mebibyte} MiB` };
    return await use(file, path);
  } catch (error) {
    const fault = explainError(name, error as NodeJS.ErrnoException);
    if (fault === undefined) throw error;
    return { fault };
  }
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
