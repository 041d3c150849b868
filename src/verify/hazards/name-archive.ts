import type { Layout } from '../../model/image/layout.js';

/** `archive N`, counted from 1 without padding, by the index of its segment. */
export function nameArchive({ segments }: Layout, segment: number): string {
  const archives = segments.slice(0, segment + 1).filter(({ kind }) => kind === 'cpio');
  return `archive ${archives.length}`;
}
