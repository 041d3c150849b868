import { parseType } from '../format/mode.js';
import type { Archive } from '../model/image/archive.js';

export interface EarlyArchive {
  /** Index into `Layout.segments`. */
  readonly segment: number;
  readonly holds: string;
}

type Read = Pick<Archive, 'layout' | 'records'>;

/** Folders that a kernel reads in uncompressed archives before there is a root (Linux: arch/x86/kernel/cpu/microcode, drivers/acpi/tables.c). */
const earlyFolders: readonly (readonly [string, string])[] = [
  ['kernel/x86/microcode/', 'CPU microcode'],
  ['kernel/firmware/acpi/', 'ACPI tables'],
];

/** The mark of dracut, a file that nothing reads. */
const mark = 'early_cpio';

/** The archives that bring nothing for the root: all of their files stand in the folders that a kernel reads early. */
export function describeEarly({ records }: Read): EarlyArchive[] {
  const found = new Map<number, Set<string>>();
  const others = new Set<number>();
  for (const { segment, header, name } of records) {
    if (others.has(segment) || parseType(header.mode) !== 'file') continue;
    const path = name.replace(/^(?:\.?\/)+/, '');
    const holds = earlyFolders.find(([folder]) => path.startsWith(folder))?.[1];
    if (holds !== undefined) found.set(segment, (found.get(segment) ?? new Set()).add(holds));
    else if (path !== mark) others.add(segment);
  }
  return [...found].flatMap(([segment, holds]) =>
    others.has(segment) ? [] : [{ segment, holds: [...holds].join(', ') }],
  );
}

/** What an image holds that has early archives and no other one; undefined for any other image. */
export function describeEarlyAlone(image: Read): string | undefined {
  const early = describeEarly(image);
  const archives = image.layout.segments.filter(({ kind }) => kind === 'cpio');
  return early.length === archives.length ? early[0]?.holds : undefined;
}
