import type { StepOutcome } from '../../../model/patch/patch.js';
import { combine } from '../text-file.js';
import { isAnyFile, unchanged } from '../workspace-files.js';
import type { At, InitSystem, ServiceDefinition } from './init-system.js';

export interface Reader {
  /** Services that read what a step has written, in the order in which they are looked for. */
  readonly names: readonly string[];
  /** What does it in an image without any; its program must be in the image. */
  readonly fallback: Pick<ServiceDefinition, 'name' | 'description' | 'command'>;
}

/**
 * Makes sure that the boot reads what a step has written: by a service that it starts already, by one that is enabled
 * now, or by one of our own.
 */
export async function ensureStarted(reader: Reader, init: InitSystem, at: At): Promise<StepOutcome> {
  const { names, fallback } = reader;
  if (await init.isStarted([...names, fallback.name], at.workspace)) return unchanged;
  const runlevel = await chooseRunlevel(init, at);
  for (const name of names) {
    if (!(await isAnyFile(at.workspace, [`etc/init.d/${name}`, init.pathOf(name)]))) continue;
    const outcome = await init.enable({ name, runlevel }, at);
    return combine([outcome], [`the boot starts ${name} now`]);
  }
  if (!(await isAnyFile(at.workspace, [fallback.command[0]?.slice(1) ?? '']))) {
    const note = `found no ${names.join(' or ')} that the boot starts, and no ${fallback.command[0]} for a service of our own`;
    return { changed: false, notes: [note] };
  }
  const service = { ...usual, ...fallback, runlevel };
  const outcomes = [await init.define(service, at), await init.enable(service, at)];
  return combine(outcomes, [
    `found no ${names.join(' or ')} in the image: ${fallback.name} is a service of our own`,
  ]);
}

const usual = {
  type: 'once',
  restart: false,
  environment: {},
  needs: [],
  after: ['filesystems'],
  before: [],
} as const;

/** An image made by hand may have the default runlevel alone. */
async function chooseRunlevel(init: InitSystem, { workspace }: At): Promise<string> {
  const hasBoot = (await workspace.follow('etc/runlevels/boot'))?.type === 'directory';
  return init.name !== 'openrc' || hasBoot ? 'boot' : 'default';
}
