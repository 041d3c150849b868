import { createHash } from 'node:crypto';
import { createRegularFile, type Metadata, plainAttributes } from './write-entry.js';

/** A new regular file that is hashed as it is written. */
export interface HashedFile {
  write(piece: Uint8Array): void;
  /** Sets the metadata and closes the file; the hex SHA-256 of its body. */
  finish(metadata: Metadata): string;
  /** Closes an unfinished file; does nothing to a finished one. */
  close(): void;
}

/** With `plainAttributes`. Errors: those of the system, EEXIST for a name that is taken. */
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
