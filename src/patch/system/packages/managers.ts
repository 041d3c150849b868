import type { Workspace } from '../../../model/patch/workspace.js';
import type { StepContext } from '../step-context.js';
import { findFile, isAnyFile } from '../workspace-files.js';
import { apk } from './apk.js';
import { apt } from './apt.js';
import { dnf } from './dnf.js';
import { type ManagerName, managerNames, type PackageManager, type Packages } from './manager.js';
import { pacman } from './pacman.js';
import { zypper } from './zypper.js';

const managers: Readonly<Record<ManagerName, PackageManager>> = { apk, apt, dnf, zypper, pacman };
const all = managerNames.map((name) => managers[name]);

/** The paths that tell which managers an image has, and what each has installed. */
export const managerPaths = [
  ...new Set([...all.flatMap(({ programs }) => programs), ...all.flatMap(({ databases }) => databases)]),
];

/** The package managers of an image; those that have a database come first. */
export async function findManagers(workspace: Workspace): Promise<readonly PackageManager[]> {
  const present: { manager: PackageManager; hasDatabase: boolean }[] = [];
  for (const manager of all) {
    if (!(await isAnyFile(workspace, manager.programs))) continue;
    const hasDatabase = await isAnyFile(workspace, manager.databases);
    present.push({ manager, hasDatabase });
  }
  return present.sort((a, b) => Number(b.hasDatabase) - Number(a.hasDatabase)).map(({ manager }) => manager);
}

/** What the manager's own database lists; empty where there is none yet. */
export async function readInstalled(
  manager: PackageManager,
  workspace: Workspace,
  context: StepContext,
): Promise<Packages> {
  const database = await findFile(workspace, manager.databases);
  return database === undefined ? new Map() : manager.readInstalled({ workspace, context, database });
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
