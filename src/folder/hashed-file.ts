import { createHash } from 'node:crypto';
import { createRegularFile, type Metadata, plainAttributes } from './write-entry.js';

/** A new regular file whose digest is taken as it is written. */
export interface HashedFile {
  write(piece: Uint8Array): void;
  /** Closes it; the hex SHA-256 of all that was written. */
  finish(metadata: Metadata): string;
  /** Gives it up; nothing happens when it is closed. */
  close(): void;
}

/** With `plainAttributes`. Errors: those of the system, for a name that is taken, too. */
export function createHashedFile(at: Uint8Array): HashedFile {
  const file = createRegularFile(Buffer.from(at), plainAttributes);
  const hash = createHash('sha256');
  let isOpen = true;
  function close(): void {
    if (isOpen) file.close();
    isOpen = false;
  }
  return {
    write(piece) {
      file.write(piece);
      hash.update(piece);
    },
    finish(metadata) {
      file.finish(metadata);
      close();
      return hash.digest('hex');
    },
    close,
  };
}
