import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { encodePath } from '#src/format/path.js';
import type { Image } from '#src/model/image/archive.js';
import type { EntryType } from '#src/model/image/entry.js';
import type { ArchiveRecord } from '#src/model/image/layout.js';

/** All that can be seen of one name in a root file system. */
export interface Seen {
  readonly type: EntryType | 'unknown';
  /** Octal, without the type. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Files only. */
  readonly size?: number | undefined;
  /** Of the content, files only. */
  readonly sha256?: string | undefined;
  /** Symlinks only; bytes as Latin-1. */
  readonly target?: string | undefined;
  /** `major:minor`, devices only. */
  readonly device?: string | undefined;
  /** All names of the file when it has more than one, sorted. */
  readonly names?: string | undefined;
}

/** Path without a leading slash (`''`: the root), its bytes as Latin-1 so that any reader can say it. */
export type Listing = ReadonlyMap<string, Seen>;

const toLatin = (text: string) => Buffer.from(encodePath(text)).toString('latin1');

/** What we say a kernel makes of an image. */
export async function listImage(image: Image): Promise<Listing> {
  const digests = await digestBodies(image);
  const entries = [...image.entries.values()].map(
    (entry) => [toLatin(entry.path), entry, entry.link] as const,
  );
  const names = groupNames(entries.map(([path, , link]) => [path, link]));
  return new Map(
    entries.map(([path, { type, mode, uid, gid, mtime, size, target, device, data }]) => [
      path,
      {
        type,
        mode: mode.toString(8),
        uid,
        gid,
        mtime,
        size: type === 'file' ? size : undefined,
        sha256: type === 'file' ? (digests.get(data) ?? emptyDigest) : undefined,
        target: target === undefined ? undefined : toLatin(target),
        device: device === undefined ? undefined : `${device.major}:${device.minor}`,
        names: names.get(path),
      },
    ]),
  );
}

const emptyDigest = createHash('sha256').digest('hex');

async function digestBodies(image: Image): Promise<Map<ArchiveRecord, string>> {
  const wanted = [...image.entries.values()].filter(({ type, size }) => type === 'file' && size > 0);
  const digests = new Map<ArchiveRecord, string>();
  for await (const [record, body] of image.bodies(new Set(wanted.map(({ data }) => data)))) {
    const hash = createHash('sha256');
    for await (const piece of body) hash.update(piece);
    digests.set(record, hash.digest('hex'));
  }
  return digests;
}

/** What stands in a folder, by lstat(2) and by reading every file: its maker is judged by that. */
export async function listFolder(folder: string): Promise<Listing> {
  const paths = ['', ...(await walk(folder, ''))];
  const found: [string, Seen, string | undefined][] = [];
  for (const path of paths) {
    const at = Buffer.from(path === '' ? folder : `${folder}/${path}`, 'latin1');
    const stat = await lstat(at, { bigint: true });
    const type = typeOf(Number(stat.mode));
    const isDevice = type === 'character' || type === 'block';
    const seen: Seen = {
      type,
      mode: (Number(stat.mode) & 0o7777).toString(8),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtime: Number(stat.mtimeNs / 1_000_000_000n),
      size: type === 'file' ? Number(stat.size) : undefined,
      sha256: type === 'file' ? await digestFile(at) : undefined,
      target: type === 'symlink' ? (await readlink(at, 'latin1')).toString() : undefined,
      device: isDevice ? splitDevice(stat.rdev) : undefined,
      names: undefined,
    };
    const link = type !== 'directory' && stat.nlink > 1n ? String(stat.ino) : undefined;
    found.push([path, seen, link]);
  }
  return joinNames(found);
}

async function walk(folder: string, below: string): Promise<string[]> {
  const at = Buffer.from(below === '' ? folder : `${folder}/${below}`, 'latin1');
  const paths: string[] = [];
  for (const item of await readdir(at, { withFileTypes: true, encoding: 'buffer' })) {
    const name = (item.name as unknown as Buffer).toString('latin1');
    const path = below === '' ? name : `${below}/${name}`;
    paths.push(path);
    if (item.isDirectory()) paths.push(...(await walk(folder, path)));
  }
  return paths;
}

async function digestFile(path: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Linux spreads both numbers over 64 bits (sys/sysmacros.h). */
function splitDevice(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

const types: ReadonlyMap<number, EntryType> = new Map([
  [constants.S_IFSOCK, 'socket'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFREG, 'file'],
  [constants.S_IFBLK, 'block'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFCHR, 'character'],
  [constants.S_IFIFO, 'fifo'],
]);

export function typeOf(mode: number): EntryType | 'unknown' {
  return types.get(mode & constants.S_IFMT) ?? 'unknown';
}

/** A listing of names whose third part is the same for all names of one file. */
export function joinNames(found: readonly (readonly [string, Seen, string | undefined])[]): Listing {
  const names = groupNames(found.map(([path, , link]) => [path, link]));
  return new Map(found.map(([path, seen]) => [path, { ...seen, names: names.get(path) }]));
}

function groupNames(links: readonly (readonly [string, string | undefined])[]): Map<string, string> {
  const groups = new Map<string, string[]>();
  for (const [path, link] of links) {
    if (link === undefined) continue;
    const group = groups.get(link);
    if (group === undefined) groups.set(link, [path]);
    else group.push(path);
  }
  const several = [...groups.values()].filter((paths) => paths.length > 1);
  return new Map(several.flatMap((paths) => paths.map((path) => [path, paths.toSorted().join('\n')])));
}

/** What a reader cannot tell, by entry. */
export type Blind = (path: string, seen: Seen) => readonly (keyof Seen)[];

/**
 * One line for each difference: the path, the field, what `found` has and what `wanted` has. `blind` are
 * fields that the reader behind `found` cannot give.
 */
export function compareListings(found: Listing, wanted: Listing, blind: Blind = () => []): string[] {
  const lines: string[] = [];
  for (const path of new Set([...wanted.keys(), ...found.keys()])) {
    const [left, right] = [found.get(path), wanted.get(path)];
    if (left === undefined || right === undefined) {
      lines.push(`${quote(path)}: ${left === undefined ? 'not found' : 'found, but not wanted'}`);
      continue;
    }
    const hidden = blind(path, right);
    for (const field of fields) {
      if (left[field] !== right[field] && !hidden.includes(field))
        lines.push(`${quote(path)}: ${field} ${quote(left[field])}, wanted ${quote(right[field])}`);
    }
  }
  return lines;
}

const fields = [
  'type',
  'mode',
  'uid',
  'gid',
  'mtime',
  'size',
  'sha256',
  'target',
  'device',
  'names',
] as const satisfies readonly (keyof Seen)[];

const quote = (value: unknown) => String(JSON.stringify(value)).slice(0, 120);
