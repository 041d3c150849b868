import { type ListedPackage, parseApkInstalled, parseDpkgStatus } from '../../format/package-database.js';
import { collectBytes } from '../../io/collect.js';
import type { Archive } from '../../model/image/archive.js';
import { resolvePath } from '../../tree/resolve.js';

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
  ['deb', 'var/lib/dpkg/status'],
  ['apk', 'lib/apk/db/installed'],
] as const;

const binary = ['var/lib/rpm', 'usr/lib/sysimage/rpm'];

/** The packages that the databases of dpkg, apk and pacman in an image list. */
export async function listPackages(image: Archive): Promise<ImagePackages> {
  const found: ImagePackage[] = [];
  for (const [type, path] of databases) {
    const text = await readText(image, path);
    if (text === undefined) continue;
    const listed = type === 'deb' ? parseDpkgStatus(text) : parseApkInstalled(text);
    found.push(...listed.map((each) => ({ type, ...each })));
  }
  for (const path of image.entries.keys())
    if (/^var\/lib\/pacman\/local\/[^/]+\/desc$/.test(path))
      found.push(...parsePacman((await readText(image, path)) ?? ''));
  const unread = binary.filter((path) => image.entries.has(path));
  return { packages: found.sort((a, b) => (a.name < b.name ? -1 : 1)), unread };
}

async function readText(image: Archive, path: string): Promise<string | undefined> {
  const end = resolvePath((at) => image.entries.get(at), path, true);
  const entry = end === undefined ? undefined : image.entries.get(end);
  if (entry?.type !== 'file' || entry.size > longest) return undefined;
  return Buffer.from(await collectBytes(entry.body(), longest, path)).toString('utf8');
}

function parsePacman(text: string): ImagePackage[] {
  const field = (name: string) => new RegExp(`^%${name}%\\n(.*)$`, 'm').exec(text)?.[1];
  const [name, version] = [field('NAME'), field('VERSION')];
  if (name === undefined || version === undefined) return [];
  return [{ type: 'alpm' as const, name, version, architecture: field('ARCH') }];
}
