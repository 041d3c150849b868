import { basename } from 'node:path';
import { type Evidence, type Facts, judgeUnknown, recogniseImage } from '../deploy/decide-status.js';
import { listBackups } from '../deploy/state/backup.js';
import { readTouched } from '../deploy/state/state.js';
import { hasAddedFiles } from '../deploy/state/touched.js';
import type { Archive } from '../model/archive.js';
import type { Deployment, Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import { openImage } from '../unpack/open-image.js';
import { findDoneSteps } from './find-done-steps.js';
import type { Predecessor, Target, Wish } from './installed-image.js';
import type { CommandContext } from './shared/context.js';

export interface Assessment extends Status {
  /** Of the installed bytes, when they are ours. */
  readonly deployment?: Deployment | undefined;
}

/** Says where an installed image stands; opens it only when its digest is on no record. */
export async function assessImage(
  target: Target,
  wish: Wish | undefined,
  context: CommandContext,
): Promise<Assessment> {
  const { folder, installed, state, found, kernel } = target;
  if (installed === undefined) {
    return {
      status: 'missing',
      reason: `there is no image at ${folder.image}`,
      next: state.deployments.length > 0 ? 'moby-patch restore' : 'install the application that brings it',
    };
  }
  const facts: Facts = {
    installed: installed.sha256,
    recipe: wish?.recipe,
    application: found?.version,
    kernel,
    deployments: state.deployments,
    backups: await listBackups(folder.backups),
  };
  const known = recogniseImage(facts);
  // The first look at an image must not take half of one for the stock, nor a patched one whose state was lost.
  if (known !== undefined && (facts.deployments.length > 0 || facts.backups.length > 0)) return known;
  const evidence = await gatherEvidence(target, known === undefined ? undefined : wish, context);
  if (known !== undefined && evidence.damage === undefined && evidence.done.length === 0)
    return target.predecessor?.wanted === 'patched' ? createSuccessor(target.predecessor) : known;
  return judgeUnknown(facts, evidence);
}

function createSuccessor({ folder }: Predecessor): Status {
  const reason = `a new stock image: ${basename(folder.image)}, the version before, is patched`;
  return { status: 'upgraded', reason, next: 'moby-patch reapply' };
}

async function gatherEvidence(
  target: Target,
  wish: Wish | undefined,
  context: CommandContext,
): Promise<Evidence> {
  const last = target.state.deployments.at(-1);
  try {
    await using image = await openImage(target.folder.image, {
      signal: context.signal,
      limits: context.limits,
      name: target.name,
    });
    const opaque = image.layout.segments.find(({ kind }) => kind === 'opaque');
    const touched = last === undefined ? undefined : await readTouched(target.folder, last.build);
    return {
      damage:
        opaque === undefined ? undefined : `the kernel stops reading at byte ${opaque.offset} of the image`,
      segments: listArchives(image),
      stockRoot: last?.stockRoot,
      hasAddedFiles: await hasAddedFiles(image, touched ?? []),
      done: wish === undefined ? [] : await findDoneSteps(image, wish.plan, context),
    };
  } catch (error) {
    if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') throw error;
    return { damage: error.message, segments: [], hasAddedFiles: false, done: [] };
  }
}

/** Digests of the archives of an image. */
export function listArchives({ layout }: Archive): string[] {
  return layout.segments.filter(({ kind }) => kind === 'cpio').map(({ sha256 }) => sha256);
}
