import { planBuild } from '../build.js';
import { assertSame, type ExaminedFile } from '../io/file/examine-file.js';
import type { BuildRequest } from '../model/build.js';
import type { Conflict } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Deployed } from '../model/result/deployed.js';
import type { Outcome, Report } from '../model/result/report.js';
import type { Session } from '../model/session.js';
import { assertNoFaults, createBuildRequest } from '../setup/build-request.js';
import { silencePlan } from '../setup/silence.js';
import { findAgain } from '../setup/wrapped-image.js';
import { type ApplicationOptions, refuseRunning, withoutApplication } from './application.js';
import { assessImage } from './assess-image.js';
import { buildDeployment, dropOtherBuilds } from './build-deployment.js';
import { compareWithLast } from './compare-deployments.js';
import type { RecognisedStatus } from './decide-status.js';
import { replaceImage } from './replace-image.js';
import { findBackup, saveBackup } from './state/backup.js';
import { saveDeployment } from './state/state.js';
import { createStatusError, type Target, withLockedTarget } from './target.js';
import { completeRequest, type DeployRequest, loadWantedPatches } from './wanted-patches.js';

export interface ApplyOptions {
  readonly request: DeployRequest;
  /** Quit the application that boots the image, and start it again afterwards. */
  readonly quit?: boolean | undefined;
  /** Gets the report of each build or plan, and how it ended. */
  readonly onReport?: ((report: Report, outcome: Outcome) => void) | undefined;
  /** Whether reports have the changed lines of text files that everybody may read. */
  readonly texts?: boolean | undefined;
  /** Change nothing; the outcome has the report of a plan. */
  readonly dryRun?: boolean | undefined;
  /** Make a foreign image the stock image. */
  readonly adopt?: boolean | undefined;
}

/**
 * Builds the patched image, unless that was done before, and replaces the installed image with it. An image that
 * was installed without a boot is booted. Errors: `patches-missing` (`invalid`), `image-foreign` and the like
 * (`failed`), those of `withLockedTarget`, `buildDeployment`, `withoutApplication` and `replaceImage`.
 */
export function apply(options: ApplyOptions, session: Session): Promise<Deployed> {
  const lock = { command: 'apply', target: options.request, session };
  return withLockedTarget(lock, (target) => deployTarget({ ...options, target, prove: true }, session));
}

export interface DeployTargetOptions extends ApplyOptions {
  /** It is locked. */
  readonly target: Target;
  /** Boot an installed image that was never booted. */
  readonly prove?: boolean | undefined;
  /** Refuse when an upstream change would be lost. Error (`failed`): `upstream-conflict`. */
  readonly strict?: boolean | undefined;
}

/** Gets an installed image into the patched state. */
export async function deployTarget(options: DeployTargetOptions, session: Session): Promise<Deployed> {
  const deployed = await deploy(options, session);
  const { deployment: _, ...before }: RecognisedStatus = deployed.before;
  return { ...deployed, before };
}

async function deploy(options: DeployTargetOptions, session: Session): Promise<Deployed> {
  const { target, dryRun, quit } = options;
  const request = await completeRequest(options.request, target, session);
  if (request === undefined)
    throw new MobyPatchError('invalid', 'patches-missing', 'no patches were named', {
      hint: '-p PATCH, or patches: in moby-patch.yaml',
    });
  const { name, installed, image } = target;
  const wanted = installed === undefined ? undefined : await loadWantedPatches(request, session);
  const before = await assessImage({ target, wanted }, session);
  if (before.status === 'patched' && !needsProof(before, options))
    return { name, changed: false, before, deployment: before.deployment };
  if (installed === undefined || wanted === undefined) throw createStatusError(before, target);
  if (before.status === 'foreign' && !options.adopt) throw createStatusError(before, target);
  const application = { commands: image?.application, mayQuit: quit === true, session };
  // `withoutApplication` asks again before the replacement; asking now saves a useless build.
  if (!dryRun && before.status !== 'patched') await refuseRunning(application);
  // What the status says of the image was heeded above.
  const build = await createBuildRequest({ ...request, again: true, writes: false }, session);
  assertNoFaults(build);
  if (dryRun) return planOnly({ ...options, before, installed, build }, session);
  return buildAndReplace(
    { ...options, before, installed, build, recipe: wanted.recipe, application },
    session,
  );
}

