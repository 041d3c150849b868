import type { InputFile } from '../../io/file/input-file.js';
import type { Entry } from '../../model/image/entry.js';

export interface InnerFile {
  readonly file: InputFile;
  /** What messages call it. */
  readonly name: string;
  /** Whether the entries need more than their names and types. */
  readonly details: boolean;
  readonly signal: AbortSignal;
}

const erofsMagic = Buffer.from([0xe2, 0xe1, 0xf5, 0xe0]);

/** The entries of a file system; undefined for a file that is none of those that are known. */
export async function listInner({ file, name, details, signal }: InnerFile): Promise<Entry[] | undefined> {
  const start = Buffer.from(await file.read(0, 1028));
  if (start.toString('latin1', 0, 4) === 'hsqs') {
    const { listSquashfs } = await import('./squashfs.js');
    return listSquashfs(file.path, name, signal);
  }
  if (!start.subarray(1024).equals(erofsMagic)) return undefined;
  const { listErofs } = await import('./erofs.js');
  return listErofs(file.path, name, { signal, details });
}
