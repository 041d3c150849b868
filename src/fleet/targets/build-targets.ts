import pLimit from 'p-limit';
import { build } from '../../build.js';
import type { BuildRequest } from '../../model/build.js';
import { createErrorReport } from '../../model/error/error.js';
import type { Outcome } from '../../model/result/report.js';
import type { TargetResult, TargetsReport } from '../../model/result/targets.js';
import type { Session } from '../../model/session.js';
import { type BuildArguments, createBuildRequest } from '../../setup/build-request.js';
import { silence } from '../../setup/silence.js';
import { findMakers, refuseCircle } from '../../setup/targets/find-makers.js';
import type { Target } from '../../setup/targets/target.js';
import { findBuilt, rememberBuilt } from './built-before.js';
import { chooseJobs, measureRoom, usualGuestMemory } from './choose-jobs.js';
import { identifyBuild } from './identify.js';

export interface TargetsRequest {
  readonly targets: readonly Target[];
  /** What the command line says to all of them, in place of the file. */
  readonly build: BuildArguments;
  /** How many at a time; default: by cores and memory. */
  readonly jobs?: number | undefined;
  /** Whether others begin after one has failed. */
  readonly keepGoing: boolean;
}

/**
 * Builds targets, several at a time, with one cache. A target whose output stands there, made by the same build, is left as it is. The log
 * gets a line for each. A target that is made from the output of others waits for them, and is left out where one of them failed. Rejects
 * for an abort. Error (`invalid`): `targets-circle`.
 */
export async function buildTargets(request: TargetsRequest, session: Session): Promise<TargetsReport> {
  const { targets, keepGoing } = request;
  const start = performance.now();
  const makers = findMakers(targets);
  refuseCircle(makers);
  const jobs = request.jobs ?? measureJobs(request);
  const limit = pLimit(jobs);
  const kernels = new Map<string, string>();
  const quiet = silence(session);
  let isStopped = false;
  let done = 0;
  const work = async (target: Target): Promise<TargetResult> => {
    session.signal.throwIfAborted();
    const { name } = target;
    if (isStopped) return leaveOut(target);
    session.showPart?.(`${name} has begun`);
    const result = await buildTarget(target, request.build, { session, quiet, kernels });
    session.signal.throwIfAborted();
    isStopped ||= !keepGoing && (result.state === 'failed' || result.state === 'refused');
    done += 1;
    session.log(`${describeTarget(result)} (${done} of ${targets.length})`);
    return result;
  };
  const begun = new Map<Target, Promise<TargetResult>>();
  /** The wait is outside of the limit: those that wait would keep the others from their turn. */
  const afterMakers = async (target: Target): Promise<TargetResult> => {
    const before = await Promise.all((makers.get(target) ?? []).map(begin));
    const failed = before.find(isBad);
    if (failed === undefined) return limit(work, target);
    session.log(`${target.name}: left out: it is made from the output of ${failed.name}, which is not built`);
    return leaveOut(target);
  };
  const begin = (target: Target): Promise<TargetResult> => {
    const known = begun.get(target) ?? afterMakers(target);
    begun.set(target, known);
    return known;
  };
  const results = await Promise.all(targets.map(begin));
  return {
    version: 1,
    failed: results.some(isBad),
    targets: results,
    jobs,
    durationMs: Math.round(performance.now() - start),
  };
}

function leaveOut({ name, axes }: Target): TargetResult {
  return { name, axes, state: 'left out', warnings: [], durationMs: 0 };
}

function isBad({ state }: TargetResult): boolean {
  return state !== 'built' && state !== 'unchanged';
}

function describeTarget({ name, state, error, sha256, durationMs }: TargetResult): string {
  const [reason] = (error?.message ?? '').split('\n');
  if (error !== undefined) return `${name}: ${state}: ${reason} [${error.code}]`;
  const after = state === 'built' ? ` in ${(durationMs / 1000).toFixed(1)} s` : '';
  return `${name}: ${state}${after}, sha256 ${sha256?.slice(0, 16)}`;
}

function measureJobs({ targets, build: { memory, verify } }: TargetsRequest): number {
  const wanted = targets.map(
    ({ configuration }) => memory ?? configuration.values.memory ?? usualGuestMemory,
  );
  const guest = verify ? Math.max(...wanted) : 0;
  return chooseJobs(measureRoom(), guest);
}

interface TargetContext {
  readonly session: Session;
  /** That of the builds: one for all, for a cache that fails to be told once. */
  readonly quiet: Session;
  readonly kernels: Map<string, string>;
}

async function buildTarget(
  target: Target,
  wanted: BuildArguments,
  { session, quiet, kernels }: TargetContext,
): Promise<TargetResult> {
  const { name, axes } = target;
  const start = performance.now();
  const time = () => Math.round(performance.now() - start);
  try {
    const own = { ...wanted, config: target.configuration, makesFolder: true };
    const request = await createBuildRequest(own, quiet);
    const { output } = request;
    const identity = await identifyBuild(request, quiet, kernels);
    const before = await findBuilt(identity, request, session.cache);
    const known = { name, axes, output, warnings: [] };
    if (before !== undefined) return { ...known, state: 'unchanged', ...before, durationMs: time() };
    const outcome = await build(request, quiet);
    const result = { ...known, ...describeOutcome(outcome), durationMs: time() };
    if (result.state === 'built') await remember(identity, request, { result, session });
    return result;
  } catch (error) {
    if (session.signal.aborted) throw error;
    return { name, axes, state: 'failed', error: createErrorReport(error), warnings: [], durationMs: time() };
  }
}

function describeOutcome({ report }: Outcome): Omit<TargetResult, 'name' | 'axes' | 'durationMs'> {
  const { error, boot, warnings } = report;
  if (error !== undefined) return { state: error.kind === 'boot' ? 'refused' : 'failed', error, warnings };
  const mark = report.overlay ?? report.wrapper?.after ?? report.after;
  return {
    state: 'built',
    warnings,
    verdict: boot?.verdict ?? 'not booted',
    ...(mark && { size: mark.size, sha256: mark.sha256 }),
  };
}

interface Remembered {
  readonly result: TargetResult;
  readonly session: Session;
}

async function remember(
  identity: string,
  request: BuildRequest,
  { result: { sha256, size, verdict }, session: { cache } }: Remembered,
): Promise<void> {
  if (sha256 === undefined || size === undefined || verdict === undefined) return;
  await rememberBuilt(identity, request, { built: { sha256, size, verdict }, cache });
}
