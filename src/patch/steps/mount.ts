import { z } from 'zod';
import type { StepOutcome } from '../../model/patch.js';
import type { Workspace } from '../../model/workspace.js';
import { putFstabLine } from '../system/fstab.js';
import { createMountScript } from '../system/mount-service.js';
import { enableService } from '../system/openrc.js';
import { putIfDifferent } from '../system/workspace-files.js';
import { createStepError, defineStep, type StepContext } from './definition.js';
import { count, fstabField, imagePath, serviceName } from './schemas.js';

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
    name: serviceName.optional().describe('The name of the service; otherwise mount-TARGET.'),
    runlevel: serviceName.default('default'),
    before: z.array(serviceName).default(['docker']).describe('Services that must find it mounted.'),
    needs: z
      .array(serviceName)
      .optional()
      .describe('Services it cannot do without; otherwise rpcbind for nfs, if the image has it.'),
    timeout: count(1, 3600).default(20).describe('Seconds the boot is held up at most.'),
    attempt: count(1, 3600).default(10).describe('Seconds of one attempt at most.'),
  })
  .describe(
    'Mounts a network file system when the system boots, with a line in etc/fstab and an OpenRC service.',
  );

type Value = z.output<typeof schema>;

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
  async apply(value, context, at) {
    const name = nameService(value);
    const outcomes = [
      await putMountPoint(value, context, at),
      await putFstabLine(
        at,
        { ...value, target: `/${value.target}`, options: `noauto,${value.options}`, dump: 0, pass: 0 },
        (message) => createStepError(context, 'fstab-unreadable', message),
      ),
      await putIfDifferent(at, {
        path: `etc/init.d/${name}`,
        type: 'file',
        mode: 0o755,
        content: new TextEncoder().encode(await createScript(value, at)),
      }),
      await enableService(at, context, name, value.runlevel),
    ];
    return {
      changed: outcomes.some((outcome) => outcome.changed),
      notes: [...outcomes.flatMap((outcome) => outcome.notes ?? []), `service ${name}`],
    };
  },
});

function nameService(value: Value): string {
  const words = value.target.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return value.name ?? ['mount', ...words].join('-');
}

async function putMountPoint(value: Value, context: StepContext, at: Workspace): Promise<StepOutcome> {
  const found = (await at.follow(value.target)) ?? (await at.stat(value.target));
  if (found?.type === 'directory') return { changed: false };
  if (found) {
    throw createStepError(
      context,
      'mount-point-type',
      `mount ${value.source}: found a ${found.type} at ${value.target}, wanted a directory or nothing`,
    );
  }
  await at.put({ path: value.target, type: 'directory' });
  return { changed: true };
}

async function createScript(value: Value, at: Workspace): Promise<string> {
  const nfs = /^nfs4?$/.test(value.type);
  const rpcbind = value.type === 'nfs' && (await at.follow('etc/init.d/rpcbind'));
  return createMountScript({
    source: value.source,
    target: `/${value.target}`,
    // mount.nfs would go on by itself for two minutes.
    options: nfs ? 'retry=0' : '',
    needs: value.needs ?? (rpcbind ? ['rpcbind'] : []),
    before: value.before,
    timeout: value.timeout,
    attempt: Math.min(value.attempt, value.timeout),
  });
}
