import { parseDpkgUnpacked } from '../../format/package-database.js';
import { collectBytes } from '../../io/collect.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';

/** Bytes of a list of a package. */
const longest = 32 * 2 ** 20;

/**
 * `name version` of the packages that say that a path is theirs, by the databases of dpkg, apk and pacman in the image. Paths
 * are compared as they are written and as they resolve, since a package may name /bin where the image has /usr/bin.
 */
export async function findPackages(image: Archive, names: ReadonlySet<string>): Promise<string[]> {
  const wanted = new Map<ImageEntry['data'], { readonly path: string; readonly isStatus: boolean }>();
  for (const [path, entry] of image.entries) {
    if (entry.type !== 'file' || entry.size === 0 || entry.size > longest) continue;
    const isStatus = path === 'var/lib/dpkg/status';
    if (isStatus || isList(path)) wanted.set(entry.data, { path, isStatus });
  }
  const owners: string[] = [];
  let versions: ReadonlyMap<string, string> = new Map();
  for await (const [record, body] of image.bodies(new Set(wanted.keys()))) {
    const { path = '', isStatus = false } = wanted.get(record) ?? {};
    const text = Buffer.from(await collectBytes(body, longest, path)).toString('utf8');
    if (isStatus) versions = new Map(parseDpkgUnpacked(text).map(({ name, version }) => [name, version]));
    else owners.push(...readOwners(path, text, names));
  }
  return [...new Set(owners)].sort().map((name) => {
    const version = versions.get(name);
    return version === undefined ? name : `${name} ${version}`;
  });
}

function isList(path: string): boolean {
  return (
    /^var\/lib\/dpkg\/info\/[^/]+\.list$/.test(path) ||
    /^(usr\/)?lib\/apk\/db\/installed$/.test(path) ||
    /^var\/lib\/pacman\/local\/[^/]+\/files$/.test(path)
  );
}

function readOwners(path: string, text: string, names: ReadonlySet<string>): string[] {
  if (path.startsWith('var/lib/dpkg/')) {
    const name = path.slice(path.lastIndexOf('/') + 1, -'.list'.length).replace(/:.*$/, '');
    return text.split('\n').some((line) => names.has(line.slice(1))) ? [name] : [];
  }
  if (path.startsWith('var/lib/pacman/')) {
    const folder = path.split('/')[4] ?? '';
    const owner = folder.replace(/-([^-]+-[^-]+)$/, ' $1');
    return text.split('\n').some((line) => names.has(line)) ? [owner] : [];
  }
  return readApk(text, names);
}

/** P: package, V: version, F: folder, R: file in it. */
function readApk(text: string, names: ReadonlySet<string>): string[] {
  const owners: string[] = [];
  let [name, version, folder] = ['', '', ''];
  for (const line of text.split('\n')) {
    const value = line.slice(2);
    if (line.startsWith('P:')) name = value;
    else if (line.startsWith('V:')) version = value;
    else if (line.startsWith('F:')) folder = value;
    const path = line.startsWith('R:') ? (folder === '' ? value : `${folder}/${value}`) : undefined;
    if (names.has(path ?? (line.startsWith('F:') && value !== '' ? value : '\0')))
      owners.push(`${name} ${version}`);
  }
  return owners;
}
