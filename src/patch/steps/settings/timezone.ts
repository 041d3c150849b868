import { z } from 'zod';
import type { Workspace } from '../../../model/patch/workspace.js';
import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { combine, editFile } from '../../system/text-file.js';
import { putIfDifferent, unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';

const folder = 'usr/share/zoneinfo';

const schema = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, { error: 'expected a time zone such as Europe/Berlin' })
    .describe(
      `Sets the time zone: etc/localtime becomes a link to ${folder}, and etc/timezone is rewritten where the image has it.`,
    );

export const timezoneStep = defineStep({
  kind: 'timezone',
  schema,
  describe: (zone) => `timezone ${zone}`,
  needs: () => [],
  reads: (zone) => ['etc/localtime', 'etc/timezone', `${folder}/${zone}`],
  writes: (zone) => [{ path: 'etc/localtime', mark: `/${folder}/${zone}` }],
  async apply(zone, context, workspace) {
    await requireZone(zone, context, workspace);
    const hasName = (await workspace.follow('etc/timezone'))?.type === 'file';
    return combine([
      await putIfDifferent(workspace, {
        path: 'etc/localtime',
        type: 'symlink',
        target: `/${folder}/${zone}`,
      }),
      hasName
        ? await editFile(workspace, context, { path: 'etc/timezone', edit: () => `${zone}\n` })
        : unchanged,
    ]);
  },
});

async function requireZone(zone: string, context: StepContext, workspace: Workspace): Promise<void> {
  const path = `${folder}/${zone}`;
  const isZone =
    (await workspace.follow(path))?.type === 'file' &&
    Buffer.from((await workspace.read(path)).subarray(0, 4)).toString('latin1') === 'TZif';
  if (isZone) return;
  const all = await workspace.list(folder);
  const slash = zone.lastIndexOf('/');
  const region = slash < 0 ? '' : `${zone.slice(0, slash)}/`;
  const names = (await workspace.list(`${folder}/${region}`.replace(/\/$/, ''))).map((name) => region + name);
  const found = all.length === 0 ? `no ${folder}` : `no time zone ${zone} in ${folder}`;
  throw createStepError(
    context,
    'timezone-missing',
    `timezone ${zone}: found ${found} in the image, wanted it there${suggest(
      zone,
      [...names, ...all].filter((name) => name !== zone),
    )}`,
    {
      hint:
        all.length === 0
          ? 'add a step before this one: - package: {apk: [tzdata], apt: [tzdata]}'
          : undefined,
    },
  );
}
