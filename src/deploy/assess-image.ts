import { basename } from 'node:path';
import { createStreamEngine } from '../engine/stream.js';
import { createWorkspace } from '../engine/workspace.js';
import { noCache } from '../io/cache.js';
import type { Status } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive } from '../model/image/archive.js';
import type { Plan } from '../model/patch/plan.js';
import type { ReadingSession } from '../model/session.js';
import { openWrapped } from '../setup/wrapped-image.js';
import { readRecord, recordPath } from '../verify/read-record.js';
import {
  type Evidence,
  type Facts,
  judgeUnknown,
  type RecognisedStatus,
  recogniseImage,
} from './decide-status.js';
import { listBackups } from './state/backup.js';
import { readTouched } from './state/state.js';
import { hasAddedFiles } from './state/touched.js';
import type { Predecessor, Target } from './target.js';
import type { WantedPatches } from './wanted-patches.js';

interface AssessOptions {
  readonly target: Target;
  /** Undefined: no patches are named, and what was applied last is wanted. */
  readonly wanted: WantedPatches | undefined;
}

/** The status of an installed image; the image is opened only when its digest is on no record. */
export async function assessImage(
  { target, wanted }: AssessOptions,
  session: ReadingSession,
): Promise<RecognisedStatus> {
  const { folder, installed, state, image, kernel } = target;
  if (installed === undefined) {
    return {
      status: 'missing',
      reason: `there is no image at ${folder.image}`,
      next: state.deployments.length > 0 ? 'moby-patch restore' : 'install the application that brings it',
    };
  }
  const facts: Facts = {
    installed: installed.sha256,
    recipe: wanted?.recipe,
    secrets: wanted?.secrets,
    application: image?.version,
    kernel,
    deployments: state.deployments,
    backups: await listBackups(folder.backups),
  };
  const recognised = recogniseImage(facts);
  const hasRecord = facts.deployments.length > 0 || facts.backups.length > 0;
  if (recognised !== undefined && hasRecord) return recognised;
  // The very first image is opened too: it may be half-written, or patched and its record lost.
  const plan = recognised === undefined ? undefined : wanted?.plan;
  const evidence = await gatherEvidence({ target, plan }, session);
  if (recognised === undefined || evidence.damage !== undefined || evidence.done.length > 0)
    return judgeUnknown(facts, evidence);
  return target.predecessor?.wanted === 'patched' ? createSuccessor(target.predecessor) : recognised;
}

function createSuccessor({ folder }: Predecessor): Status {
  const reason = `a new stock image: ${basename(folder.image)}, the version before, is patched`;
  return { status: 'upgraded', reason, next: 'moby-patch reapply' };
}

interface EvidenceOptions {
  readonly target: Target;
  /** Looks for steps of this plan that are done already. */
  readonly plan: Plan | undefined;
}

async function gatherEvidence(
  { target, plan }: EvidenceOptions,
  { signal, limits }: ReadingSession,
): Promise<Evidence> {
  const last = target.state.deployments.at(-1);
  // What is wrong with the record is not wrong with the image.
  const touched = last === undefined ? undefined : await readTouched(target.folder, last.build);
  try {
    const options = { signal, limits, name: target.name };
    await using image = await openWrapped(target.folder.image, target.image?.wrapped, options);
    const opaque = image.layout.segments.find(({ kind }) => kind === 'opaque');
    return {
      damage:
        opaque === undefined ? undefined : `the kernel stops reading at byte ${opaque.offset} of the image`,
      segments: listArchiveDigests(image),
      stockRoot: last?.stockRoot,
      hasAddedFiles: await hasAddedFiles(image, touched ?? []),
      done: [
        ...(await listRecorded(image)),
        ...(plan === undefined ? [] : await findDoneSteps(image, plan, signal)),
      ],
    };
  } catch (error) {
    if (!(error instanceof MobyPatchError) || error.kind === 'interrupted') throw error;
    return { damage: error.message, segments: [], hasAddedFiles: false, done: [] };
  }
}

/** The patches that the image itself says it has. */
async function listRecorded(image: Archive): Promise<string[]> {
  const record = await readRecord(image);
  return (record?.patches ?? []).map(({ id }) => `${id} (${recordPath})`);
}

/** Digests of the cpio archives of an image. */
export function listArchiveDigests({ layout }: Archive): string[] {
  return layout.segments.filter(({ kind }) => kind === 'cpio').map(({ sha256 }) => sha256);
}

/**
 * The `file` steps whose file is in the image already, byte for byte: an image on no record was patched before.
 * Other kinds of steps prove nothing, since any stock image may have the same line or link.
 */
async function findDoneSteps(image: Archive, plan: Plan, signal: AbortSignal): Promise<string[]> {
  const done: string[] = [];
  for (const step of plan.steps.filter(({ kind }) => kind === 'file')) {
    // A workspace for each step: two steps that put the same file must not see each other's.
    const engine = createStreamEngine();
    const options = { signal, log: () => {}, stamp: 0, cache: noCache };
    await using workspace = createWorkspace({ image, engine, reads: plan.reads, ...options });
    const outcome = await step.apply(workspace).catch((error) => {
      // The build will say what is wrong with the step.
      if (error instanceof MobyPatchError && error.kind !== 'interrupted') return undefined;
      throw error;
    });
    if (outcome?.changed === false) done.push(`${step.patch}: ${step.summary}`);
  }
  return done;
}
