import type { Workspace } from '../../../model/workspace.js';
import type { StepContext } from '../../system/step-context.js';
import { combine, editFile, readTextFile, setLine } from '../../system/text-file.js';
import { unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { hostName } from '../schemas.js';

/** The kernel's __NEW_UTS_LEN. */
const longestName = 64;

const schema = hostName
  .max(longestName, { error: `expected at most ${longestName} characters` })
  .describe(
    'Names the machine: etc/hostname, etc/conf.d/hostname of OpenRC, and its line of 127.0.1.1 in etc/hosts.',
  );

export const hostnameStep = defineStep({
  kind: 'hostname',
  schema,
  describe: (name) => `hostname ${name}`,
  needs: () => [],
  reads: () => ['etc/hostname', 'etc/conf.d/hostname', 'etc/hosts'],
  async apply(name, context, workspace) {
    const old = ((await readTextFile(workspace, context, 'etc/hostname')) ?? '').trim();
    return combine([
      await editFile(workspace, context, { path: 'etc/hostname', edit: () => `${name}\n` }),
      await editOpenrc(name, context, workspace),
      await renameHost(old, name, context, workspace),
    ]);
  },
});

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
