import type { BuildRequest } from '../../model/build.js';
import type { MobyPatchError } from '../../model/error/error.js';
import type { Image } from '../../model/image/archive.js';
import type { Plan } from '../../model/patch/plan.js';
import { listBootChecks, listQemuCheck } from './boot-checks.js';
import { listOutputChecks } from './output-checks.js';
import type { Check } from './run-checks.js';

export interface CheckOptions {
  readonly image: Image;
  readonly request: BuildRequest;
  readonly plan: Plan;
  /** Bytes of the file that is written around the new image, such as an ISO. */
  readonly around?: number | undefined;
  /** Bytes that commands take in the folder for temporary files. */
  readonly work: number;
  readonly signal: AbortSignal;
}

/** What is wrong with the request already. */
export function listFaults(faults: readonly MobyPatchError[] = []): Check[] {
  return faults.map((fault) => ({ name: 'request', look: () => Promise.reject(fault) }));
}

/** What a build can look at before its first step: the output, then the boot. */
export async function listChecks(options: CheckOptions): Promise<Check[]> {
  const { image, request, plan, around, work, signal } = options;
  const { codec, level, single, dataAlign, verify, faults = [] } = request;
  const hasSteps = plan.steps.length > 0;
  const changes = hasSteps || (codec ?? level ?? dataAlign) !== undefined || single === true;
  const bodies = plan.steps.flatMap((step) => [...step.payload.values()]);
  const payload = bodies.reduce((sum, { size }) => sum + size, 0);
  const isKnown = faults.every((fault) => fault.code !== 'compression-unknown');
  const output = listOutputChecks({ image, request, changes, payload, around, work, signal }).filter(
    // The level is one of a codec that nobody knows.
    ({ name }) => isKnown || name !== 'compression',
  );
  if (verify !== undefined)
    return [
      ...output,
      ...(await listBootChecks({ image, verify, expects: plan.expects, changes: hasSteps, signal })),
    ];
  // A boot is wanted, and its kernel is not there.
  const isWanted = faults.some((fault) => fault.code === 'kernel-missing');
  return isWanted ? [...output, ...(await listQemuCheck(image, signal))] : output;
}
