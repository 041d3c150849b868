import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** A system call may take less than it is given. `position`: from the start of the file. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** The same behind what was written to the file last. */
export function writeAllSync(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}
