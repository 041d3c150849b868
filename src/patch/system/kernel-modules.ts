import type { Workspace } from '../../model/workspace.js';
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
    const loadable = await listModules(workspace, `lib/modules/${release}/modules.dep`);
    const builtIn = await listModules(workspace, `lib/modules/${release}/modules.builtin`);
    if (loadable.size + builtIn.size > 0) releases.push({ release, loadable, builtIn });
  }
  if (releases.length === 0) {
    const note = `found no lib/modules/RELEASE/modules.dep in the image: nobody can say whether its kernel has ${name}`;
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
  );
}

/** Names of the modules that modules.dep and modules.builtin list: `kernel/fs/nfs/nfs.ko.xz: ...`. */
async function listModules(workspace: Workspace, path: string): Promise<ReadonlySet<string>> {
  const text = (await readText(workspace, path)) ?? '';
  const names = text.matchAll(/^(?:[^:\n]*\/)?([^/:\n]+?)\.ko(?:\.(?:gz|xz|zst))?(?::|$)/gm);
  return new Set([...names].map(([, name = '']) => moduleName(name)));
}
