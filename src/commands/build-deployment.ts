import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../build.js';
import { examineFile } from '../deploy/installed-file.js';
import { readDeployment } from '../deploy/state/state.js';
import { listTouched } from '../deploy/state/touched.js';
import { digestBytes } from '../io/digest.js';
import { replaceFile } from '../io/output.js';
import type { BuildRequest } from '../model/build.js';
import type { Cache } from '../model/cache.js';
import type { Deployment } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';
import type { Report } from '../model/report.js';
import { createSession } from '../setup/session.js';
import { openImage } from '../unpack/open-image.js';
import { listArchives } from './assess-image.js';
import type { Target } from './installed-image.js';
import type { CommandContext } from './shared/context.js';
import type { Progress } from './shared/progress.js';

export interface Built {
  readonly deployment: Deployment;
  /** The patched image; its digest is that of the deployment. */
  readonly file: string;
  /** Absent when it was built and verified before. */
  readonly report?: Report | undefined;
}

export interface BuildOptions {
  readonly cache: boolean;
  /** Gets the report of a build, also of a failed one. */
  readonly onReport?: ((report: Report) => void) | undefined;
}

/**
 * Builds the patched image of a kept stock image, or finds one that was built of the same and verified in the
 * same way. Errors: the report's, and `patches-without-effect`.
 */
export async function buildDeployment(
  target: Target,
  wish: BuildRequest,
  recipe: string,
  { cache: caching, onReport }: BuildOptions,
  context: CommandContext,
  progress: Progress,
): Promise<Built> {
  const name = await hashRequest(wish, recipe);
  const folder = join(target.folder.builds, name);
  const file = join(folder, 'initrd.img');
  const made = await readDeployment(target.folder, name);
  if (made !== undefined && (await examineFile(file))?.sha256 === made.patched.sha256) {
    progress.log('this image was built and checked before; its digest is the same');
    return {
      deployment: { ...made, application: target.found?.version, time: new Date().toISOString() },
      file,
    };
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const request = { ...wish, output: file };
  await using session = createSession({ ...context, ...progress, cache: caching });
  const { cache } = session;
  const { report, error } = await build(request, session);
  onReport?.(report);
  if (report.failed) throw error;
  const deployment = await describe(report, request, target, recipe, name, cache, context);
  // Last: a folder with this file is complete.
  await replaceFile(join(folder, 'deployment.json'), `${JSON.stringify(deployment, null, 2)}\n`);
  return { deployment, file, report };
}

/** Images of other builds; what is known of them stays. */
export async function dropOldBuilds(target: Target, kept: string): Promise<void> {
  for (const name of await readdir(target.folder.builds).catch(() => []))
    if (name !== kept) await rm(join(target.folder.builds, name, 'initrd.img'), { force: true });
}

async function describe(
  report: Report,
  request: BuildRequest,
  target: Target,
  recipe: string,
  name: string,
  cache: Cache,
  context: CommandContext,
): Promise<Deployment> {
  const { before, after, plan, diff, boot } = report;
  if (before === undefined || after === undefined || plan === undefined || diff === undefined)
    throw new Error('a build that did not fail has a layout before and after, a plan and a difference');
  if (request.patches.length > 0 && before.sha256 === after.sha256) {
    throw new MobyPatchError(
      'invalid',
      'patches-without-effect',
      'the patches change nothing: the installed image has all of it, so it is no stock image',
      { path: target.name, hint: 'install the application again, then moby-patch apply' },
    );
  }
  const { signal, limits } = context;
  const options = { signal, limits, digests: true };
  await using stock = await openImage(request.image, { ...options, name: target.name, cache });
  await using patched = await openImage(request.output, { ...options, name: 'the new image', like: stock });
  const touched = await listTouched(stock, patched, diff);
  await replaceFile(join(target.folder.builds, name, 'touched.json'), `${JSON.stringify(touched)}\n`);
  const old = listArchives(stock);
  return {
    version: 1,
    stock: { sha256: before.sha256, size: before.size },
    patched: { sha256: after.sha256, size: after.size },
    plan: plan.id,
    recipe,
    patches: plan.patches.map(({ id, folder, sha256 }) => ({ id, folder, sha256 })),
    settings: request.settings,
    packages: Object.assign({}, ...report.steps.map(({ packages }) => packages)),
    verdict: boot === undefined ? 'not booted' : 'passed',
    application: target.found?.version,
    kernel: target.kernel,
    segments: listArchives(patched).filter((each) => !old.includes(each)),
    stockRoot: before.segments[before.root]?.sha256 ?? '',
    build: name,
    time: new Date().toISOString(),
  };
}

/** Everything that decides a build's bytes or what its verification proves. */
async function hashRequest(request: BuildRequest, recipe: string): Promise<string> {
  const { image, stamp, verify, engine } = request;
  const kernel = verify === undefined ? '' : await digestBytes(createReadStream(verify.kernel));
  const value = [recipe, image, stamp ?? '', engine, kernel, verify ?? 'not booted'];
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}
