import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError } from '../step-context.js';
import type { At } from './init-system.js';

/** The init script of a service. Errors (`failed`): `service-missing`, `service-not-executable`. */
export async function requireScript(name: string, { workspace, context }: At): Promise<void> {
  const script = await workspace.follow(`etc/init.d/${name}`);
  if (script?.type !== 'file') {
    const names = await workspace.list('etc/init.d');
    throw createStepError(
      context,
      'service-missing',
      `service ${name}: found no etc/init.d/${name} in the image, wanted an init script${suggest(name, names)}`,
      {
        hint: 'a "package" or "file" step before this one has to add it, or "command" in this one defines it',
      },
    );
  }
  if ((script.mode & 0o111) === 0) {
    throw createStepError(
      context,
      'service-not-executable',
      `service ${name}: found etc/init.d/${name} with mode 0${script.mode.toString(8)}, wanted an executable file`,
      { hint: `add a step before it: - mode: {path: etc/init.d/${name}, mode: 0o755}` },
    );
  }
}
