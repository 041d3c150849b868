import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { BuildRequest } from '../../model/build.js';
import type { Session } from '../../model/session.js';
import { listTerms } from '../../tasks/prove/list-terms.js';
import { findPlan } from '../../tasks/prove/prove-build.js';

/** Raised when the same request may give another result. */
const identityVersion = 1;

/**
 * A digest of all that decides the output of a build, its manifest and its verdict, for nothing to be built twice. The values of
 * secrets are not in it. Errors: those of a plan.
 */
export async function identifyBuild(
  request: BuildRequest,
  session: Session,
  kernels: Map<string, string>,
): Promise<string> {
  const { plan, wrapper } = await findPlan(request, session);
  const {
    as = 'image',
    split = false,
    provenance = false,
    compareStock = false,
    twice = false,
    output,
  } = request;
  const terms = [
    identityVersion,
    await listTerms(plan, request, kernels),
    wrapper?.before.sha256 ?? '',
    [as, split, provenance, compareStock, twice],
    request.files?.map(({ name }) => basename(name)) ?? [],
    basename(output),
  ];
  return createHash('sha256').update(JSON.stringify(terms)).digest('hex');
}
