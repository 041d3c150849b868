import { createHash } from 'node:crypto';
import { noteDigests } from '../compress/gzip-ahead.js';
import type { InputFile } from '../io/input-file.js';
import type { Cache } from '../model/cache.js';
import type { Bytes } from '../model/entry.js';
import type { ArchiveRecord, Compression, Header } from '../model/layout.js';

/** Raised when a reading finds something else in the same bytes. */
const version = 1;
/** Bytes: a longer member is read again each time, as it comes. */
const longest = 8 * 2 ** 20;
/** More records than this are read again faster than their list is parsed. */
const mostRecords = 200_000;

const numbers = [
  'ino',
  'mode',
  'uid',
  'gid',
  'nlink',
  'mtime',
  'filesize',
  'devmajor',
  'devminor',
  'rdevmajor',
  'rdevminor',
  'namesize',
  'check',
] as const satisfies readonly (keyof Header)[];

/** A record in a member that was read before; `position`: from the start of the unpacked member. */
export type KnownRecord = Pick<ArchiveRecord, 'name' | 'header' | 'position' | 'target'> & {
  /** Hex SHA-256 of a body that is not empty. */
  readonly digest?: string | undefined;
};

/** A member of whole entries without a TRAILER. */
interface Contents {
  readonly unpacked: number;
  readonly level: Compression['level'];
  readonly records: readonly KnownRecord[];
}

export interface KnownMember extends Contents {
  /** Where it ends in the file. */
  readonly end: number;
}

/** A member as a scan has found it; its records are those from `first` on. */
export interface FoundMember {
  readonly offset: number;
  readonly end: number;
  readonly unpacked: number;
  readonly level: Compression['level'];
  readonly first: number;
  readonly count: number;
  /** Where it begins in the unpacked segment. */
  readonly base: number;
}

/** What is known of the members of a file, and a place to note what was found in the others. */
export interface KeptMembers {
  /** By where they begin in the file. */
  readonly known: ReadonlyMap<number, KnownMember>;
  keep(
    found: readonly FoundMember[],
    records: readonly (ArchiveRecord | undefined)[],
    digests: ReadonlyMap<ArchiveRecord, string>,
  ): Promise<void>;
}

/** `scope`: what tells files that have members in common from others. */
export interface MemberMemory {
  readonly cache: Cache;
  readonly scope: string;
}

type Row = readonly [
  name: string,
  position: number,
  magic: Header['magic'],
  numbers: readonly number[],
  digest: string | null,
  target?: string,
];
type Kept = readonly [unpacked: number, level: Compression['level'] | null, rows: readonly Row[]];

/**
 * Members with the same bytes as one that was read in an earlier build need not be unpacked again: their digests
 * tell. `members`: where they begin. What is kept for a scope is what was in one file: the last that had a member which was not known.
 */
export async function openKeptMembers(
  file: InputFile,
  members: readonly number[],
  { cache, scope }: MemberMemory,
): Promise<KeptMembers> {
  const key = createHash('sha256').update(`members ${version} ${scope}`).digest('hex');
  const taken = noteDigests(file);
  const ends = new Map(members.map((offset, index) => [offset, members[index + 1] ?? file.size]));
  const kept = parseList(await cache.read('scan', key));
  const known = new Map<number, KnownMember & { readonly digest: string }>();
  if (kept.size > 0)
    for (const [offset, end] of ends) {
      const digest = (await hash(offset, end)) ?? '';
      const contents = kept.get(digest);
      if (contents !== undefined) known.set(offset, { ...decode(JSON.parse(contents) as Kept), end, digest });
    }

  async function hash(offset: number, end: number): Promise<string | undefined> {
    if (end - offset > longest) return undefined;
    return createHash('sha256')
      .update(await file.read(offset, end))
      .digest('hex');
  }

  return {
    known,
    async keep(found, records, digests) {
      if (records.length > mostRecords) return;
      if (found.every(({ offset }) => known.has(offset))) return;
      await cache.write('scan', key, listMembers());

      async function* listMembers(): Bytes {
        for (const { offset, end, unpacked, level, first, count, base } of found) {
          const read = ends.get(offset) === end ? taken.get(offset) : undefined;
          const digest = known.get(offset)?.digest ?? read ?? (await hash(offset, end));
          if (digest === undefined) continue;
          const rows = records
            .slice(first, first + count)
            .flatMap((record) => (record === undefined ? [] : [encode(record, base, digests.get(record))]));
          yield Buffer.from(`${digest} ${JSON.stringify([unpacked, level ?? null, rows] satisfies Kept)}\n`);
        }
      }
    },
  };
}

/** The digest of each member, and what was found in it as JSON. */
function parseList(list: Uint8Array | undefined): Map<string, string> {
  const lines = list === undefined ? [] : Buffer.from(list).toString().split('\n').slice(0, -1);
  return new Map(lines.map((line) => [line.slice(0, 64), line.slice(65)]));
}

function encode({ name, position, header, target }: ArchiveRecord, base: number, digest?: string): Row {
  const values = numbers.map((field) => header[field]);
  const row = [name, position - base, header.magic, values, digest ?? null] as const;
  return target === undefined ? row : [...row, target];
}

function decode([unpacked, level, rows]: Kept): Contents {
  const records = rows.map(([name, position, magic, values, digest, target]): KnownRecord => {
    const header = { magic } as Record<string, unknown>;
    for (const [index, field] of numbers.entries()) header[field] = values[index];
    return {
      name,
      position,
      header: header as unknown as Header,
      ...(digest !== null && { digest }),
      ...(target !== undefined && { target }),
    };
  });
  return { unpacked, level: level ?? undefined, records };
}
