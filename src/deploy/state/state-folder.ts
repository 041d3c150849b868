import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assertOwnFolder } from '../../io/place/trust.js';

/** Where the state of one installed image is. */
export interface StateFolder {
  /** The real path of the image: all symlinks to it lead to the same state. */
  readonly image: string;
  readonly path: string;
  /** `state.json`. */
  readonly state: string;
  /** Stock images, as `SHA256.img`. */
  readonly backups: string;
  /** Foreign images that `restore --force` replaced, named like backups. */
  readonly foreign: string;
  readonly builds: string;
  readonly log: string;
}

/** `path`: the state folder of the user. `caller`: as of `assertOwnFolder`. Error (`invalid`): `folder-unsafe`. */
export function assertOwnState(path: string, { caller = true } = {}): Promise<void> {
  const instead = 'XDG_STATE_HOME=DIR names another';
  return assertOwnFolder({ path, what: 'a state folder', instead, caller });
}

/** `root`: the state folder of the user. The image need not exist. */
export async function findStateFolder(root: string, image: string): Promise<StateFolder> {
  const real = await realpath(image).catch(async () => {
    const folder = await realpath(dirname(image)).catch(() => dirname(image));
    return join(folder, basename(image));
  });
  const digest = createHash('sha256').update(real).digest('hex').slice(0, 16);
  const path = join(root, `${basename(real).replace(/[^\w.-]/g, '_')}-${digest}`);
  return {
    image: real,
    path,
    state: join(path, 'state.json'),
    backups: join(path, 'backups'),
    foreign: join(path, 'foreign'),
    builds: join(path, 'builds'),
    log: join(path, 'log'),
  };
}
