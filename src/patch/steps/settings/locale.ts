import { z } from 'zod';
import type { Workspace } from '../../../model/patch/workspace.js';
import { findInit } from '../../system/init/find-init.js';
import { combine, editFile, setLine } from '../../system/text-file.js';
import { isAnyFile } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';

const localeName = z.string().regex(/^[A-Za-z0-9_]+(\.[A-Za-z0-9-]+)?(@[A-Za-z0-9]+)?$/, {
  error: 'expected a locale such as C.UTF-8 or de_DE.UTF-8',
});

const schema = () =>
  z
    .union([
      localeName.transform((lang) => ({ lang })),
      z.strictObject({ lang: localeName.describe('The value of LANG.') }),
    ])
    .describe(
      'Sets LANG of logins: etc/default/locale on Debian, etc/locale.conf with systemd, a file of etc/profile.d elsewhere.',
    );

const files = {
  debian: 'etc/default/locale',
  systemd: 'etc/locale.conf',
  profile: 'etc/profile.d/90-moby-patch-locale.sh',
} as const;

export const localeStep = defineStep({
  kind: 'locale',
  schema,
  describe: ({ lang }) => `locale ${lang}`,
  needs: () => [],
  reads: () => Object.values(files),
  // Which of the files it is depends on the image.
  writes: ({ lang }) => [{ path: 'the variable LANG of logins', mark: lang }],
  async apply({ lang }, context, workspace) {
    const path = await choosePath(workspace);
    const start = path === files.profile ? 'export LANG=' : 'LANG=';
    const edit = (text: string) => setLine(text, start + lang, (line) => line.startsWith(start));
    const outcome = await editFile(workspace, context, { path, edit });
    return combine([outcome], (await isMissing(lang, workspace)) ? [explainMissing(lang)] : []);
  },
});

async function choosePath(workspace: Workspace): Promise<string> {
  if (await isAnyFile(workspace, ['etc/debian_version', files.debian])) return files.debian;
  return (await findInit(workspace))?.name === 'systemd' ? files.systemd : files.profile;
}

/** musl has no locales to be installed, glibc has C, POSIX and (since 2.35) C.UTF-8 without any. */
async function isMissing(lang: string, workspace: Workspace): Promise<boolean> {
  if (/^(C|POSIX)(\.|$)/.test(lang)) return false;
  const isMusl = (await workspace.list('lib')).some((name) => name.startsWith('ld-musl-'));
  if (isMusl || (await isAnyFile(workspace, ['usr/lib/locale/locale-archive']))) return false;
  const normal = lang.replace(/\..*$/, (codeset) => codeset.toLowerCase().replaceAll('-', ''));
  const names = await workspace.list('usr/lib/locale');
  return !names.includes(lang) && !names.includes(normal);
}

function explainMissing(lang: string): string {
  return `found no ${lang} in usr/lib/locale of the image: programs use C until it is generated (localedef, package locales)`;
}
