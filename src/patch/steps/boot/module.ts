import { z } from 'zod';
import { fillScript } from '../../../io/process/script.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import { ensureStarted, type Reader } from '../../system/init/ensure-started.js';
import { findInit } from '../../system/init/find-init.js';
import type { At } from '../../system/init/init-system.js';
import { findModule, moduleName } from '../../system/kernel-modules.js';
import { combine, editFile, setLine } from '../../system/text-file.js';
import { defineStep } from '../definition.js';
import { singleLine } from '../schemas.js';
import { writtenValue } from '../written.js';

const schema = () =>
  z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected the name of a module, without .ko' })
        .describe('The name of the module; - and _ mean the same.'),
      options: singleLine
        .min(1, { error: 'expected options such as "debug=1"' })
        // modprobe.d(5): it continues the line.
        .regex(/[^\\]$/, { error: 'expected no \\ at the end' })
        .optional()
        .describe('Its parameters, whatever loads it.'),
      load: z.boolean().optional().describe('Whether the boot loads it; true unless "blacklist" is.'),
      blacklist: z.boolean().default(false).describe('Whether no device makes the kernel load it.'),
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
  describe: ({ name, options, blacklist }) =>
    `module ${name}${options === undefined ? '' : ` with ${options}`}${blacklist ? ', blacklisted' : ''}`,
  needs: () => [],
  reads: ({ name }) => [loadFolder, list, conf(name)],
  writes: ({ name, options, load, blacklist }) => [
    ...(options === undefined ? [] : [writtenValue(conf(name), 'options', options)]),
    writtenValue('modules of the boot', moduleName(name), load ?? !blacklist),
  ],
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
    outcomes.push(await loadAtBoot(name, { workspace, context }));
    return combine(outcomes, notes);
  },
  becomes: ({ name, options, load, blacklist }, init) => [
    ...(options !== undefined || blacklist ? [conf(name)] : []),
    ...((load ?? !blacklist)
      ? [`a line of ${init === 'systemd' ? loadFolder : list}, ${loadedBy[init]}`]
      : []),
  ],
});

const loadedBy = {
  openrc: 'which the service modules in the runlevel boot reads',
  systemd: 'which systemd-modules-load.service reads',
  sysvinit: 'which the service kmod reads',
  busybox: 'which a service of the image reads, or moby-patch-modules',
} as const;

const loadFolder = 'etc/modules-load.d/moby-patch.conf';

function conf(name: string): string {
  return `etc/modprobe.d/moby-patch-${name}.conf`;
}

const list = 'etc/modules';

/** The services of OpenRC and of Debian's sysvinit that load what etc/modules lists. */
function createReader(): Reader {
  const script = fillScript(new URL('./load-modules.sh', import.meta.url), { list });
  return {
    names: ['modules', 'modules-load', 'kmod', 'module-init-tools'],
    fallback: {
      name: 'moby-patch-modules',
      description: `Loads the modules of /${list}.`,
      command: ['/bin/sh', '-c', script],
    },
  };
}

/** A line of the list that the boot reads: systemd-modules-load's, or etc/modules. */
async function loadAtBoot(name: string, at: At): Promise<StepOutcome> {
  const init = await findInit(at.workspace);
  const path = init === undefined || init.name === 'systemd' ? loadFolder : list;
  const isOurs = (other: string) => moduleName(other.split('#')[0]?.trim() ?? '') === moduleName(name);
  const edit = (text: string) => setLine(text, name, isOurs);
  const outcome = await editFile(at.workspace, at.context, { path, edit });
  if (init === undefined)
    return combine([outcome], [`found no init system that is known: nothing reads ${path} at boot`]);
  return init.name === 'systemd'
    ? outcome
    : combine([outcome, await ensureStarted(createReader(), init, at)]);
}
