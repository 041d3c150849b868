import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Candidate } from './definition.js';

/** `older`: where the initrds of older versions are, the newest of them first; absent without a `*`. */
export type Expanded = Candidate & { readonly older?: readonly string[] };

/**
 * A candidate with the `*` of its initrd filled in: the newest version, in the order of `sort -V`, whose kernel
 * is there. Undefined when none is.
 */
export async function expandStar(
  candidate: Candidate,
  place: (path: string) => string,
): Promise<Expanded | undefined> {
  const { initrd, kernel } = candidate;
  if (initrd === undefined || !basename(initrd).includes('*')) return candidate;
  const [before = '', after = ''] = basename(initrd).split('*');
  const names = await readdir(place(dirname(initrd))).catch(() => []);
  const versions = names
    .filter(
      (name) => name.startsWith(before) && name.endsWith(after) && /^\d/.test(name.slice(before.length)),
    )
    .map((name) => name.slice(before.length, name.length - after.length))
    .filter((version) => !/\.(bak|old|new|dpkg-\w+)$/.test(version))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const name = (version: string) => join(dirname(initrd), `${before}${version}${after}`);
  for (const [index, version] of versions.entries()) {
    const found = kernel?.replace('*', version);
    if (found !== undefined && !(await isThere(place(found)))) continue;
    const older = versions.slice(index + 1).map(name);
    return { ...candidate, initrd: name(version), kernel: found, older };
  }
  return undefined;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
