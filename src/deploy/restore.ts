import { mkdir } from 'node:fs/promises';
import type { FileMark, Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ReadingSession } from '../model/session.js';
import { withoutApplication } from './application.js';
import { assessImage } from './assess-image.js';
import { replaceImage } from './replace-image.js';
import { findBackup, listBackups, saveBackup } from './state/backup.js';
import { saveState } from './state/state.js';
import { createStatusError, type Target, type TargetOptions, withLockedTarget } from './target.js';

export interface RestoreOptions {
  readonly target: TargetOptions;
  /** Replace a foreign image too; a copy of it goes to the state folder. */
  readonly force?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Quit the application that boots the image, and start it again afterwards. */
  readonly quit?: boolean | undefined;
}

export interface Restored {
  /** The id or the path, as the user gave it. */
  readonly name: string;
  /** Whether the installed image was replaced (`dryRun`: would be). */
  readonly changed: boolean;
  /** The status before. */
  readonly before: Status;
  /** Hex digest of the stock image that is installed now. */
  readonly stock: string;
}

/**
 * Puts the stock image back, byte for byte; `reapply` leaves it alone from then on. Errors (`failed`):
 * `restore-downgrades`, `image-foreign`, `image-missing`, `backup-ambiguous`, those of `withLockedTarget`,
 * `findBackup`, `withoutApplication` and `replaceImage`.
 */
export function restore(options: RestoreOptions, session: ReadingSession): Promise<Restored> {
  const lock = { command: 'restore', target: options.target, session };
  return withLockedTarget(lock, (target) => restoreTarget({ ...options, target }, session));
}

type RestoreTargetOptions = Omit<RestoreOptions, 'target'> & { readonly target: Target };

async function restoreTarget(options: RestoreTargetOptions, session: ReadingSession): Promise<Restored> {
  const { target, dryRun } = options;
  const { name, folder, installed, state, image } = target;
  const { deployment, ...before } = await assessImage({ target, wanted: undefined }, session);
  if (before.status === 'stock' && installed !== undefined) {
    // Recorded again, so that no `reapply` patches it.
    if (state.deployments.length > 0 && !dryRun) await saveState(folder, { ...state, wanted: 'stock' });
    return { name, changed: false, before, stock: installed.sha256 };
  }
  refuseDowngrade(before, target);
  if (before.status === 'foreign' && !options.force) throw createStatusError(before, target);
  const mark = (deployment ?? state.deployments.at(-1))?.stock ?? (await findOnlyBackup(options));
  if (mark === undefined) throw createStatusError(before, target);
  const { sha256 } = mark;
  const source = await findBackup(sha256, folder.backups);
  if (dryRun) return { name, changed: true, before, stock: sha256 };
  if (before.status === 'foreign' && installed !== undefined) {
    await mkdir(folder.foreign, { recursive: true, mode: 0o700 });
    const { signal } = session;
    const copy = await saveBackup({ source: folder.image, mark: installed, folder: folder.foreign, signal });
    session.log(`a copy of the foreign image is at ${copy}`);
  }
  const application = { commands: image?.application, mayQuit: options.quit === true, session };
  await withoutApplication(application, async () => {
    await saveState(folder, { ...state, wanted: 'stock' });
    const signature = installed?.signature;
    await replaceImage({ source, sha256, target: folder.image, signature }, session.signal);
  });
  return { name, changed: true, before, stock: sha256 };
}

/** Without any record: only by force, and only where there is no choice. */
async function findOnlyBackup({
  target: { folder },
  force,
}: RestoreTargetOptions): Promise<Pick<FileMark, 'sha256'> | undefined> {
  const [first, ...others] = await listBackups(folder.backups);
  if (first === undefined || !force) return undefined;
  if (others.length === 0) return { sha256: first };
  throw new MobyPatchError(
    'failed',
    'backup-ambiguous',
    `there are ${others.length + 1} backups, and no record of which one belongs to the installed application`,
    { path: folder.backups, hint: 'install the application again, or copy the right one there by hand' },
  );
}

/**
 * The backup is of an older version than an upgraded image. A foreign image of another version may be a
 * half-written upgrade, so not even force may replace it.
 */
function refuseDowngrade({ status, reason }: Status, { folder, state, image }: Target): void {
  const path = folder.image;
  if (status === 'upgraded')
    throw new MobyPatchError(
      'failed',
      'restore-downgrades',
      `${reason}; the backup is of the one before, and putting it back would downgrade the application's image`,
      {
        path,
        hint: 'the installed image is a stock one already: leave it, or moby-patch reapply to patch it',
      },
    );
  const last = state.deployments.at(-1)?.application;
  const now = image?.version;
  if (status !== 'foreign' || last === undefined || now === undefined || last === now) return;
  throw new MobyPatchError(
    'failed',
    'restore-downgrades',
    `${reason}; the application went from ${last} to ${now}, and the backup is of ${last}`,
    { path, hint: 'install the application again, then moby-patch reapply' },
  );
}
