import { parentPort } from 'node:worker_threads';
import { createHashedFile, type HashedFile } from './hashed-file.js';
import type { Metadata } from './write-entry.js';

/** `open`: a path; `start` to `end`: what of the batch's bytes comes next in the file; `close`: what it gets at its end. */
export type FileCommand =
  | { readonly open: Uint8Array }
  | { readonly start: number; readonly end: number }
  | { readonly close: Metadata };

/** Work on new files, one after the other; the last one may go on in the next batch. */
export interface FileBatch {
  readonly bytes: Uint8Array;
  readonly commands: readonly FileCommand[];
}

export type BatchAnswer =
  /** Of the files that were closed, and the batch's buffer, to be used again. */
  { readonly digests: readonly string[]; readonly buffer: ArrayBuffer } | { readonly failed: string };

let file: HashedFile | undefined;

function run({ bytes, commands }: FileBatch): string[] {
  const digests: string[] = [];
  for (const command of commands) {
    if ('open' in command) file = createHashedFile(command.open);
    else if ('close' in command) digests.push(file?.finish(command.close) ?? '');
    else file?.write(bytes.subarray(command.start, command.end));
  }
  return digests;
}

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
