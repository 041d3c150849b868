import type { PackageDownloads } from '../../../model/patch/patch.js';
import type { Download, Workspace } from '../../../model/patch/workspace.js';
import { formatOutputTail, runScript } from '../run-script.js';
import { createStepError, type StepContext } from '../step-context.js';
import { explainFailure } from './explain-failure.js';
import { createFold } from './fold-output.js';
import { type PackageManager, packageScratch } from './manager.js';

/** Folders in the root that do not stay: package files of the patch folder, and downloads of earlier builds. */
const fileFolder = '.moby-patch-files';
const downloadFolder = '.moby-patch-downloads';

export interface ManagerRun {
  readonly manager: PackageManager;
  readonly workspace: Workspace;
  readonly context: StepContext;
}

export interface ManagerResult {
  /** All that are kept, of earlier builds, too. */
  readonly downloads: readonly Download[];
  readonly output: string;
}

const nothingDone: ManagerResult = { downloads: [], output: '' };

/** Error: `package-failed`. */
export async function removePackages(run: ManagerRun, names: readonly string[]): Promise<ManagerResult> {
  return names.length === 0 ? nothingDone : runAction(run, { action: 'remove', items: names, shown: names });
}

/** Each `name` or `name=version`. Error: `package-failed`. */
export async function installPackages(run: ManagerRun, packages: readonly string[]): Promise<ManagerResult> {
  const items = packages.map((each) => run.manager.spell?.(each) ?? each);
  return packages.length === 0 ? nothingDone : runAction(run, { action: 'install', items, shown: packages });
}

/** Files of the patch folder. Error: `package-failed`. */
export async function installFiles(
  run: ManagerRun,
  { files, unsigned }: { readonly files: readonly string[]; readonly unsigned: boolean },
): Promise<ManagerResult> {
  if (files.length === 0) return nothingDone;
  const { workspace, context } = run;
  const items: string[] = [];
  for (const [index, name] of files.entries()) {
    const path = `${fileFolder}/${index}/${name.slice(name.lastIndexOf('/') + 1)}`;
    await workspace.put({ path, type: 'file', content: context.payload.get(name) });
    items.push(`/${path}`);
  }
  const action = unsigned ? 'install-unsigned' : 'install';
  const result = await runAction(run, { action, items, shown: files });
  await workspace.restore(fileFolder);
  return result;
}

interface Action {
  readonly action: 'install' | 'install-unsigned' | 'remove';
  readonly items: readonly string[];
  /** What stands in the patch. */
  readonly shown: readonly string[];
}

async function runAction(
  { manager, workspace, context }: ManagerRun,
  { action, items, shown }: Action,
): Promise<ManagerResult> {
  const args = [action, `/${packageScratch}`, `/${downloadFolder}`, ...items];
  const {
    exitCode,
    output,
    downloads = [],
  } = await runScript(workspace, context, manager.script(), args, {
    network: action !== 'remove',
    timeout: 1800,
    fold: createFold(manager.name),
    // A build without a network withholds it where it gives downloads.
    ...(action !== 'remove' && { downloads: { folder: downloadFolder, manager: manager.name } }),
  });
  if (exitCode === 0) return { downloads, output };
  const failure = explainFailure(manager, output);
  const verb = action === 'remove' ? 'remove' : 'install';
  throw createStepError(
    context,
    'package-failed',
    `${manager.name} could not ${verb} ${shown.join(' ')} (exit code ${exitCode})${formatOutputTail(failure.output, 15)}`,
    { hint: failure.hint, output },
  );
}

/** What was installed, by name and version. */
export interface Installation {
  readonly downloads: readonly Download[];
  readonly packages: Readonly<Record<string, string>>;
  /** Files of the patch folder that were installed. */
  readonly files: readonly string[];
}

/** Which downloads the packages came from, with the lists that name them. */
export function chooseDownloads(
  { downloads: rule }: PackageManager,
  { downloads, packages, files }: Installation,
): PackageDownloads {
  const names = Object.entries(packages);
  if (rule === undefined) return { kept: [], missing: names.map(([name]) => name) };
  const isOf = (file: string, [name, version]: readonly [string, string]) =>
    file.startsWith(rule.begin(name, version));
  const isGiven = ([name]: readonly [string, string]) =>
    files.some((file) => /^[_-]/.test(file.slice(file.lastIndexOf('/') + 1).replace(name, '')));
  return {
    kept: downloads.filter(({ name }) => rule.isIndex(name) || names.some((each) => isOf(name, each))),
    missing: names
      .filter((each) => !downloads.some(({ name }) => isOf(name, each)) && !isGiven(each))
      .map(([name]) => name),
  };
}
