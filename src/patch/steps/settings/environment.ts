import type { z } from 'zod';
import { quoteWord } from '../../../io/process/script.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { findInit } from '../../system/init/find-init.js';
import type { StepContext } from '../../system/step-context.js';
import { combine, editFile, setLine } from '../../system/text-file.js';
import { defineStep } from '../definition.js';
import { environment } from '../schemas.js';
import { writtenValue } from '../written.js';

const paths = {
  pam: 'etc/environment',
  profile: 'etc/profile.d/90-moby-patch.sh',
  systemd: 'etc/systemd/system.conf.d/90-moby-patch.conf',
  openrc: 'etc/rc.conf.d/90-moby-patch.conf',
} as const;

const schema = () =>
  environment
    .refine((value) => Object.keys(value).length > 0, { error: 'expected at least one variable' })
    .refine((value) => Object.values(value).every((text) => /^[^\p{Cc}]*$/u.test(text)), {
      error: 'expected values without line breaks and control characters',
    })
    .describe(
      `Sets variables of logins (${paths.pam}, ${paths.profile}) and of services (${paths.systemd} or ${paths.openrc}).`,
    );

type Variables = z.output<ReturnType<typeof schema>>;

export const environmentStep = defineStep({
  kind: 'environment',
  schema,
  describe: (value) => `environment ${Object.keys(value).join(', ')}`,
  needs: () => [],
  reads: () => Object.values(paths),
  writes: (value) => Object.entries(value).map(([name, text]) => writtenValue(paths.profile, name, text)),
  async apply(value, context, workspace) {
    const outcomes: StepOutcome[] = [];
    const notes: string[] = [];
    const set = async (path: string, format: Format) =>
      outcomes.push(await setVariables(value, { path, format }, context, workspace));
    if (await usesPam(workspace)) {
      notes.push(...listCut(value));
      await set(paths.pam, formatPam);
    }
    await set(paths.profile, (name, text) => `export ${name}=${quoteWord(text)}`);
    const init = (await findInit(workspace))?.name;
    if (init === 'systemd') await set(paths.systemd, formatSystemd);
    else if (init === 'openrc')
      // openrc-run sources it before a service starts; rc_env_allow only lets variables of init's own through.
      await set(paths.openrc, (name, text) => `export ${name}=${quoteWord(text)}`);
    else
      notes.push(
        'found neither systemd nor OpenRC in the image: only services that a step defines get the variables',
      );
    return combine(outcomes, notes);
  },
  becomes: (_, init) => [
    `${paths.pam} where there is PAM, ${paths.profile}`,
    init === 'systemd' || init === 'openrc'
      ? paths[init]
      : `services that a step defines read ${paths.profile}; others do not get the variables`,
  ],
});

/** A line for a variable; undefined where the file cannot hold the value. */
type Format = (name: string, value: string) => string | undefined;

interface Target {
  readonly path: string;
  readonly format: Format;
}

function setVariables(
  variables: Variables,
  { path, format }: Target,
  context: StepContext,
  workspace: Workspace,
): Promise<StepOutcome> {
  const edit = (text: string) =>
    Object.entries(variables).reduce((written, [name, value]) => {
      const line = format(name, value);
      if (line === undefined) return written;
      const start = path === paths.systemd && written === '' ? '[Manager]\n' : written;
      return setLine(start, line, (other) => nameVariable(other) === name);
    }, text);
  return editFile(workspace, context, { path, edit });
}

/** The variable of a line in any of the files. */
function nameVariable(line: string): string | undefined {
  return /^\s*(?:export\s+|DefaultEnvironment=")?([A-Za-z_][A-Za-z0-9_]*)=/.exec(line)?.[1];
}

async function usesPam(workspace: Workspace): Promise<boolean> {
  const folder = await workspace.follow('etc/pam.d');
  return folder?.type === 'directory' || (await workspace.follow(paths.pam))?.type === 'file';
}

/**
 * pam_env removes one quote at each end, knows no escapes, and ends a value at a # wherever it stands (_parse_env_file of
 * Linux-PAM's pam_env.c).
 */
const formatPam: Format = (name, value) => {
  if (value.includes('#')) return undefined;
  return /^[A-Za-z0-9_./:,@%+=-]*$/.test(value) ? `${name}=${value}` : `${name}="${value}"`;
};

function listCut(variables: Variables): string[] {
  return Object.entries(variables)
    .filter(([, value]) => value.includes('#'))
    .map(([name]) => `${name} is not in ${paths.pam}: pam_env ends a value at a #`);
}

/** systemd-system.conf(5): C escapes within quotes, and % begins a specifier. */
const formatSystemd: Format = (name, value) => {
  const text = value.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%');
  return `DefaultEnvironment="${name}=${text}"`;
};
