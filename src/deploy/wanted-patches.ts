import { createHash } from 'node:crypto';
import type { Plan } from '../model/patch/plan.js';
import type { Secret } from '../model/patch/secret.js';
import type { ReadingSession } from '../model/session.js';
import { createPlan } from '../patch/plan.js';
import { assertNoFaults, type BuildArguments, createBuildRequest } from '../setup/build-request.js';
import { loadConfiguration } from '../setup/configuration.js';
import type { Target, TargetOptions } from './target.js';

/**
 * Names an installed image, the patches that it is to have, and how the patched image is built and booted. The
 * configuration says what is left out, then the last deployment which patches.
 */
export interface DeployRequest
  extends TargetOptions,
    Omit<BuildArguments, 'output' | 'split' | 'locked' | 'config' | 'image'> {}

/** All that is wanted of the patched image. */
export interface WantedPatches {
  /** A hash of the patches, their settings and the compression; independent of the image. */
  readonly recipe: string;
  readonly plan: Plan;
  /** Digests of the secrets whose values are at hand, by `PATCH.NAME`. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * The request with the patches and settings of the last deployment, where neither the request nor the
 * configuration names patches. Undefined when there was no deployment either.
 */
export async function completeRequest(
  request: DeployRequest,
  target: Target,
  { places }: ReadingSession,
): Promise<DeployRequest | undefined> {
  const { values } = await loadConfiguration(places.folder, request.config);
  if (request.patches !== undefined || (values.patches?.length ?? 0) > 0) return request;
  const last = target.state.deployments.at(-1) ?? target.predecessor?.deployment;
  if (last === undefined) return undefined;
  const secrets = Object.entries(last.secrets ?? {}).flatMap(([name, { source }]) =>
    source === undefined ? [] : [[name, source] as const],
  );
  return {
    ...request,
    patches: last.patches.map(({ folder }) => folder),
    settings: { ...last.settings, ...request.settings },
    secrets: { ...Object.fromEntries(secrets), ...request.secrets },
  };
}

/** Errors: those of `createBuildRequest` and `createPlan`. */
export async function loadWantedPatches(
  request: DeployRequest,
  session: ReadingSession,
): Promise<WantedPatches> {
  // A signature keeps nothing from being recognised; a build says what becomes of it.
  const needless = { verify: false, writes: false, mayLackSecrets: true, dropSignatures: true };
  const wanted = await createBuildRequest({ ...request, ...needless }, { ...session, log: () => {} });
  assertNoFaults(wanted);
  const { patches, settings, secrets, codec, level, mode, single, dataAlign } = wanted;
  const plan = await createPlan({ patches, settings, image: '', stamp: 0, secrets });
  const parts = [plan.patches.map(({ sha256 }) => sha256), codec ?? '', level ?? ''];
  // Defaults are left out: hashes in states from before these options stay valid.
  if (mode !== undefined && mode !== 'rewrite') parts.push(`mode ${mode}`);
  if (single) parts.push('single');
  if (dataAlign !== undefined) parts.push(`align ${dataAlign}`);
  return {
    recipe: createHash('sha256').update(JSON.stringify(parts)).digest('hex'),
    plan,
    secrets: listDigests(secrets),
  };
}

function listDigests(secrets: readonly Secret[] = []): Record<string, string> {
  const known = secrets.filter(({ isMissing }) => isMissing !== true);
  return Object.fromEntries(known.map(({ patch, name, shown }) => [`${patch}.${name}`, shown]));
}
