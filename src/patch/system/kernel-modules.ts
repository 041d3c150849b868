import type { Workspace } from '../../model/patch/workspace.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { createStepError, type StepContext } from './step-context.js';
import { readText } from './workspace-files.js';

/** The kernel takes - and _ for the same. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

interface FoundModule {
  /** In every kernel that has it. */
  readonly isBuiltIn: boolean;
  readonly notes: string[];
}

/** Looks for a module in each kernel of the image. Error (`failed`): `module-missing`, when none has it. */
export async function findModule(
  name: string,
  context: StepContext,
  workspace: Workspace,
): Promise<FoundModule> {
  const releases = [];
  for (const release of await workspace.list('lib/modules')) {
    const indexed = await listModules(workspace, `lib/modules/${release}/modules.dep`);
    // Debian's installer ships modules.dep.bin alone, which is all that modprobe reads.
    const loadable =
      indexed.size > 0 ? indexed : new Set(await findModuleFiles(workspace, `lib/modules/${release}`));
    const builtIn = await listModules(workspace, `lib/modules/${release}/modules.builtin`);
    if (loadable.size + builtIn.size > 0) releases.push({ release, loadable, builtIn });
  }
  if (releases.length === 0) {
    const note = `found no modules in lib/modules of the image: nobody can say whether its kernel has ${name}`;
    return { isBuiltIn: false, notes: [note] };
  }
  const wanted = moduleName(name);
  const lacking = releases.filter(({ loadable, builtIn }) => !loadable.has(wanted) && !builtIn.has(wanted));
  if (lacking.length < releases.length) {
    const isBuiltIn = releases.every(({ loadable }) => !loadable.has(wanted));
    const notes = lacking.map(({ release }) => `the kernel ${release} has no ${name}`);
    return { isBuiltIn, notes: isBuiltIn ? [...notes, `${name} is built into the kernel`] : notes };
  }
  const all = releases.flatMap(({ loadable, builtIn }) => [...loadable, ...builtIn]);
  throw createStepError(
    context,
    'module-missing',
    `module ${name}: found none of this name in lib/modules of the image (${releases.map(({ release }) => release).join(', ')}), wanted one that its kernel has${suggest(wanted, all)}`,
    { hint: "moby-patch ls IMAGE '**/*.ko*' lists those that it has" },
  );
}

/** Names of the modules that modules.dep and modules.builtin list: `kernel/fs/nfs/nfs.ko.xz: ...`. */
async function listModules(workspace: Workspace, path: string): Promise<ReadonlySet<string>> {
  const text = (await readText(workspace, path)) ?? '';
  const names = text.matchAll(/^(?:[^:\n]*\/)?([^/:\n]+?)\.ko(?:\.(?:gz|xz|zst))?(?::|$)/gm);
  return new Set([...names].map(([, name = '']) => moduleName(name)));
}

/** Names of the module files in a folder and the folders below it; no symlink (`build`, `source`) is followed. */
async function findModuleFiles(workspace: Workspace, folder: string): Promise<string[]> {
  const found = [];
  for (const name of await workspace.list(folder)) {
    const [, module] = /^(.+)\.ko(?:\.(?:gz|xz|zst))?$/.exec(name) ?? [];
    const path = `${folder}/${name}`;
    if (module !== undefined) found.push(moduleName(module));
    else if ((await workspace.stat(path))?.type === 'directory')
      found.push(...(await findModuleFiles(workspace, path)));
  }
  return found;
}
