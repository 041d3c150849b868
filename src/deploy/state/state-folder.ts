import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Everything that is kept for one installed image. */
export interface StateFolder {
  /** The real path of the image: symlinks are followed, so that every name of it leads to the same state. */
  readonly image: string;
  readonly path: string;
  readonly state: string;
  /** `SHA256.img`, the stock images. */
  readonly backups: string;
  /** As `backups`: what `restore --force` and `apply --adopt` found and nobody may want to lose. */
  readonly foreign: string;
  readonly builds: string;
  readonly log: string;
}

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
