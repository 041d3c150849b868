import { join } from 'node:path';
import { build, planBuild } from '../../build.js';
import { parseJson } from '../../format/parse-json.js';
import { cacheEntry } from '../../io/cache.js';
import { createScratch } from '../../io/place/scratch.js';
import { nameConsole } from '../../io/place/written-files.js';
import type { BuildRequest } from '../../model/build.js';
import type { CacheEntry } from '../../model/cache.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Proof } from '../../model/result/bisection.js';
import type { Outcome, PlanReport, Report } from '../../model/result/report.js';
import type { Session } from '../../model/session.js';
import { silencePlan } from '../../setup/silence.js';
import { listTerms } from './list-terms.js';

export interface ProveOptions {
  /** Digests of kernel files that were read already. */
  readonly kernels: Map<string, string>;
  /** Gets the console of what was booted, as a file that is gone afterwards. */
  readonly onConsole?: ((proof: Proof, file: string) => Promise<void>) | undefined;
}

/** Raised when a verdict may be another one for the same input. */
const cacheVersion = 1;

/**
 * Builds and boots in a folder of its own, unless an earlier run has: a verdict on the same plan, kernel, terms of the boot
 * and program is remembered, unless the guest has the network of this machine. Errors: those of a build, but for a refused image.
 */
export async function proveBuild(
  request: BuildRequest,
  session: Session,
  { kernels, onConsole }: ProveOptions,
): Promise<Proof> {
  const { plan } = await findPlan(request, session);
  const entry = await openProof(plan, request, { session, kernels });
  const known = await entry?.read().then((bytes) => readProof(bytes, plan.id));
  if (known !== undefined) return known;
  await using scratch = await createScratch();
  const output = join(scratch.path, 'image');
  const outcome = await build({ ...request, output, split: false, files: request.files }, session);
  const proof = readOutcome(outcome, plan.id);
  await entry?.write(Buffer.from(JSON.stringify(proof)));
  if (outcome.report.boot !== undefined) await onConsole?.(proof, nameConsole(output, proof.verdict));
  return proof;
}

type PlannedReport = Report & { readonly plan: PlanReport };

/** The report of a plan. Errors: those of a plan. */
export async function findPlan(request: BuildRequest, session: Session): Promise<PlannedReport> {
  const { report, error } = await planBuild(request, silencePlan(session));
  const { plan } = report;
  if (error !== undefined || plan === undefined) throw error;
  return { ...report, plan };
}

interface ProofOptions {
  readonly session: Session;
  readonly kernels: Map<string, string>;
}

/** Where a verdict is remembered; undefined: it is not. @internal */
export async function openProof(
  plan: PlanReport,
  request: BuildRequest,
  { session, kernels }: ProofOptions,
): Promise<CacheEntry | undefined> {
  if (request.verify === undefined) throw createUnbootedError();
  // What a guest meets there, such as a server that is down, is in no digest.
  if (request.verify.network === 'host') return undefined;
  return cacheEntry(session.cache, 'verdict', cacheVersion, ...(await listTerms(plan, request, kernels)));
}

/** `option-wrong` (`invalid`). */
export function createUnbootedError(): MobyPatchError {
  const message = 'a verdict comes from a boot, which --no-verify leaves out';
  return new MobyPatchError('invalid', 'option-wrong', message, { hint: 'the same without --no-verify' });
}

function readProof(bytes: Uint8Array | undefined, plan: string): Proof | undefined {
  const value = bytes && parseJson(Buffer.from(bytes).toString('utf8'));
  return isProof(value, plan) ? { ...value, remembered: true } : undefined;
}

/** Whether it is what `readOutcome` makes. */
function isProof(value: unknown, plan: string): value is Proof {
  const {
    verdict,
    plan: own,
    reason,
    endedAt,
    tail,
    seconds,
  } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isOptional = (part: unknown, type: string) => part === undefined || typeof part === type;
  return (
    (verdict === 'passed' || verdict === 'refused') &&
    own === plan &&
    [reason, endedAt].every((part) => isOptional(part, 'string')) &&
    isOptional(seconds, 'number') &&
    Array.isArray(tail) &&
    tail.every((line) => typeof line === 'string')
  );
}

/** Codes with which an image is refused, with a boot or without one. */
const refusals: ReadonlySet<string> = new Set(['boot-refused', 'boot-hazard']);

function readOutcome({ report, error }: Outcome, plan: string): Proof {
  const { boot } = report;
  if (report.error !== undefined && !refusals.has(report.error.code)) throw error;
  return {
    verdict: report.error === undefined ? 'passed' : 'refused',
    plan,
    ...(report.error !== undefined && { reason: boot?.reason ?? report.error.message }),
    ...(boot?.endedAt !== undefined && { endedAt: boot.endedAt }),
    tail: boot?.tail ?? [],
    ...(boot !== undefined && { seconds: boot.seconds }),
    remembered: false,
  };
}
