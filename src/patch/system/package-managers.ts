import type { Workspace } from '../../model/workspace.js';
import { readText } from './workspace-files.js';

export type Manager = 'apk' | 'apt';

/** Name -> version of everything that is installed. */
export type Packages = ReadonlyMap<string, string>;

const programs = {
  apk: ['sbin/apk', 'usr/sbin/apk', 'bin/apk', 'usr/bin/apk'],
  apt: ['usr/bin/apt-get', 'bin/apt-get'],
} as const;

const databases = {
  apk: ['lib/apk/db/installed', 'usr/lib/apk/db/installed'],
  apt: ['var/lib/dpkg/status'],
} as const;

/** The paths that tell which manager an image has and what it has installed. */
export const managerPaths = [...Object.values(programs).flat(), ...Object.values(databases).flat()];

/** The package managers of an image; one whose database is there too comes first. */
export async function findManagers(at: Workspace): Promise<readonly Manager[]> {
  const found: { manager: Manager; database: boolean }[] = [];
  for (const manager of ['apk', 'apt'] as const) {
    if (await findFirst(at, programs[manager])) {
      found.push({ manager, database: (await findFirst(at, databases[manager])) !== undefined });
    }
  }
  return found.sort((a, b) => Number(b.database) - Number(a.database)).map(({ manager }) => manager);
}

/** What the manager's own database says; empty when there is none yet. */
export async function readInstalled(at: Workspace, manager: Manager): Promise<Packages> {
  const path = await findFirst(at, databases[manager]);
  const text = path === undefined ? undefined : await readText(at, path);
  return text === undefined ? new Map() : parsers[manager](text);
}

async function findFirst(at: Workspace, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await at.follow(path))?.type === 'file') return path;
  return undefined;
}

/** apk's database: paragraphs of `P:name`, `V:version` and more. */
export function parseApkInstalled(text: string): Packages {
  const packages = new Map<string, string>();
  for (const paragraph of text.split('\n\n')) {
    const name = /^P:(.+)$/m.exec(paragraph)?.[1];
    const version = /^V:(.+)$/m.exec(paragraph)?.[1];
    if (name !== undefined && version !== undefined) packages.set(name, version);
  }
  return packages;
}

/** dpkg's status: only what is unpacked and configured counts. */
export function parseDpkgStatus(text: string): Packages {
  const packages = new Map<string, string>();
  for (const paragraph of text.split('\n\n')) {
    const name = /^Package: *(.+)$/m.exec(paragraph)?.[1];
    const version = /^Version: *(.+)$/m.exec(paragraph)?.[1];
    const installed = /^Status: .* installed$/m.test(paragraph);
    if (installed && name !== undefined && version !== undefined) packages.set(name, version);
  }
  return packages;
}

const parsers = { apk: parseApkInstalled, apt: parseDpkgStatus } as const;

/** Packages that are new or have another version, sorted by name. */
export function comparePackages(before: Packages, after: Packages): Record<string, string> {
  const changed = [...after].filter(([name, version]) => before.get(name) !== version);
  return Object.fromEntries(changed.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a wish, `name` or `name=version`, is fulfilled. */
export function isInstalled(wish: string, packages: Packages): boolean {
  const [name = '', version] = wish.split('=', 2);
  const found = packages.get(name.replace(/:[a-z0-9]+$/, ''));
  return found !== undefined && (version === undefined || found === version);
}
