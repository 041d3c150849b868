import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../build.js';
import { digestBytes } from '../io/digest.js';
import { examineFile } from '../io/file/examine-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import { folderOwnerOnly } from '../io/place/access.js';
import { replaceFile } from '../io/place/output.js';
import type { BuildRequest } from '../model/build.js';
import type { Deployment } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Outcome, Report } from '../model/result/report.js';
import type { Session } from '../model/session.js';
import { findAgain, openWrapped } from '../setup/wrapped-image.js';
import { cachedScan } from '../unpack/cached-scan.js';
import { sharedWith } from '../unpack/reading.js';
import { listArchiveDigests } from './assess-image.js';
import { readDeployment } from './state/state.js';
import type { StateFolder } from './state/state-folder.js';
import { listTouched } from './state/touched.js';
import type { Target } from './target.js';

export interface BuildDeploymentOptions {
  readonly target: Target;
  /** Its image is the backup of the stock image; its output is ignored. */
  readonly request: BuildRequest;
  /** Hash of the wanted patches. */
  readonly recipe: string;
  /** Whether the report has the changed lines of text files that everybody may read. */
  readonly texts?: boolean | undefined;
  /** Gets the report of the build, also when the build failed. */
  readonly onReport?: ((report: Report, outcome: Outcome) => void) | undefined;
}

export interface BuiltDeployment {
  readonly deployment: Deployment;
  /** The patched image; its digest is that of the deployment. */
  readonly file: string;
  /** Absent when an earlier build was used. */
  readonly report?: Report | undefined;
}

/**
 * Builds the patched image, or returns an earlier build of the same stock image and request that was verified in
 * the same way. Errors: those of `build`; `patches-without-effect` (`invalid`).
 */
export async function buildDeployment(
  { target, request, recipe, texts, onReport }: BuildDeploymentOptions,
  session: Session,
): Promise<BuiltDeployment> {
  const name = await hashRequest(request, recipe);
  const folder = join(target.folder.builds, name);
  const file = join(folder, 'initrd.img');
  const earlier = await readDeployment(target.folder, name);
  if (earlier !== undefined && (await examineFile(file))?.sha256 === earlier.patched.sha256) {
    session.log('this image was built and checked before; its digest is the same');
    const time = new Date().toISOString();
    return { deployment: { ...earlier, application: target.image?.version, time }, file };
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const finished = { ...request, texts, output: file };
  const outcome = await build(finished, session);
  const { report } = outcome;
  onReport?.(report, outcome);
  if (report.failed) throw outcome.error;
  const deployment = await describeBuild({ target, request: finished, recipe, name, report }, session);
  // Last: a folder with this file is complete.
  const text = `${JSON.stringify(deployment, null, 2)}\n`;
  await replaceFile(join(folder, 'deployment.json'), text, [folderOwnerOnly]);
  return { deployment, file, report };
}

/** Removes the images of all builds but one; their records stay. */
export async function dropOtherBuilds({ builds }: StateFolder, name: string): Promise<void> {
  for (const other of await readdir(builds).catch(() => []))
    if (other !== name) await rm(join(builds, other, 'initrd.img'), { force: true });
}

interface FinishedBuild extends Omit<BuildDeploymentOptions, 'onReport'> {
  /** The name of its folder. */
  readonly name: string;
  readonly report: Report;
}

/** Also writes `touched.json`. */
async function describeBuild(
  { target, request, recipe, name, report }: FinishedBuild,
  { signal, limits, cache }: Session,
): Promise<Deployment> {
  const { before, after, plan, diff, boot } = report;
  if (before === undefined || after === undefined || plan === undefined || diff === undefined)
    throw new Error('the report of a finished build has both layouts, a plan and a difference');
  if (request.patches.length > 0 && before.sha256 === after.sha256) {
    throw new MobyPatchError(
      'invalid',
      'patches-without-effect',
      'the patches change nothing: the installed image has all of it, so it is no stock image',
      { path: target.name, hint: 'install the application again, then moby-patch apply' },
    );
  }
  const options = { signal, limits, digest: true };
  const { wrapped } = request;
  const written = wrapped && (await findAgain(wrapped, request.output, { signal, limits }));
  await using stock = await openWrapped(request.image, wrapped, {
    ...options,
    name: target.name,
    shortcut: cachedScan(cache),
  });
  await using patched = await openWrapped(request.output, written, {
    ...options,
    name: 'the new image',
    shortcut: sharedWith(stock),
  });
  const touched = await listTouched({ stock, patched, diff });
  const file = join(target.folder.builds, name, 'touched.json');
  await replaceFile(file, `${JSON.stringify(touched)}\n`, [folderOwnerOnly]);
  const archives = listArchiveDigests(stock);
  return {
    version: 1,
    stock: nameFile(report.wrapper?.before ?? before),
    patched: nameFile(report.wrapper?.after ?? after),
    plan: plan.id,
    recipe,
    patches: plan.patches.map(({ id, folder, sha256 }) => ({ id, folder, sha256 })),
    settings: request.settings,
    ...describeSecrets(request),
    packages: Object.assign({}, ...report.steps.map(({ packages }) => packages)),
    verdict: boot === undefined ? 'not booted' : 'passed',
    application: target.image?.version,
    kernel: target.kernel,
    segments: listArchiveDigests(patched).filter((each) => !archives.includes(each)),
    stockRoot: before.segments[before.root]?.sha256 ?? '',
    build: name,
    time: new Date().toISOString(),
  };
}

/** Of the file that is installed, which the initrd may be inside of. */
function nameFile({ sha256, size }: { readonly sha256: string; readonly size: number }) {
  return { sha256, size };
}

function describeSecrets({ secrets = [] }: BuildRequest): Pick<Deployment, 'secrets'> {
  if (secrets.length === 0) return {};
  const kept = secrets.map(
    ({ patch, name, shown, source }) => [`${patch}.${name}`, { shown, source }] as const,
  );
  return { secrets: Object.fromEntries(kept) };
}

/** Covers all that decides the bytes of a build, or what its boot proves. */
async function hashRequest(request: BuildRequest, recipe: string): Promise<string> {
  const { image, stamp, verify, engine, signWith, secrets = [] } = request;
  // A kernel that cannot be read is a problem that the build tells.
  const digest = (path: string) => digestBytes(streamRegular(path)).catch(() => 'unreadable');
  const kernel = verify === undefined ? '' : await digest(verify.kernel);
  const value = [recipe, image, stamp ?? '', engine, kernel, verify ?? 'not booted'];
  // Left out where there are none: builds from before stay valid.
  if (secrets.length > 0) value.push(secrets.map(({ shown }) => shown).join(' '));
  if (signWith !== undefined) value.push(`signed with ${signWith}`);
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}
