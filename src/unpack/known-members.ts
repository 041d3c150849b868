import { createHash } from 'node:crypto';
import { createMembersAhead } from '../compress/gzip/members-ahead.js';
import { cacheEntry } from '../io/cache.js';
import { hashRange } from '../io/file/hash-range.js';
import type { InputFile } from '../io/file/input-file.js';
import type { Cache } from '../model/cache.js';
import type { Bytes } from '../model/image/entry.js';
import type { ArchiveRecord, Compression, Header, MemberRange } from '../model/image/layout.js';
import {
  createCollector,
  findHeldBody,
  type KnownRecord,
  type ScanContents,
  type ScannedImage,
} from './collector.js';
import { hashWhileReading } from './hash-file.js';
import { hashSegments, type ScanRequest, type Shortcut } from './reading.js';
import { type KnownMember, type ScannedMember, scanImage } from './scan.js';

/** Raised when a scan finds other records in the same bytes, or when they are written in another form. */
const version = 1;
/** Bytes: a longer member is read again each time, as it comes. */
const longest = 8 * 2 ** 20;
/** A longer list of records takes longer to parse than the archive to read. */
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

type Contents = Omit<KnownMember, 'end'>;

type Row = readonly [
  name: string,
  position: number,
  magic: Header['magic'],
  numbers: readonly number[],
  digest: string | null,
  target?: string,
];
type Encoded = readonly [unpacked: number, level: Compression['level'] | null, rows: readonly Row[]];

export interface KnownMembersOptions {
  readonly cache: Cache;
  /** Equal for files that have members in common: the digest of the image that they were made of. */
  readonly scope: string;
  /** Gzip members of the file, as its writer lists them. Only an aid: a wrong one costs time and nothing else. */
  readonly members: readonly MemberRange[];
  /** The image that the file was made of: the one of `sharedWith`, and the source of bodies for `hold`. */
  readonly like?: ScannedImage | undefined;
}

/**
 * For a file whose writer lists its gzip members: they are unpacked side by side, and a member with the SHA-256 of
 * one in the scope's last file is not unpacked again. Finds no runs, since a member that is not read has none.
 */
export function knownMembers({ cache, scope, members, like }: KnownMembersOptions): Shortcut {
  return async (file, request) => {
    const hashed = hashWhileReading(file);
    const list = await openMemberList(hashed.file, { cache, scope, members });
    const collector = createCollector({ ...request, like });
    const { segments, members: scanned } = await scanImage(hashed.file, {
      ...request,
      collector,
      known: selectWhole(list.known, request, like),
      ahead: createMembersAhead(hashed.file, members, list.onRead),
    });
    const collected = collector.finish();
    await list.update(scanned, collected);
    const sha256 = await hashed.digest();
    return { scan: { ...collected, segments: await hashSegments(file, segments, sha256) }, sha256, members };
  };
}

/** Those whose bodies for `hold` are all in memory. */
function selectWhole(
  known: ReadonlyMap<number, KnownMember>,
  { hold }: ScanRequest,
  like: ScannedImage | undefined,
): ReadonlyMap<number, KnownMember> {
  const isInMemory = (record: KnownRecord) =>
    record.digest === undefined || !hold?.(record.name) || findHeldBody(like, record) !== undefined;
  return new Map([...known].filter(([, { records }]) => records.every(isInMemory)));
}

/** The members of the last file of the scope. */
interface MemberList {
  /** Those that are in this file, by where they begin in it. */
  readonly known: ReadonlyMap<number, KnownMember>;
  /** Called for each member that is read whole, so that it is not read again for its digest. */
  onRead(offset: number, member: Uint8Array): void;
  /** Writes the list of this file, unless all its members are in the old one. */
  update(members: readonly ScannedMember[], collected: ScanContents): Promise<void>;
}

async function openMemberList(
  file: InputFile,
  { cache, scope, members }: Omit<KnownMembersOptions, 'like'>,
): Promise<MemberList> {
  const entry = cacheEntry(cache, 'members', version, scope);
  const ends = new Map(members.map(({ offset, end }) => [offset, end]));
  const cached = parseList(await entry.read());
  const digests = new Map<number, string>();
  const known = new Map<number, KnownMember>();
  /** The lines of known members, by where these begin. */
  const lines = new Map<number, string>();
  if (cached.size > 0)
    for (const [offset, end] of ends) {
      const digest = await hashMember(offset, end);
      const contents = cached.get(digest ?? '');
      if (digest === undefined || contents === undefined) continue;
      const decoded = tryDecode(contents);
      if (decoded === undefined) continue;
      known.set(offset, { ...decoded, end });
      lines.set(offset, `${digest} ${contents}\n`);
    }

  async function hashMember(offset: number, end: number): Promise<string | undefined> {
    return end - offset > longest ? undefined : await hashRange(file, offset, end);
  }

  async function* listMembers(
    members: readonly ScannedMember[],
    { records, digests: bodies }: ScanContents,
  ): Bytes {
    for (const { offset, end, unpacked, level, first, count, base } of members) {
      const line = ends.get(offset) === end ? lines.get(offset) : undefined;
      if (line !== undefined) {
        yield Buffer.from(line);
        continue;
      }
      const read = ends.get(offset) === end ? digests.get(offset) : undefined;
      const digest = read ?? (await hashMember(offset, end));
      if (digest === undefined) continue;
      const rows = records
        .slice(first, first + count)
        .flatMap((record) => (record === undefined ? [] : [encode(record, base, bodies.get(record))]));
      yield Buffer.from(`${digest} ${JSON.stringify([unpacked, level ?? null, rows] satisfies Encoded)}\n`);
    }
  }

  return {
    known,
    onRead: (offset, member) => void digests.set(offset, hash(member)),
    async update(members, collected) {
      if (collected.records.length > mostRecords) return;
      if (members.every(({ offset }) => known.has(offset))) return;
      await entry.write(listMembers(members, collected));
    },
  };
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The digest of each member, and what it contains as JSON. */
function parseList(list: Uint8Array | undefined): Map<string, string> {
  const lines = list === undefined ? [] : Buffer.from(list).toString().split('\n').slice(0, -1);
  return new Map(lines.map((line) => [line.slice(0, 64), line.slice(65)]));
}

function encode({ name, position, header, target }: ArchiveRecord, base: number, digest?: string): Row {
  const values = numbers.map((field) => header[field]);
  const row = [name, position - base, header.magic, values, digest ?? null] as const;
  return target === undefined ? row : [...row, target];
}

/** Undefined for anything but what `encode` writes: the member is read then. */
function tryDecode(contents: string): Contents | undefined {
  try {
    return decode(JSON.parse(contents) as Encoded);
  } catch {
    return undefined;
  }
}

function decode([unpacked, level, rows]: Encoded): Contents {
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
