import { type ListedPackage, parseApkInstalled, parseDpkgUnpacked } from '../../format/package-database.js';
import { collectBytes } from '../../io/collect.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';
import { followEntry } from '../../tree/resolve.js';

/** A package that the database of an image has. */
export interface ImagePackage extends ListedPackage {
  /** `deb`, `apk` or `alpm`: types of package URLs. */
  readonly type: 'deb' | 'apk' | 'alpm';
}

export interface ImagePackages {
  /** Sorted by name. */
  readonly packages: readonly ImagePackage[];
  /** Databases that are there and cannot be read: those of rpm are binary. */
  readonly unread: readonly string[];
}

/** Bytes of one database. */
const longest = 64 * 2 ** 20;

const databases = [
  ['deb', 'var/lib/dpkg/status', parseDpkgUnpacked],
  ['apk', 'lib/apk/db/installed', parseApkInstalled],
] as const;

const binary = ['var/lib/rpm', 'usr/lib/sysimage/rpm'];

type Parse = (text: string) => ImagePackage[];

/** The packages that the databases of dpkg, apk and pacman in an image list. Reads them in one pass over the image. */
export async function listPackages(image: Archive): Promise<ImagePackages> {
  const wanted = new Map<ImageEntry['data'], Parse>();
  const want = (entry: ImageEntry | undefined, parse: Parse) => {
    if (entry?.type === 'file' && entry.size > 0 && entry.size <= longest) wanted.set(entry.data, parse);
  };
  for (const [type, path, parse] of databases)
    want(followEntry(image.entries, path), (text) => parse(text).map((each) => ({ type, ...each })));
  for (const [path, entry] of image.entries)
    if (/^var\/lib\/pacman\/local\/[^/]+\/desc$/.test(path)) want(entry, parsePacman);
  const found: ImagePackage[] = [];
  for await (const [record, body] of image.bodies(new Set(wanted.keys()))) {
    const text = Buffer.from(await collectBytes(body, longest, record.name)).toString('utf8');
    for (const each of wanted.get(record)?.(text) ?? []) found.push(each);
  }
  const unread = binary.filter((path) => image.entries.has(path));
  return { packages: found.sort((a, b) => (a.name < b.name ? -1 : 1)), unread };
}

function parsePacman(text: string): ImagePackage[] {
  const field = (name: string) => new RegExp(`^%${name}%\\n(.*)$`, 'm').exec(text)?.[1];
  const [name, version] = [field('NAME'), field('VERSION')];
  if (name === undefined || version === undefined) return [];
  return [{ type: 'alpm' as const, name, version, architecture: field('ARCH') }];
}
