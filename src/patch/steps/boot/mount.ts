import { z } from 'zod';
import type { StepOutcome } from '../../../model/patch.js';
import type { Workspace } from '../../../model/workspace.js';
import { putFstabLine } from '../../system/fstab.js';
import { createMountScript } from '../../system/mount-service.js';
import { enableService } from '../../system/openrc.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { fstabField, imagePath, serviceName, storesSecret, wholeNumber } from '../schemas.js';

const schema = z
  .strictObject({
    source: fstabField.describe('What is mounted: HOST:PATH for NFS.'),
    target: imagePath
      .refine((path) => /^[^\s"'\\$`]+$/.test(path), {
        error: 'expected a mount point without white space, quotes, $ and \\',
      })
      .describe('The mount point in the running system.'),
    type: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, { error: 'expected a file system type such as nfs' })
      .default('nfs'),
    options: fstabField.regex(/^\S+$/, { error: 'expected options without white space' }).default('defaults'),
    name: serviceName.optional().describe('The name of the service; mount-TARGET by default.'),
    runlevel: serviceName.default('default'),
    before: z.array(serviceName).default(['docker']).describe('Services that start after the mount.'),
    needs: z
      .array(serviceName)
      .optional()
      .describe('Services that the mount depends on; rpcbind by default for nfs, if the image has it.'),
    timeout: wholeNumber(1, 3600).default(20).describe('Seconds for which the boot is delayed at most.'),
    attempt: wholeNumber(1, 3600).default(10).describe('Seconds of one attempt at most.'),
    'stores-secret': storesSecret,
  })
  .describe('Mounts a network file system at boot, with a line of etc/fstab and an OpenRC service.');

type Mount = z.output<typeof schema>;

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
  secrets: { fields: ['options'], writes: true, stores: () => ['etc/fstab'] },
  async apply(value, context, workspace) {
    const name = nameService(value);
    const outcomes = [
      await putMountPoint(value, context, workspace),
      await putFstabLine(workspace, context, {
        ...value,
        target: `/${value.target}`,
        options: `noauto,${value.options}`,
        dump: 0,
        pass: 0,
      }),
      await putIfDifferent(workspace, {
        path: `etc/init.d/${name}`,
        type: 'file',
        mode: 0o755,
        content: new TextEncoder().encode(await createScript(value, workspace)),
      }),
      await enableService(workspace, context, name, value.runlevel),
    ];
    return {
      changed: outcomes.some((outcome) => outcome.changed),
      notes: [...outcomes.flatMap((outcome) => outcome.notes ?? []), `service ${name}`],
    };
  },
});

function nameService({ name, target }: Mount): string {
  const words = target.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return name ?? ['mount', ...words].join('-');
}

async function putMountPoint(
  { source, target }: Mount,
  context: StepContext,
  workspace: Workspace,
): Promise<StepOutcome> {
  const entry = (await workspace.follow(target)) ?? (await workspace.stat(target));
  if (entry?.type === 'directory') return { changed: false };
  if (entry) {
    throw createStepError(
      context,
      'mount-point-type',
      `mount ${source}: found a ${entry.type} at ${target}, wanted a directory or nothing`,
    );
  }
  await workspace.put({ path: target, type: 'directory' });
  return { changed: true };
}

async function createScript(value: Mount, workspace: Workspace): Promise<string> {
  const isNfs = /^nfs4?$/.test(value.type);
  const rpcbind = value.type === 'nfs' && (await workspace.follow('etc/init.d/rpcbind'));
  return createMountScript({
    source: value.source,
    target: `/${value.target}`,
    // Without it mount.nfs itself retries for two minutes.
    options: isNfs ? 'retry=0' : '',
    needs: value.needs ?? (rpcbind ? ['rpcbind'] : []),
    before: value.before,
    timeout: value.timeout,
    attempt: Math.min(value.attempt, value.timeout),
  });
}
