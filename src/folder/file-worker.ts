import { parentPort } from 'node:worker_threads';
import { createHashedFile, type HashedFile } from './hashed-file.js';
import type { Metadata } from './write-entry.js';

/** `open`: a path; `start` to `end`: the next bytes of the file, in the batch's; `close`: what the file gets at its end. */
export type FileCommand =
  | { readonly open: Uint8Array }
  | { readonly start: number; readonly end: number }
  | { readonly close: Metadata };

/** Work on new files, one after the other; the last one may go on in the next batch. */
interface FileBatch {
  readonly bytes: Uint8Array;
  readonly commands: readonly FileCommand[];
}

export type BatchAnswer =
  /** Of the files that were closed, and the batch's buffer, to be used again. */
  { readonly digests: readonly string[]; readonly buffer: ArrayBuffer } | { readonly failed: string };

/** A function that carries out one batch after the other; its value is the digests of the closed files. */
function createRunner(): (batch: FileBatch) => string[] {
  let file: HashedFile | undefined;
  return ({ bytes, commands }) => {
    const digests: string[] = [];
    for (const command of commands) {
      if ('open' in command) file = createHashedFile(command.open);
      else if ('close' in command) digests.push(file?.finish(command.close) ?? '');
      else file?.write(bytes.subarray(command.start, command.end));
    }
    return digests;
  };
}

const run = createRunner();

parentPort?.on('message', (batch: FileBatch) => {
  try {
    const buffer = batch.bytes.buffer as ArrayBuffer;
    const answer: BatchAnswer = { digests: run(batch), buffer };
    parentPort?.postMessage(answer, [buffer]);
  } catch (error) {
    const answer: BatchAnswer = { failed: (error as Error).message };
    parentPort?.postMessage(answer);
  }
});
