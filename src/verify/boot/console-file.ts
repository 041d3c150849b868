import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { MobyPatchError } from '../../model/error.js';

/** A guest that prints without end must not fill the disk. */
const largestFile = 16 * 1024 * 1024;

export interface ConsoleFile {
  write(line: string): void;
  /** Resolves when everything is on its way to the disk; an error of kind `infrastructure` when it could not be written. */
  close(): Promise<void>;
}

/** Keeps the console while it comes, so that it can be read during a boot and after a kill. */
export async function createConsoleFile(path: string): Promise<ConsoleFile> {
  await mkdir(dirname(path), { recursive: true }).catch((cause) => fail(path, cause));
  const stream = createWriteStream(path);
  const done = finished(stream);
  done.catch(() => {});
  let size = 0;
  return {
    write(line) {
      if (size > largestFile) return;
      size += Buffer.byteLength(line) + 1;
      stream.write(size > largestFile ? '[the console is cut here at 16 MiB]\n' : `${line}\n`);
    },
    async close() {
      stream.end();
      await done.catch((cause) => fail(path, cause));
    },
  };
}

function fail(path: string, cause: NodeJS.ErrnoException): never {
  throw new MobyPatchError(
    'infrastructure',
    'console-unwritable',
    `the console cannot be kept in ${path} (${cause.code})`,
    {
      path,
      cause,
    },
  );
}
