import { planBuild } from '../build.js';
import { isApplicationRunning, refuseRunning, withoutApplication } from '../deploy/application.js';
import { findBackup, keepBackup } from '../deploy/backup.js';
import { findConflicts, findDrift } from '../deploy/conflicts.js';
import { assertSame } from '../deploy/installed-file.js';
import { replaceImage } from '../deploy/replace-image.js';
import { addDeployment, readTouched, saveState } from '../deploy/state.js';
import type { Conflict, Deployment, PackageDrift, Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import type { Report } from '../model/report.js';
import { assessImage } from './assess-image.js';
import { type Built, buildDeployment, dropOldBuilds } from './build-deployment.js';
import { createBuildRequest } from './build-request.js';
import type { CommandContext } from './context.js';
import type { DeployFlags } from './deploy-options.js';
import { createEngines } from './engines.js';
import { fillWish, hashWish, type Target } from './installed-image.js';
import type { Progress } from './progress.js';

export interface DeployOptions {
  readonly dryRun?: boolean;
  /** Take what somebody else made for the stock image. */
  readonly adopt?: boolean;
  /** Refuse when an upstream change would be lost. */
  readonly strict?: boolean;
}

export interface Deployed {
  /** As the user calls the image. */
  readonly name: string;
  readonly changed: boolean;
  /** Where the image stood before. */
  readonly before: Status;
  readonly deployment?: Deployment | undefined;
  /** Undefined: this is the first time, or what the last one touched was lost. */
  readonly conflicts?: readonly Conflict[] | undefined;
  readonly drift?: readonly PackageDrift[] | undefined;
  readonly report?: Report | undefined;
}

/** Brings an installed image to the patched state; the caller holds the lock. */
export async function deployImage(
  target: Target,
  flags: DeployFlags,
  options: DeployOptions,
  context: CommandContext,
  progress: Progress,
): Promise<Deployed> {
  const { name, folder, installed, found } = target;
  const wish = await fillWish({ ...flags, image: flags.image ?? target.name }, target, context);
  if (!wish.hasWish)
    throw new MobyPatchError('invalid', 'patches-missing', 'no patches were named', {
      hint: '-p PATCH, or patches: in moby-patch.yaml',
    });
  const recipe = installed === undefined ? undefined : await hashWish(wish, context);
  const before = await assessImage(target, recipe, context);
  if (before.status === 'patched') return { name, changed: false, before, deployment: before.deployment };
  if (installed === undefined || recipe === undefined) throw createStatusError(before, target);
  if (before.status === 'foreign' && !options.adopt) throw createStatusError(before, target);
  if (!options.dryRun && found?.application !== undefined)
    refuseRunning(
      flags.quit === true || !(await isApplicationRunning(found.application, { ...context, ...progress })),
    );
  const request = await createBuildRequest(wish, context, progress.log);
  const stock = before.deployment?.stock ?? installed;
  if (options.dryRun) {
    const image =
      before.deployment === undefined ? folder.image : await findBackup(stock.sha256, folder.backups);
    const plan = {
      signal: context.signal,
      limits: context.limits,
      engines: createEngines(context),
      log: () => {},
      onStage: () => {},
    };
    return { name, changed: true, before, report: await planBuild({ ...request, image }, plan) };
  }
  const image =
    before.deployment === undefined
      ? await keepBackup(folder.image, stock, folder.backups, context.signal)
      : await findBackup(stock.sha256, folder.backups);
  await assertSame(folder.image, installed.signature);
  const built = await buildDeployment(target, { ...request, image }, recipe, context, progress);
  const compared = await compare(target, built);
  if (options.strict && (compared.conflicts?.length ?? 0) > 0)
    throw createConflictError(compared.conflicts ?? []);
  progress.log('putting the new image in the place of the installed one');
  await withoutApplication(found?.application, flags.quit === true, { ...context, ...progress }, async () => {
    // On record before it is installed: whatever happens in between, the bytes that are there are known.
    await saveState(folder, addDeployment(target.state, built.deployment));
    const { sha256 } = built.deployment.patched;
    const { signature } = installed;
    await replaceImage({ source: built.file, sha256, target: folder.image, signature }, context.signal);
  });
  // Only room is at stake; the image is installed.
  await dropOldBuilds(target, built.deployment.build).catch((error) =>
    progress.log(`could not remove the image of an older build: ${error.code}`),
  );
  return { name, changed: true, before, deployment: built.deployment, ...compared, report: built.report };
}

/** With the last deployment of another stock image: what the upgrade changed under the patches. */
async function compare(
  target: Target,
  { deployment }: Built,
): Promise<Pick<Deployed, 'conflicts' | 'drift'>> {
  const last = target.state.deployments.findLast(({ stock }) => stock.sha256 !== deployment.stock.sha256);
  if (last === undefined) return {};
  const old = await readTouched(target.folder, last.build);
  const now = await readTouched(target.folder, deployment.build);
  return {
    conflicts: old === undefined || now === undefined ? undefined : findConflicts(old, now),
    drift: findDrift(last.packages, deployment.packages),
  };
}

export function createStatusError({ status, reason, next }: Status, target: Target): MobyPatchError {
  return new MobyPatchError('failed', `image-${status}`, reason, { path: target.folder.image, hint: next });
}

function createConflictError(conflicts: readonly Conflict[]): MobyPatchError {
  const paths = conflicts.map(({ path, upstream }) => `${path} (${upstream} upstream)`).join(', ');
  return new MobyPatchError(
    'failed',
    'upstream-conflict',
    `the patches replace files that the upgrade changed too: ${paths}; nothing was replaced`,
    { hint: 'bring the patch up to date, or leave --strict out to let the patch win' },
  );
}
