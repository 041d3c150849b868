import { z } from 'zod';
import type { Workspace } from '../../../model/workspace.js';
import { hasOpenrc, hasSystemd, isStarted } from '../../system/init-system.js';
import { findModule, moduleName } from '../../system/kernel-modules.js';
import { combine, editFile, setLine } from '../../system/text-file.js';
import { defineStep } from '../definition.js';
import { singleLine } from '../schemas.js';

const schema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected the name of a module, without .ko' })
      .describe('The name of the module; - and _ mean the same.'),
    options: singleLine
      .min(1, { error: 'expected options such as "debug=1"' })
      .optional()
      .describe('Its parameters, whenever and by whomever it is loaded.'),
    load: z.boolean().optional().describe('Whether the boot loads it; true unless "blacklist" is.'),
    blacklist: z.boolean().default(false).describe('Whether it is not loaded for the sake of a device.'),
  })
  .refine((value) => !(value.blacklist && value.load), {
    path: ['load'],
    error: 'expected no "load: true" beside "blacklist: true"',
  })
  .describe(
    'Loads a kernel module at boot, gives it parameters, or keeps it from being loaded. The kernels of the image must have it.',
  );

export const moduleStep = defineStep({
  kind: 'module',
  schema,
  describe: ({ name, blacklist }) => `module ${name}${blacklist ? ', blacklisted' : ''}`,
  needs: () => [],
  reads: ({ name }) => [loadFolder, 'etc/modules', conf(name)],
  async apply({ name, options, load, blacklist }, context, workspace) {
    const { isBuiltIn, notes } = await findModule(name, context, workspace);
    const outcomes = [];
    const lines = [
      ...(options === undefined ? [] : [`options ${name} ${options}`]),
      ...(blacklist ? [`blacklist ${name}`] : []),
    ];
    for (const line of lines) {
      const start = line.split(' ', 2).join(' ');
      const isOurs = (other: string) => other === start || other.startsWith(`${start} `);
      const edit = (text: string) => setLine(text, line, isOurs);
      outcomes.push(await editFile(workspace, context, { path: conf(name), edit }));
    }
    if (isBuiltIn && lines.length > 0)
      notes.push(
        `${name} is built into the kernel: "${name}.PARAMETER=VALUE" on its command line sets parameters`,
      );
    if (!(load ?? !blacklist) || isBuiltIn) return combine(outcomes, notes);
    const { path, note } = await chooseList(workspace);
    const isOurs = (other: string) => moduleName(other.split('#')[0]?.trim() ?? '') === moduleName(name);
    outcomes.push(await editFile(workspace, context, { path, edit: (text) => setLine(text, name, isOurs) }));
    return combine(outcomes, [...notes, ...(note === undefined ? [] : [note])]);
  },
});

const loadFolder = 'etc/modules-load.d/moby-patch.conf';

function conf(name: string): string {
  return `etc/modprobe.d/moby-patch-${name}.conf`;
}

interface List {
  readonly path: string;
  readonly note?: string;
}

/**
 * The list that the boot reads: systemd-modules-load's, or etc/modules, which the services of OpenRC (modules) and of
 * Debian's sysvinit (kmod) read.
 */
async function chooseList(workspace: Workspace): Promise<List> {
  if (await hasSystemd(workspace)) return { path: loadFolder };
  const isRead = await isStarted(workspace, ['modules', 'modules-load', 'kmod', 'module-init-tools']);
  const path = (await hasOpenrc(workspace)) || isRead ? 'etc/modules' : loadFolder;
  if (isRead) return { path };
  return { path, note: `found no service that reads ${path} at boot: a "service" step enables one` };
}
