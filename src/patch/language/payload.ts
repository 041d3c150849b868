import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import pLimit from 'p-limit';

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
    read: (name) =>
      limit(() => openPayload(folder, name, async (file) => ({ bytes: await file.readFile() }))),
    async check(name) {
      const payload = await limit(() => openPayload(folder, name, async () => ({ bytes: new Uint8Array() })));
      return 'fault' in payload ? payload.fault : undefined;
    },
  };
}

async function openPayload(
  folder: string,
  name: string,
  use: (file: FileHandle) => Promise<Payload>,
): Promise<Payload> {
  try {
    const root = await realpath(folder);
    const path = await realpath(join(folder, name));
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) {
      return {
        fault: `found that ${name} leads out of the patch folder to ${path}, wanted a file inside it`,
      };
    }
    // Without O_NONBLOCK opening a fifo would wait for a writer for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) return { fault: `found that ${name} is not a regular file, wanted one` };
    if (stat.size > largestPayload) {
      return {
        fault: `found ${name} with ${stat.size} bytes, wanted at most ${largestPayload / mebibyte} MiB`,
      };
    }
    return await use(file);
  } catch (error) {
    const fault = explainError(name, error as NodeJS.ErrnoException);
    if (fault === undefined) throw error;
    return { fault };
  }
}

function explainError(name: string, { code }: NodeJS.ErrnoException): string | undefined {
  if (code === 'ENOENT' || code === 'ENOTDIR') return `found no file ${name} in the patch folder`;
  if (code === 'ELOOP' || code === 'EACCES' || code === 'EISDIR')
    return `found that ${name} cannot be read (${code})`;
  return undefined;
}
