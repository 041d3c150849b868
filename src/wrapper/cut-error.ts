import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';

export interface CutWrapper {
  /** With its article: `an Android boot image`. */
  readonly title: string;
  /** The least size in bytes that its headers imply. */
  readonly end: number;
}

/** Refuses a truncated copy: its headers name parts that are missing, and loaders read what the headers name. */
export function refuseCut({ name, size }: InputFile, { title, end }: CutWrapper): void {
  if (end <= size) return;
  const message = `found ${size} bytes of ${title} whose headers name ${end}: the file is cut`;
  throw new MobyPatchError('invalid', 'wrapper-invalid', message, {
    path: name,
    offset: size,
    hint: 'get a whole copy',
  });
}
