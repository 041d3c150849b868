import { planBuild } from '../../build.js';
import type { PlannedImage } from '../../model/result/patches.js';
import type { Session } from '../../model/session.js';
import { assertNoFaults, createBuildRequest } from '../../setup/build-request.js';

export interface PlanOnImage {
  readonly image: readonly string[];
  /** A folder or an id. */
  readonly patch: string;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * The steps that a patch, with those that it uses, would do to an image, and which cannot succeed there. Whether this
 * machine could build it is no concern. Errors: those of a plan.
 */
export async function planOnImage(
  { image, patch, settings }: PlanOnImage,
  session: Session,
): Promise<PlannedImage> {
  const rest = { config: false, verify: false, writes: false, mayLackSecrets: true } as const;
  const request = await createBuildRequest({ image, patches: [patch], settings, ...rest }, session);
  assertNoFaults(request);
  const { report, error } = await planBuild(request, { ...session, log: () => {} });
  const { plan, before, prechecks = [] } = report;
  if (plan === undefined || before === undefined) throw error;
  const problems = prechecks.flatMap(({ name, problem }) =>
    problem !== undefined && (name === 'files' || name === 'steps') ? [problem] : [],
  );
  return { name: request.name, sha256: before.sha256, plan, problems };
}
