import type { Workspace } from '../../../model/patch/workspace.js';
import { formatOutputTail, runScript } from '../run-script.js';
import { createStepError, type StepContext } from '../step-context.js';
import { explainFailure } from './explain-failure.js';
import { type PackageManager, packageScratch } from './manager.js';

/** Folders in the root that do not stay: package files of the patch folder, and downloads of earlier builds. */
const fileFolder = '.moby-patch-files';
const downloadFolder = '.moby-patch-downloads';

export interface ManagerRun {
  readonly manager: PackageManager;
  readonly workspace: Workspace;
  readonly context: StepContext;
}

/** Error: `package-failed`. */
export async function removePackages(run: ManagerRun, names: readonly string[]): Promise<void> {
  if (names.length > 0) await runAction(run, { action: 'remove', items: names, shown: names });
}

/** Each `name` or `name=version`. Error: `package-failed`. */
export async function installPackages(run: ManagerRun, packages: readonly string[]): Promise<void> {
  const items = packages.map((each) => run.manager.spell?.(each) ?? each);
  if (packages.length > 0) await runAction(run, { action: 'install', items, shown: packages });
}

/** Files of the patch folder. Error: `package-failed`. */
export async function installFiles(
  run: ManagerRun,
  { files, unsigned }: { readonly files: readonly string[]; readonly unsigned: boolean },
): Promise<void> {
  if (files.length === 0) return;
  const { workspace, context } = run;
  const items: string[] = [];
  for (const [index, name] of files.entries()) {
    const path = `${fileFolder}/${index}/${name.slice(name.lastIndexOf('/') + 1)}`;
    await workspace.put({ path, type: 'file', content: context.payload.get(name) });
    items.push(`/${path}`);
  }
  await runAction(run, { action: unsigned ? 'install-unsigned' : 'install', items, shown: files });
  await workspace.restore(fileFolder);
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
): Promise<void> {
  const args = [action, `/${packageScratch}`, `/${downloadFolder}`, ...items];
  const { exitCode, output } = await runScript(workspace, context, manager.script(), args, {
    network: action !== 'remove',
    timeout: 1800,
    ...(action === 'install' && manager.keepsDownloads
      ? { downloads: { folder: downloadFolder, manager: manager.name } }
      : {}),
  });
  if (exitCode === 0) return;
  const failure = explainFailure(manager, output);
  const verb = action === 'remove' ? 'remove' : 'install';
  throw createStepError(
    context,
    'package-failed',
    `${manager.name} could not ${verb} ${shown.join(' ')} (exit code ${exitCode})${formatOutputTail(failure.output, 15)}`,
    { hint: failure.hint },
  );
}
