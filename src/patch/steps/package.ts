import { z } from 'zod';
import type { Workspace } from '../../model/workspace.js';
import { listEnabled, removeEnabled } from '../system/openrc.js';
import {
  comparePackages,
  findManagers,
  isInstalled,
  type Manager,
  managerPaths,
  readInstalled,
} from '../system/package-managers.js';
import {
  createInstallCommand,
  packageDownloads,
  packageLeftovers,
  sysvLeftovers,
} from '../system/package-traces.js';
import { runScript, tailOutput } from '../system/run-script.js';
import { clampShadow, readShadow } from '../system/shadow-dates.js';
import { unchanged } from '../system/workspace-files.js';
import { createStepError, defineStep, type StepContext } from './definition.js';

const list = z
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
    apk: list.optional().describe('Names as Alpine has them.'),
    apt: list.optional().describe('Names as Debian and Ubuntu have them.'),
  })
  .refine((value) => value.apk ?? value.apt, { error: 'expected a list "apk" or "apt", or both' })
  .describe('Installs packages with the package manager of the image; no service is started or enabled.');

type Value = z.output<typeof schema>;

export const packageStep = defineStep({
  kind: 'package',
  schema,
  describe: (value) => {
    const names = Object.entries(value).map(([manager, wishes]) => `${manager}: ${wishes?.join(' ')}`);
    return `package ${names.join('; ')}`;
  },
  needs: () => ['commands', 'network'],
  reads: () => managerPaths,
  async apply(value, context, at) {
    const { manager, wishes } = await chooseManager(value, context, at);
    const before = await readInstalled(at, manager);
    if (wishes.every((wish) => isInstalled(wish, before))) return unchanged;
    const enabled = await listEnabled(at);
    const shadow = await readShadow(at);
    await install(manager, wishes, context, at);
    const after = await readInstalled(at, manager);
    await clampShadow(at, shadow, context.stamp);
    const notes = await removeTraces(enabled, at);
    return { changed: true, notes, packages: comparePackages(before, after) };
  },
});

async function chooseManager(
  value: Value,
  context: StepContext,
  at: Workspace,
): Promise<{ manager: Manager; wishes: readonly string[] }> {
  const managers = await findManagers(at);
  for (const manager of managers) {
    const wishes = value[manager];
    if (wishes) return { manager, wishes };
  }
  const listed = (['apk', 'apt'] as const).filter((manager) => value[manager]).join(' and ');
  throw createStepError(
    context,
    'package-manager',
    managers.length === 0
      ? `package: found neither apk nor apt-get in the image, wanted a package manager`
      : `package: found ${managers.join(' and ')} in the image, but the step has names for ${listed} only`,
    {
      hint:
        managers.length === 0
          ? 'put the files into the image with "file" steps instead'
          : `add a list of names to the step: ${managers[0]}: [...]`,
    },
  );
}

async function install(
  manager: Manager,
  wishes: readonly string[],
  context: StepContext,
  at: Workspace,
): Promise<void> {
  const { script, args } = createInstallCommand(manager, wishes);
  const result = await runScript(at, context, script, args, {
    network: true,
    timeout: 1800,
    downloads: { folder: packageDownloads, manager },
  });
  if (result.exitCode === 0) return;
  throw createStepError(
    context,
    'package-failed',
    `${manager} could not install ${wishes.join(' ')} (exit code ${result.exitCode})${tailOutput(result.output, 15)}`,
    { hint: explainFailure(manager, result.output) },
  );
}

const unreachable =
  /temporary failure resolving|could not resolve|failed to fetch|temporary error|network (is )?unreachable|connection (refused|timed out)|dns lookup error|not found.*ignoring|ignoring https?:/i;

function explainFailure(manager: Manager, output: string): string | undefined {
  const file = manager === 'apk' ? 'etc/apk/repositories' : 'etc/apt/sources.list';
  if (unreachable.test(output)) {
    return `the packages come from the addresses in ${file} of the image; put reachable ones there with a "file" step before this one`;
  }
  if (/unable to locate package|no such package|no installation candidate/i.test(output)) {
    return `the repositories in ${file} of the image have no package of that name; an end-of-life release moves to an archive address`;
  }
  return undefined;
}

/**
 * Debian's update-rc.d puts what a package brings into runlevels by itself, rpcbind and nfs-common
 * into sysinit, long before there is a network: a service runs when a step says so.
 */
async function removeTraces(enabledBefore: readonly string[], at: Workspace): Promise<string[]> {
  for (const path of packageLeftovers) await at.restore(path);
  // An image whose OpenRC came with this step keeps what its packages set up.
  if (enabledBefore.length === 0) return [];
  for (const path of sysvLeftovers) await at.restore(path);
  const added = (await listEnabled(at)).filter((link) => !enabledBefore.includes(link));
  await removeEnabled(at, added);
  return added.map((link) => `${link} was added by a package and taken out: a "service" step enables it`);
}
