import { encodePath } from '../format/path.js';
import { isWritable } from '../format/sidecar.js';
import type { Archive } from '../model/image/archive.js';
import type { Entry } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';

/** The numbers by which a kernel recognises hard links, and whether this name brings the body. */
export interface Identity {
  readonly ino: number;
  readonly nlink: number;
  readonly devmajor: number;
  readonly devminor: number;
  readonly first: boolean;
}

export interface Inodes {
  /** `old`: the record whose place the entry takes, if any. */
  identify(entry: Entry, old: ArchiveRecord | undefined, segment: number): Identity;
  /** A new name in the style of its archive: `./a`, `/a` or `a`. */
  name(path: string, segment: number): Uint8Array;
}

/** Gives new entries inode numbers that no other entry of the image has. */
export function createInodes(archive: Archive, additions: Iterable<Entry>): Inodes {
  const groupSizes = countLinks(additions);
  const groupNumbers = new Map<string, number>();
  const samples = findSamples(archive);
  const largest = archive.records.reduce((most, record) => Math.max(most, record.header.ino), 0);
  const isFreeAbove = largest < 0xf0000000;
  const used = new Set(isFreeAbove ? [] : archive.records.map((record) => record.header.ino));
  let last = isFreeAbove ? largest : 0;

  function takeNumber(): number {
    do last += 1;
    while (used.has(last));
    used.add(last);
    return last;
  }

  return {
    identify(entry, old, segment) {
      const sample = (old ?? samples.get(segment)?.first)?.header;
      const device = { devmajor: sample?.devmajor ?? 0, devminor: sample?.devminor ?? 0 };
      if (entry.link === undefined) {
        const keeps = old !== undefined && (old.header.nlink < 2 || entry.type === 'directory');
        return {
          ino: keeps ? old.header.ino : takeNumber(),
          nlink: entry.type === 'directory' ? (old?.header.nlink ?? 2) : 1,
          ...device,
          first: true,
        };
      }
      const known = groupNumbers.get(entry.link);
      const ino = known ?? takeNumber();
      groupNumbers.set(entry.link, ino);
      return { ino, nlink: groupSizes.get(entry.link) ?? 1, ...device, first: known === undefined };
    },
    name(path, segment) {
      const sample = samples.get(segment)?.name ?? '';
      const prefix = sample.startsWith('./') ? './' : sample.startsWith('/') ? '/' : '';
      const name = path === '' ? '.' : prefix + path;
      return encodePath(isWritable(name) ? name : path);
    },
  };
}

interface Sample {
  readonly first: ArchiveRecord;
  /** The first name of more than one character, which tells the style. */
  name?: string;
}

/** By segment. */
function findSamples({ records }: Archive): ReadonlyMap<number, Sample> {
  const samples = new Map<number, Sample>();
  for (const record of records) {
    const sample = samples.get(record.segment) ?? { first: record };
    samples.set(record.segment, sample);
    if (record.name.length > 1) sample.name ??= record.name;
  }
  return samples;
}

function countLinks(entries: Iterable<Entry>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { link } of entries) if (link !== undefined) counts.set(link, (counts.get(link) ?? 0) + 1);
  return counts;
}
