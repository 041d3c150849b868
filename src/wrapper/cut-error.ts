import type { InputFile } from '../io/file/input-file.js';
import { MobyPatchError } from '../model/error/error.js';

export interface CutWrapper {
  /** With its article: `an Android boot image`. */
  readonly title: string;
  /** Bytes that its headers say it has at least. */
  readonly end: number;
}

/** For a copy that was broken off. Its headers name parts that are not there, and loaders read what they name. */
export function refuseCut({ name, size }: InputFile, { title, end }: CutWrapper): void {
  if (end <= size) return;
  const message = `found ${size} bytes of ${title} that has ${end} by its headers: the file is cut`;
  throw new MobyPatchError('invalid', 'wrapper-invalid', message, {
    path: name,
    offset: size,
    hint: 'get a whole copy',
  });
}
