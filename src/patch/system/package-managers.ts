import { readScript } from '../../io/script.js';
import type { Downloads, Workspace } from '../../model/workspace.js';
import { readText } from './workspace-files.js';

export type PackageManager = 'apk' | 'apt';

/** Name -> version of every installed package. */
export type Packages = ReadonlyMap<string, string>;

/** Where apt has its lists, archives, logs and temporary files: a folder in the root that the script removes. */
export const packageScratch = '.moby-patch-packages';

/** A folder in the root through which downloads of earlier builds come in and new ones go out; it may be missing. */
const downloadFolder = '.moby-patch-downloads';

interface ManagerFiles {
  readonly programs: readonly string[];
  readonly databases: readonly string[];
  readonly parseDatabase: (text: string) => Packages;
  /** The file that names its repositories. */
  readonly sources: string;
}

const managers: Readonly<Record<PackageManager, ManagerFiles>> = {
  apk: {
    programs: ['sbin/apk', 'usr/sbin/apk', 'bin/apk', 'usr/bin/apk'],
    databases: ['lib/apk/db/installed', 'usr/lib/apk/db/installed'],
    parseDatabase: parseApkInstalled,
    sources: 'etc/apk/repositories',
  },
  apt: {
    programs: ['usr/bin/apt-get', 'bin/apt-get'],
    databases: ['var/lib/dpkg/status'],
    parseDatabase: parseDpkgStatus,
    sources: 'etc/apt/sources.list',
  },
};

/** The paths that tell which managers an image has, and what each has installed. */
export const managerPaths = [
  ...Object.values(managers).flatMap(({ programs }) => programs),
  ...Object.values(managers).flatMap(({ databases }) => databases),
];

/** The package managers of an image; those that have a database come first. */
export async function findManagers(workspace: Workspace): Promise<readonly PackageManager[]> {
  const present: { manager: PackageManager; hasDatabase: boolean }[] = [];
  for (const manager of ['apk', 'apt'] as const) {
    const { programs, databases } = managers[manager];
    if ((await findFile(workspace, programs)) === undefined) continue;
    present.push({ manager, hasDatabase: (await findFile(workspace, databases)) !== undefined });
  }
  return present.sort((a, b) => Number(b.hasDatabase) - Number(a.hasDatabase)).map(({ manager }) => manager);
}

/** What the manager's own database lists; empty where there is none yet. */
export async function readInstalled(workspace: Workspace, manager: PackageManager): Promise<Packages> {
  const { databases, parseDatabase } = managers[manager];
  const path = await findFile(workspace, databases);
  const text = path === undefined ? undefined : await readText(workspace, path);
  return text === undefined ? new Map() : parseDatabase(text);
}

async function findFile(workspace: Workspace, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await workspace.follow(path))?.type === 'file') return path;
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

/** dpkg's status file; a package counts when it is unpacked and configured. */
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

/** Packages that are new or have another version, sorted by name. */
export function comparePackages(before: Packages, after: Packages): Record<string, string> {
  const changed = [...after].filter(([name, version]) => before.get(name) !== version);
  return Object.fromEntries(changed.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether `name`, or `name=version` in this very version, is installed. */
export function isInstalled(request: string, packages: Packages): boolean {
  const [name = '', version] = request.split('=', 2);
  const installed = packages.get(name.replace(/:[a-z0-9]+$/, ''));
  return installed !== undefined && (version === undefined || installed === version);
}

export interface InstallCommand {
  /** A script for /bin/sh, and its arguments. */
  readonly script: string;
  readonly args: readonly string[];
  readonly downloads: Downloads;
}

/** The command that installs packages, each `name` or `name=version`. */
export function createInstallCommand(manager: PackageManager, packages: readonly string[]): InstallCommand {
  const folders = manager === 'apk' ? [downloadFolder] : [packageScratch, downloadFolder];
  return {
    script:
      manager === 'apk'
        ? readScript(new URL('./install-apk.sh', import.meta.url))
        : readScript(new URL('./install-apt.sh', import.meta.url)),
    args: [...folders.map((folder) => `/${folder}`), ...packages],
    downloads: { folder: downloadFolder, manager },
  };
}

/** The file of the image that names the repositories of a manager. */
export function findSources(manager: PackageManager): string {
  return managers[manager].sources;
}