function needsProof(
  { deployment }: RecognisedStatus,
  { request, prove, dryRun }: DeployTargetOptions,
): boolean {
  return prove === true && request.verify && !dryRun && deployment?.verdict === 'not booted';
}

interface DryRunOptions extends DeployTargetOptions {
  readonly before: RecognisedStatus;
  readonly installed: ExaminedFile;
  readonly build: BuildRequest;
}

async function planOnly(
  { target, before, build, onReport }: DryRunOptions,
  session: Session,
): Promise<Deployed> {
  const { name, folder } = target;
  const { deployment } = before;
  const image =
    deployment === undefined ? folder.image : await findBackup(deployment.stock.sha256, folder.backups);
  const outcome = await planBuild(await moveRequest(build, image, session), silencePlan(session));
  const { report } = outcome;
  onReport?.(report, outcome);
  return { name, changed: true, before, report };
}

/** The request for a copy of the stock image. */
async function moveRequest(build: BuildRequest, image: string, session: Session): Promise<BuildRequest> {
  const wrapped = build.wrapped && (await findAgain(build.wrapped, image, session));
  return { ...build, image, wrapped };
}

interface ReplaceOptions extends DryRunOptions {
  readonly recipe: string;
  readonly application: ApplicationOptions;
}

async function buildAndReplace(options: ReplaceOptions, session: Session): Promise<Deployed> {
  const { target, before, installed, recipe, application, strict, texts, onReport } = options;
  const { name, folder, state } = target;
  const isPatched = before.status === 'patched';
  const image = await locateStock(options, session);
  await assertSame(folder.image, installed.signature);
  const request = await moveRequest(options.build, image, session);
  const built = await buildDeployment({ target, request, recipe, texts, onReport }, session).catch(
    (error) => {
      throw isPatched ? explainRefusedBoot(error) : error;
    },
  );
  const { deployment, file: source, report } = built;
  const { sha256 } = deployment.patched;
  if (isPatched && sha256 === installed.sha256) {
    await saveDeployment(deployment, { folder, state });
    return { name, changed: false, proved: true, before, deployment, report };
  }
  const comparison = await compareWithLast(deployment, target);
  if (strict) refuseConflicts(comparison.conflicts ?? []);
  session.log('putting the new image in the place of the installed one');
  await withoutApplication(application, async () => {
    // Recorded before it is installed: whatever happens in between, the installed bytes are on record.
    await saveDeployment(deployment, { folder, state });
    const { signature } = installed;
    await replaceImage({ source, sha256, target: folder.image, signature }, session.signal);
  });
  // The image is installed: a failure here costs disk space only.
  await dropOtherBuilds(folder, deployment.build).catch((error) =>
    session.log(`could not remove the image of an older build: ${error.code}`),
  );
  return { name, changed: true, before, deployment, ...comparison, report };
}

/** The path of a backup of the stock image; one is made of an image that is not patched. */
function locateStock(
  { target: { folder }, before, installed }: ReplaceOptions,
  { signal }: Session,
): Promise<string> {
  if (before.deployment !== undefined) return findBackup(before.deployment.stock.sha256, folder.backups);
  return saveBackup({ source: folder.image, mark: installed, folder: folder.backups, signal });
}

function explainRefusedBoot(error: unknown): unknown {
  if (!(error instanceof MobyPatchError) || error.kind !== 'boot') return error;
  const { kind, code, message, path } = error;
  return new MobyPatchError(
    kind,
    code,
    `the installed image, which was never booted, does not boot: ${message}`,
    { path, hint: 'moby-patch restore puts the stock image back', cause: error },
  );
}

function refuseConflicts(conflicts: readonly Conflict[]): void {
  if (conflicts.length === 0) return;
  const paths = conflicts.map(({ path, upstream }) => `${path} (${upstream} upstream)`).join(', ');
  throw new MobyPatchError(
    'failed',
    'upstream-conflict',
    `the patches replace files that the upgrade changed too: ${paths}; nothing was replaced`,
    { hint: 'bring the patch up to date, or leave --strict out to let the patch win' },
  );
}
