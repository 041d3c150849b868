import { mkdir } from 'node:fs/promises';
import { withoutApplication } from '../deploy/application.js';
import { replaceImage } from '../deploy/replace-image.js';
import { findBackup, keepBackup, listBackups } from '../deploy/state/backup.js';
import { saveState } from '../deploy/state/state.js';
import type { Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import { assessImage } from './assess-image.js';
import { createStatusError } from './deploy-image.js';
import type { Target } from './installed-image.js';
import type { CommandContext } from './shared/context.js';
import type { DeployFlags } from './shared/deploy-options.js';
import type { Progress } from './shared/progress.js';

export interface Restored {
  readonly name: string;
  readonly changed: boolean;
  readonly before: Status;
  /** Digest of the stock image that is installed now. */
  readonly stock: string;
}

/** Puts the stock bytes back; the caller holds the lock. `force`: over somebody else's change, which is kept. */
export async function restoreImage(
  target: Target,
  flags: DeployFlags & { readonly force?: boolean; readonly dryRun?: boolean },
  context: CommandContext,
  progress: Progress,
): Promise<Restored> {
  const { name, folder, installed, state, found } = target;
  const { deployment, ...before } = await assessImage(target, undefined, context);
  if (before.status === 'stock' && installed !== undefined) {
    // Said once more, so that no `reapply` undoes it.
    if (state.deployments.length > 0 && !flags.dryRun) await saveState(folder, { ...state, wanted: 'stock' });
    return { name, changed: false, before, stock: installed.sha256 };
  }
  if (before.status === 'upgraded') throw createDowngradeError(before, target);
  if (before.status === 'foreign') refuseForeign(before, target, flags.force ?? false);
  const stock =
    (deployment ?? state.deployments.at(-1))?.stock ?? (await findOnlyBackup(target, flags.force ?? false));
  if (stock === undefined) throw createStatusError(before, target);
  const source = await findBackup(stock.sha256, folder.backups);
  if (flags.dryRun) return { name, changed: true, before, stock: stock.sha256 };
  if (before.status === 'foreign' && installed !== undefined) {
    await mkdir(folder.foreign, { recursive: true });
    const kept = await keepBackup(folder.image, installed, folder.foreign, context.signal);
    progress.log(`what was there is kept: ${kept}`);
  }
  await withoutApplication(found?.application, flags.quit === true, { ...context, ...progress }, async () => {
    await saveState(folder, { ...state, wanted: 'stock' });
    const { signature } = installed ?? {};
    await replaceImage({ source, sha256: stock.sha256, target: folder.image, signature }, context.signal);
  });
  return { name, changed: true, before, stock: stock.sha256 };
}

/** Without any record: by force, and only where there is no choice. */
async function findOnlyBackup({ folder }: Target, force: boolean): Promise<{ sha256: string } | undefined> {
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

function createDowngradeError({ reason }: Status, target: Target): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'restore-downgrades',
    `${reason}; the backup is of the one before, and putting it back would downgrade the application's image`,
    {
      path: target.folder.image,
      hint: 'the installed image is a stock one already: leave it, or moby-patch reapply to patch it',
    },
  );
}

/** A foreign image of another version may be a half-written upgrade: even by force this would be a downgrade. */
function refuseForeign(before: Status, target: Target, force: boolean): void {
  const last = target.state.deployments.at(-1)?.application;
  const now = target.found?.version;
  if (last !== undefined && now !== undefined && last !== now) {
    throw new MobyPatchError(
      'failed',
      'restore-downgrades',
      `${before.reason}; the application went from ${last} to ${now}, and the backup is of ${last}`,
      { path: target.folder.image, hint: 'install the application again, then moby-patch reapply' },
    );
  }
  if (!force) throw createStatusError(before, target);
}
