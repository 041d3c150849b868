import { createFileThreads } from './file-threads.js';
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

/** Files that are made before their time is looked at. */
const sample = 64;
/** Milliseconds that making one may take. */
const longest = 0.15;

/**
 * In this thread, which is the quickest way where a file is made in 15 us; in others as soon as it takes long: an
 * ext4 looks at each inode that was freed in the last seconds before it takes another, 600 us for each file behind
 * the removal of a large folder, and two processors do that in half the time (measured, Linux 6.18).
 */
export function createFileWriters(): FileWriters {
  let threads: FileWriters | undefined;
  let file: HashedFile | undefined;
  let count = 0;
  let spent = 0;

  function beginHere(at: Uint8Array): void {
    const start = performance.now();
    file = createHashedFile(at);
    spent += performance.now() - start;
    count += 1;
  }

  return {
    begin(at) {
      if (count === sample) {
        if (spent > sample * longest) threads = createFileThreads();
        [count, spent] = [0, 0];
      }
      if (threads === undefined) beginHere(at);
      else threads.begin(at);
    },
    data(bytes) {
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
