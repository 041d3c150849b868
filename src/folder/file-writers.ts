import { availableParallelism } from 'node:os';
import { createFileThreads, type FileThreads } from './file-threads.js';
import { createHashedFile, type HashedFile } from './hashed-file.js';
import type { Metadata } from './write-entry.js';

/** Writes new regular files with `plainAttributes`, one after the other, and hashes them. */
export interface FileWriters extends AsyncDisposable {
  /** The file's body and its `end` come before the next one begins. May throw what `finish` would reject with. */
  begin(at: Uint8Array): void;
  /** The bytes are needed during the call only. */
  data(bytes: Uint8Array): void;
  /** `tell` gets the hex SHA-256 of the body when it is written; it is not called after a failure. */
  end(metadata: Metadata, tell: (sha256: string) => void): void;
  /** To be waited for where it can be: undefined while there is room for more. */
  room(): Promise<void> | undefined;
  /** Rejects when a file could not be written, for whatever reason. */
  finish(): Promise<void>;
}

/** Work that is done here before a thread is started, which takes 30 ms of a processor: bytes, and a share for each file. */
const worthThread = 1024 * 1024;
const shareOfFile = 16 * 1024;

/** In other threads, where there is a second processor, as soon as the first of them runs; until then in this one. */
export function createFileWriters(): FileWriters {
  const isAlone = availableParallelism() < 2;
  let threads: FileThreads | undefined;
  let file: HashedFile | undefined;
  let work = 0;

  function begin(at: Uint8Array): void {
    work += shareOfFile;
    if (work > worthThread && !isAlone) threads ??= createFileThreads();
    if (threads?.running) threads.begin(at);
    else file = createHashedFile(at);
  }

  return {
    begin,
    data(bytes) {
      work += bytes.length;
      if (file === undefined) threads?.data(bytes);
      else file.write(bytes);
    },
    end(metadata, tell) {
      if (file === undefined) threads?.end(metadata, tell);
      else tell(file.finish(metadata));
      file = undefined;
    },
    room: () => threads?.room(),
    finish: async () => threads?.finish(),
    async [Symbol.asyncDispose]() {
      file?.close();
      file = undefined;
      await threads?.[Symbol.asyncDispose]();
    },
  };
}
