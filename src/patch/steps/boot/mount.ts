import { z } from 'zod';
import { escapeUnitPath } from '../../../format/unit-path.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { initSystems, requireInit } from '../../system/init/find-init.js';
import type { MountDefinition } from '../../system/init/init-system.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { combine } from '../../system/text-file.js';
import { isAnyFile } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { fstabField, imagePath, mayStore, serviceName, storesSecret, wholeNumber } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      source: fstabField.describe('What is mounted: HOST:PATH for NFS.'),
      target: imagePath
        .refine((path) => /^[^\s\p{Cc}"'\\$`]+$/u.test(path), {
          error: 'expected a mount point without white space, control characters, quotes, $ and \\',
        })
        .describe('The mount point in the running system.'),
      type: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'expected a file system type such as nfs' })
        .default('nfs'),
      options: fstabField
        .regex(/^\S+$/, { error: 'expected options without white space' })
        .default('defaults'),
      name: serviceName
        .optional()
        .describe(
          'The name of the service; mount-TARGET by default. With systemd the unit is named by its target: order others with "before".',
        ),
      runlevel: serviceName
        .default('default')
        .describe('"default", or "boot"; with OpenRC any runlevel of the image.'),
      before: z.array(serviceName).default(['docker']).describe('Services that start after the mount.'),
      needs: z
        .array(serviceName)
        .optional()
        .describe('Services that the mount depends on; rpcbind by default for nfs, if the image has it.'),
      timeout: wholeNumber(1, 3600).default(20).describe('Seconds for which the boot is delayed at most.'),
      attempt: wholeNumber(1, 3600).default(10).describe('Seconds of one attempt at most.'),
      automount: z
        .boolean()
        .default(false)
        .describe('Whether it is mounted when somebody looks into it; with systemd alone.'),
      'stores-secret': storesSecret,
    })
    .describe(
      'Mounts a network file system at boot, before Docker, with the init system that the image has; the boot goes on without it.',
    );

type Mount = z.output<ReturnType<typeof schema>>;

export const mountStep = defineStep({
  kind: 'mount',
  schema,
  describe: (value) => `mount ${value.source} on /${value.target}`,
  needs: () => [],
  reads: (value) => [
    'etc/fstab',
    'etc/init.d/rpcbind',
    value.target,
    `etc/init.d/${nameService(value)}`,
    `etc/runlevels/${value.runlevel}/${nameService(value)}`,
  ],
  secrets: {
    fields: ['options'],
    writes: true,
    mayStore,
    stores: ({ target }) => ['etc/fstab', mountUnit(target)],
  },
  writes: ({ target, ...mount }) => [{ path: `the mount point /${target}`, mark: JSON.stringify(mount) }],
  becomes: (value, init) => initSystems[init].describeMount(completeMount(value, [])),
  async apply(value, context, workspace) {
    const init = await requireInit(`mount ${value.source}`, context, workspace);
    const mount = completeMount(value, value.needs ?? (await findNeeds(value, workspace)));
    await requireMountPoint(value, context, workspace);
    const outcome = await init.mount(mount, { workspace, context });
    return combine(
      [outcome, await putMountPoint(value, workspace)],
      [init.name === 'systemd' ? `unit ${mountUnit(value.target)}` : `service ${mount.name}`],
    );
  },
});

function completeMount(value: Mount, needs: readonly string[]): MountDefinition {
  return { ...value, name: nameService(value), target: `/${value.target}`, needs, after: [] };
}

function mountUnit(target: string): string {
  return `etc/systemd/system/${escapeUnitPath(target)}.mount`;
}

function nameService({ name, target }: Mount): string {
  const words = target.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return name ?? ['mount', ...words].join('-');
}

/** NFS of version 3 asks it for ports. */
async function findNeeds({ type }: Mount, workspace: Workspace): Promise<string[]> {
  const paths = [
    'etc/init.d/rpcbind',
    'usr/lib/systemd/system/rpcbind.service',
    'lib/systemd/system/rpcbind.service',
  ];
  return type === 'nfs' && (await isAnyFile(workspace, paths)) ? ['rpcbind'] : [];
}

async function requireMountPoint(
  { source, target }: Mount,
  context: StepContext,
  workspace: Workspace,
): Promise<void> {
  const entry = (await workspace.follow(target)) ?? (await workspace.stat(target));
  if (entry === undefined || entry.type === 'directory') return;
  throw createStepError(
    context,
    'mount-point-type',
    `mount ${source}: found a ${entry.type} at ${target}, wanted a directory or nothing`,
  );
}

async function putMountPoint({ target }: Mount, workspace: Workspace): Promise<StepOutcome> {
  if ((await workspace.follow(target))?.type === 'directory') return { changed: false };
  await workspace.put({ path: target, type: 'directory' });
  return { changed: true };
}
