import { planBuild } from '../build.js';
import { isApplicationRunning, refuseRunning, withoutApplication } from '../deploy/application.js';
import { findConflicts, findDrift } from '../deploy/compare-deployments.js';
import { assertSame } from '../deploy/installed-file.js';
import { replaceImage } from '../deploy/replace-image.js';
import { findBackup, keepBackup } from '../deploy/state/backup.js';
import { addDeployment, keepRecord, readTouched, saveState } from '../deploy/state/state.js';
import type { Conflict, Deployment, PackageDrift, Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import type { Report } from '../model/report.js';
import { createBuildRequest } from '../setup/build-request.js';
import { createSession } from '../setup/session.js';
import { assessImage } from './assess-image.js';
import { type Built, buildDeployment, dropOldBuilds } from './build-deployment.js';
import { fillWish, readWish, type Target } from './installed-image.js';
import type { CommandContext } from './shared/context.js';
import type { DeployFlags } from './shared/deploy-options.js';
import type { Progress } from './shared/progress.js';

export interface DeployOptions {
  readonly dryRun?: boolean;
  /** Take what somebody else made for the stock image. */
  readonly adopt?: boolean;
  /** Refuse when an upstream change would be lost. */
  readonly strict?: boolean;
  /** Boot what is installed already when nobody did. */
  readonly prove?: boolean;
  readonly onReport?: ((report: Report) => void) | undefined;
}

export interface Deployed {
  /** As the user calls the image. */
  readonly name: string;
  readonly changed: boolean;
  /** The installed bytes were booted now; they were installed without. */
  readonly proved?: boolean | undefined;
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
  const asked = installed === undefined ? undefined : await readWish(wish, context);
  const before = await assessImage(target, asked, context);
  const isPatched = before.status === 'patched';
  const unproved = options.prove && flags.verify && before.deployment?.verdict === 'not booted';
  if (isPatched && (!unproved || options.dryRun))
    return { name, changed: false, before, deployment: before.deployment };
  if (installed === undefined || asked === undefined) throw createStatusError(before, target);
  if (before.status === 'foreign' && !options.adopt) throw createStatusError(before, target);
  if (!options.dryRun && !isPatched && found?.application !== undefined)
    refuseRunning(
      flags.quit === true || !(await isApplicationRunning(found.application, { ...context, ...progress })),
    );
  const request = await createBuildRequest(wish, createSession({ ...context, ...progress }));
  const stock = before.deployment?.stock ?? installed;
  if (options.dryRun) {
    const image =
      before.deployment === undefined ? folder.image : await findBackup(stock.sha256, folder.backups);
    await using session = createSession({ ...context, cache: flags.cache });
    const { report } = await planBuild({ ...request, image }, session);
    options.onReport?.(report);
    return { name, changed: true, before, report };
  }
  const image =
    before.deployment === undefined
      ? await keepBackup(folder.image, stock, folder.backups, context.signal)
      : await findBackup(stock.sha256, folder.backups);
  await assertSame(folder.image, installed.signature);
  const built = await buildDeployment(
    target,
    { ...request, image },
    asked.recipe,
    { cache: flags.cache, onReport: options.onReport },
    context,
    progress,
  ).catch((error) => {
    throw isPatched ? explainRefusedBoot(error) : error;
  });
  if (isPatched && built.deployment.patched.sha256 === installed.sha256) {
    await saveDeployment(target, built.deployment);
    return { name, changed: false, proved: true, before, deployment: built.deployment, report: built.report };
  }
  const compared = await compare(target, built);
  if (options.strict && (compared.conflicts?.length ?? 0) > 0)
    throw createConflictError(compared.conflicts ?? []);
  progress.log('putting the new image in the place of the installed one');
  await withoutApplication(found?.application, flags.quit === true, { ...context, ...progress }, async () => {
    // On record before it is installed: whatever happens in between, the bytes that are there are known.
    await saveDeployment(target, built.deployment);
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

async function saveDeployment({ folder, state }: Target, deployment: Deployment): Promise<void> {
  await keepRecord(folder, deployment);
  await saveState(folder, addDeployment(state, deployment));
}

/** With the last deployment of another stock image: what the upgrade changed under the patches. */
async function compare(
  target: Target,
  { deployment }: Built,
): Promise<Pick<Deployed, 'conflicts' | 'drift'>> {
  const { state, folder, predecessor } = target;
  const last =
    state.deployments.findLast(({ stock }) => stock.sha256 !== deployment.stock.sha256) ??
    predecessor?.deployment;
  if (last === undefined) return {};
  const old = await readTouched(
    state.deployments.includes(last) ? folder : (predecessor?.folder ?? folder),
    last.build,
  );
  const now = await readTouched(target.folder, deployment.build);
  return {
    conflicts: old === undefined || now === undefined ? undefined : findConflicts(old, now),
    drift: findDrift(last.packages, deployment.packages),
  };
}

export function createStatusError({ status, reason, next }: Status, target: Target): MobyPatchError {
  return new MobyPatchError('failed', `image-${status}`, reason, { path: target.folder.image, hint: next });
}

function explainRefusedBoot(error: unknown): unknown {
  if (!(error instanceof MobyPatchError) || error.kind !== 'boot') return error;
  const { kind, code, message, path } = error;
  return new MobyPatchError(
    kind,
    code,
    `the installed image, which nobody had booted, does not boot: ${message}`,
    {
      path,
      hint: 'moby-patch restore puts the stock image back',
      cause: error,
    },
  );
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
