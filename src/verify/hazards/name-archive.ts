import type { Archive } from '../../model/image/archive.js';
import type { Layout } from '../../model/image/layout.js';

/** `archive N`, counted from 1 without padding, by the index of its segment. */
export function nameArchive({ segments }: Layout, segment: number): string {
  const archives = segments.slice(0, segment + 1).filter(({ kind }) => kind === 'cpio');
  return `archive ${archives.length}`;
}

/** A file that an image is, or was joined of. */
export interface FilePlace {
  readonly name: string;
  /** Where it begins in the image, in bytes. */
  readonly start: number;
}

/** The file in which a byte of an image stands: commands are about files. */
export function locateInFile({ layout, name }: Pick<Archive, 'layout' | 'name'>, at: number): FilePlace {
  const file = layout.files?.findLast(({ offset }) => offset <= at);
  return { name: file?.name ?? name, start: file?.offset ?? 0 };
}
