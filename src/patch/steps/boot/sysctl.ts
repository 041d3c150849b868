import { z } from 'zod';
import type { Workspace } from '../../../model/patch/workspace.js';
import { ensureStarted, type Reader } from '../../system/init/ensure-started.js';
import { findInit } from '../../system/init/find-init.js';
import type { At } from '../../system/init/init-system.js';
import { combine, editFile, setLine } from '../../system/text-file.js';
import { findFile, isAnyFile, unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { writtenValue } from '../written.js';

const path = 'etc/sysctl.d/90-moby-patch.conf';

const schema = () =>
  z
    .record(
      z.string().regex(/^[A-Za-z0-9_]+([./][A-Za-z0-9_*:@-]+)+$/, {
        error: 'expected the name of a kernel parameter such as vm.max_map_count',
      }),
      z.union([z.number(), z.string().regex(/^[^\p{Cc}]+$/u, { error: 'expected one line' })]),
    )
    .refine((value) => Object.keys(value).length > 0, { error: 'expected at least one parameter' })
    .describe(`Sets kernel parameters at boot: one line each of ${path}.`);

export const sysctlStep = defineStep({
  kind: 'sysctl',
  schema,
  describe: (value) =>
    `sysctl ${Object.entries(value)
      .map(([name, wanted]) => `${name}=${wanted}`)
      .join(', ')}`,
  needs: () => [],
  reads: () => [path],
  writes: (value) =>
    Object.entries(value).map(([name, wanted]) =>
      writtenValue(path, nameParameter(name) ?? name, `${wanted}`),
    ),
  async apply(value, context, workspace) {
    const edit = (text: string) =>
      Object.entries(value).reduce(
        (written, [name, wanted]) =>
          setLine(written, `${name} = ${wanted}`, (line) => nameParameter(line) === nameParameter(name)),
        text,
      );
    const outcome = await editFile(workspace, context, { path, edit });
    return combine([outcome, await seeApplied({ workspace, context })]);
  },
  becomes: (_, init) => [path, appliedBy[init]],
});

const appliedBy = {
  openrc: 'applied by the service sysctl in the runlevel boot',
  systemd: 'applied by systemd-sysctl.service',
  sysvinit: 'applied by the service procps',
  busybox: 'applied by a service sysctl of the image, or by moby-patch-sysctl',
} as const;

async function seeApplied(at: At) {
  const init = await findInit(at.workspace);
  if (init === undefined) return { changed: false, notes: [nothingApplies] };
  if (init.name === 'systemd' && (await isAnyFile(at.workspace, systemd))) return unchanged;
  return ensureStarted(await createReader(at.workspace), init, at);
}

async function createReader(workspace: Workspace): Promise<Reader> {
  const programs = ['usr/bin/sysctl', 'bin/sysctl', 'usr/sbin/sysctl', 'sbin/sysctl'];
  const program = (await findFile(workspace, programs)) ?? 'sbin/sysctl';
  return {
    names: ['sysctl', 'procps', 'procps.sh'],
    fallback: {
      name: 'moby-patch-sysctl',
      description: 'Sets kernel parameters.',
      command: [`/${program}`, '-p', `/${path}`],
    },
  };
}

const systemd = ['usr/lib/systemd/systemd-sysctl', 'lib/systemd/systemd-sysctl'];
const nothingApplies =
  'found no init system that is known: nothing that applies etc/sysctl.d at boot was looked for';

/** Dots and slashes mean the same (sysctl.d(5)). */
function nameParameter(line: string): string | undefined {
  return /^\s*-?([^#;\s=]+)\s*=/.exec(`${line}=`)?.[1]?.replaceAll('/', '.');
}
