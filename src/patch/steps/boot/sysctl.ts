import { z } from 'zod';
import { isAnyFile, isStarted } from '../../system/init-system.js';
import { combine, editFile, setLine } from '../../system/text-file.js';
import { defineStep } from '../definition.js';

const path = 'etc/sysctl.d/90-moby-patch.conf';

const schema = z
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
  async apply(value, context, workspace) {
    const edit = (text: string) =>
      Object.entries(value).reduce(
        (written, [name, wanted]) =>
          setLine(written, `${name} = ${wanted}`, (line) => nameParameter(line) === nameParameter(name)),
        text,
      );
    const outcome = await editFile(workspace, context, { path, edit });
    const isApplied = (await isAnyFile(workspace, systemd)) || (await isStarted(workspace, services));
    return combine([outcome], isApplied ? [] : [nothingApplies]);
  },
});

const systemd = ['usr/lib/systemd/systemd-sysctl', 'lib/systemd/systemd-sysctl'];
const services = ['sysctl', 'procps', 'systemd-sysctl'];
const nothingApplies =
  'found nothing in the image that applies etc/sysctl.d at boot (systemd-sysctl, or a service sysctl or procps in a runlevel)';

/** Dots and slashes mean the same (sysctl.d(5)). */
function nameParameter(line: string): string | undefined {
  return /^\s*-?([^#;\s=]+)\s*=/.exec(`${line}=`)?.[1]?.replaceAll('/', '.');
}
