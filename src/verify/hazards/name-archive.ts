import type { Archive } from '../../model/image/archive.js';
import type { Layout } from '../../model/image/layout.js';

/** `archive N`, counted from 1 without padding, by the index of its segment. */
export function nameArchive({ segments }: Layout, segment: number): string {
  const archives = segments.slice(0, segment + 1).filter(({ kind }) => kind === 'cpio');
  return `archive ${archives.length}`;
}

/** The file that an image is, or one that it was joined from. */
export interface FilePlace {
  readonly name: string;
  /** Where it begins in the image, in bytes. */
  readonly start: number;
}

/** The file that holds a byte of an image: commands are about files. */
export function locateInFile({ layout, name }: Pick<Archive, 'layout' | 'name'>, at: number): FilePlace {
  const file = layout.files?.findLast(({ offset }) => offset <= at);
  return { name: file?.name ?? name, start: file?.offset ?? 0 };
}
