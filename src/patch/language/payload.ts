import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import pLimit from 'p-limit';

const mebibyte = 1024 * 1024;

/** Bytes of one file of a patch folder. */
export const payloadLimit = 64 * mebibyte;

/** Either the bytes, or what is wrong with the file, in the words of a problem. */
export type Payload = { readonly bytes: Uint8Array } | { readonly fault: string };

// Payloads are held in memory while they are read and hashed: not all of them at once.
const limit = pLimit(4);

/** Reads a file of a patch folder. A symlink may lead to it, but not out of the folder. */
export function readPayload(folder: string, name: string): Promise<Payload> {
  return limit(() => openPayload(folder, name, async (file) => ({ bytes: await file.readFile() })));
}

/** What would be wrong with reading it; undefined when nothing is. */
export function checkPayload(folder: string, name: string): Promise<string | undefined> {
  return limit(async () => {
    const result = await openPayload(folder, name, async () => ({ bytes: new Uint8Array() }));
    return 'fault' in result ? result.fault : undefined;
  });
}

async function openPayload(
  folder: string,
  name: string,
  use: (file: FileHandle) => Promise<Payload>,
): Promise<Payload> {
  try {
    const inside = await realpath(folder);
    const path = await realpath(join(folder, name));
    if (!path.startsWith(inside.endsWith(sep) ? inside : inside + sep)) {
      return {
        fault: `found that ${name} leads out of the patch folder to ${path}, wanted a file inside it`,
      };
    }
    // Opening a fifo would wait for a writer for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size, isFile } = await describeFile(file);
      if (!isFile) return { fault: `found that ${name} is not a regular file, wanted one` };
      if (size > payloadLimit) {
        return {
          fault: `found ${name} with ${size} bytes, wanted at most ${payloadLimit / mebibyte} MiB`,
        };
      }
      return await use(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return { fault: `found no file ${name} in the patch folder` };
    if (code === 'ELOOP' || code === 'EACCES' || code === 'EISDIR') {
      return { fault: `found that ${name} cannot be read (${code})` };
    }
    throw error;
  }
}

async function describeFile(file: FileHandle): Promise<{ size: number; isFile: boolean }> {
  const stat = await file.stat();
  return { size: stat.size, isFile: stat.isFile() };
}
