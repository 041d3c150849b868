import type { Workspace } from '../../../model/patch/workspace.js';
import { ensureStarted, type Reader } from '../../system/init/ensure-started.js';
import { findInit } from '../../system/init/find-init.js';
import type { At } from '../../system/init/init-system.js';
import type { StepContext } from '../../system/step-context.js';
import { combine, editFile, readTextFile, setLine } from '../../system/text-file.js';
import { isAnyFile, readText, unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { hostName } from '../schemas.js';

/** The kernel's __NEW_UTS_LEN. */
const longestName = 64;

const schema = () =>
  hostName
    .max(longestName, { error: `expected at most ${longestName} characters` })
    .describe(
      'Names the machine: etc/hostname, etc/conf.d/hostname of OpenRC, and its line of 127.0.1.1 in etc/hosts.',
    );

export const hostnameStep = defineStep({
  kind: 'hostname',
  schema,
  describe: (name) => `hostname ${name}`,
  needs: () => [],
  writes: (name) => [{ path: 'etc/hostname', mark: name }],
  reads: () => ['etc/hostname', 'etc/conf.d/hostname', 'etc/hosts'],
  async apply(name, context, workspace) {
    const old = ((await readTextFile(workspace, context, 'etc/hostname')) ?? '').trim();
    return combine([
      await editFile(workspace, context, { path: 'etc/hostname', edit: () => `${name}\n` }),
      await editOpenrc(name, context, workspace),
      await renameHost(old, name, context, workspace),
      await seeRead({ workspace, context }),
    ]);
  },
  becomes: (_, init) => ['etc/hostname, etc/hosts', readBy[init]],
});

const readBy = {
  openrc: 'etc/conf.d/hostname, which the service hostname in the runlevel boot reads',
  systemd: 'systemd itself reads etc/hostname',
  sysvinit: 'the service hostname.sh reads etc/hostname',
  busybox: 'a line of etc/inittab, rcS, or the service moby-patch-hostname',
} as const;

async function seeRead(at: At) {
  const { workspace } = at;
  const init = await findInit(workspace);
  if (init === undefined || init.name === 'systemd') return unchanged;
  const script = (await readText(workspace, 'etc/init.d/rcS')) ?? '';
  if (init.name === 'busybox' && /^[^#\n]*\bhostname\b/m.test(script)) return unchanged;
  const isBin = await isAnyFile(workspace, ['bin/hostname']);
  const reader: Reader = {
    names: ['hostname', 'hostname.sh'],
    fallback: {
      name: 'moby-patch-hostname',
      description: 'Names the machine.',
      command: [isBin ? '/bin/hostname' : '/usr/bin/hostname', '-F', '/etc/hostname'],
    },
  };
  return ensureStarted(reader, init, at);
}

async function editOpenrc(name: string, context: StepContext, workspace: Workspace) {
  const path = 'etc/conf.d/hostname';
  if ((await workspace.follow(path)) === undefined) return unchanged;
  const edit = (text: string) => setLine(text, `hostname="${name}"`, (line) => /^\s*hostname=/.test(line));
  return editFile(workspace, context, { path, edit });
}

/** Debian's line for the machine itself: without it sudo waits for a name server. */
async function renameHost(old: string, name: string, context: StepContext, workspace: Workspace) {
  const path = 'etc/hosts';
  if (old === '' || (await workspace.follow(path))?.type !== 'file') return unchanged;
  const edit = (text: string) =>
    text.replace(/^(127\.0\.1\.1[ \t]+)(.*)$/gm, (_, start: string, names: string) => {
      const renamed = names.split(/(\s+)/).map((word) => {
        if (word === old) return name;
        return word.startsWith(`${old}.`) ? name + word.slice(old.length) : word;
      });
      return start + renamed.join('');
    });
  return editFile(workspace, context, { path, edit });
}
