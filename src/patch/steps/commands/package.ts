import { z } from 'zod';
import type { Workspace } from '../../../model/workspace.js';
import { explainFailure } from '../../system/package-failures.js';
import {
  comparePackages,
  createInstallCommand,
  findManagers,
  findSources,
  isInstalled,
  managerPaths,
  type PackageManager,
  readInstalled,
} from '../../system/package-managers.js';
import { recordState, removeTraces } from '../../system/package-traces.js';
import { formatOutputTail, runScript } from '../../system/run-script.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';

const names = z
  .array(
    z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9][A-Za-z0-9+._:-]*(=[A-Za-z0-9][A-Za-z0-9+._:~-]*)?$/, {
        error: 'expected the name of a package, or NAME=VERSION',
      }),
  )
  .min(1);

const schema = z
  .strictObject({
    apk: names.optional().describe('Names of Alpine packages.'),
    apt: names.optional().describe('Names of Debian and Ubuntu packages.'),
  })
  .refine((value) => value.apk ?? value.apt, { error: 'expected a list "apk" or "apt", or both' })
  .describe(
    'Installs packages with the package manager of the image. No service is started or enabled by it.',
  );

interface Installation {
  readonly manager: PackageManager;
  /** `name` or `name=version`. */
  readonly packages: readonly string[];
}

export const packageStep = defineStep({
  kind: 'package',
  schema,
  describe: (value) => {
    const lists = Object.entries(value).map(([manager, packages]) => `${manager}: ${packages?.join(' ')}`);
    return `package ${lists.join('; ')}`;
  },
  needs: () => ['commands', 'network'],
  reads: () => managerPaths,
  async foresee(value, context, workspace) {
    await chooseManager(value, context, workspace);
  },
  async apply(value, context, workspace) {
    const installation = await chooseManager(value, context, workspace);
    const { manager, packages } = installation;
    const before = await readInstalled(workspace, manager);
    if (packages.every((name) => isInstalled(name, before))) return unchanged;
    const state = await recordState(workspace);
    await install(installation, context, workspace);
    const after = await readInstalled(workspace, manager);
    const notes = await removeTraces(workspace, state, context.stamp);
    return { changed: true, notes, packages: comparePackages(before, after) };
  },
});

async function chooseManager(
  value: z.output<typeof schema>,
  context: StepContext,
  workspace: Workspace,
): Promise<Installation> {
  const managers = await findManagers(workspace);
  for (const manager of managers) {
    const packages = value[manager];
    if (packages) return { manager, packages };
  }
  const [first] = managers;
  const listed = (['apk', 'apt'] as const).filter((manager) => value[manager]).join(' and ');
  throw first === undefined
    ? createStepError(
        context,
        'package-manager',
        'package: found neither apk nor apt-get in the image, wanted a package manager',
        { hint: 'add the files with "file" steps instead' },
      )
    : createStepError(
        context,
        'package-manager',
        `package: found ${managers.join(' and ')} in the image, but the step has names for ${listed} only`,
        { hint: `add a list of names to the step: ${first}: [...]` },
      );
}

async function install(
  { manager, packages }: Installation,
  context: StepContext,
  workspace: Workspace,
): Promise<void> {
  const { script, args, downloads } = createInstallCommand(manager, packages);
  const { exitCode, output } = await runScript(workspace, context, script, args, {
    network: true,
    timeout: 1800,
    downloads,
  });
  if (exitCode === 0) return;
  const failure = explainFailure(manager, findSources(manager), output);
  throw createStepError(
    context,
    'package-failed',
    `${manager} could not install ${packages.join(' ')} (exit code ${exitCode})${formatOutputTail(failure.output, 15)}`,
    { hint: failure.hint },
  );
}
