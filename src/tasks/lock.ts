import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatJson } from '../format/show-text.js';
import { digestBytes } from '../io/digest.js';
import { joinBytes } from '../io/file/join-files.js';
import { createUnreadableError } from '../io/file/regular-file.js';
import { nameIn } from '../io/file/split-file.js';
import { readAccess } from '../io/place/access-list.js';
import { replaceFile } from '../io/place/output.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Lock } from '../model/patch/lock.js';
import type { ReadingSession } from '../model/session.js';
import { chooseOutput } from '../setup/choose-output.js';
import { loadConfiguration } from '../setup/configuration.js';
import { lockName, type ManifestFile, readManifest } from '../setup/lock-file.js';
import { keepDownloads } from './vendor.js';

export interface LockRequest {
  /** The built image, with its manifest beside it; default: the output of `build`. */
  readonly output?: string | undefined;
  /** Default: moby-patch.yaml of the working folder, if there is one. */
  readonly config?: string | undefined;
  /** A folder in which the packages are kept, for builds without a network. */
  readonly vendor?: string | undefined;
}

export interface WrittenLock {
  readonly lock: Lock;
  readonly file: string;
  readonly manifest: ManifestFile;
}

/**
 * Records what a build was made of, for locked builds. Errors (`invalid`): `lock-output`, `manifest-*`, `vendor-lost`.
 */
export async function writeLock(request: LockRequest, session: ReadingSession): Promise<WrittenLock> {
  const { places } = session;
  const configuration = await loadConfiguration(places.folder, request.config);
  const { folder } = configuration;
  const { output } = chooseOutput({ output: request.output }, configuration, places);
  const described = `${output}.manifest.json`;
  const manifest = await readManifest(described);
  const parts = await assertOutput(output, manifest.output);
  const inputs = await Promise.all([described, ...parts].map(readAccess));
  const file = join(folder, lockName);
  const lock: Lock = {
    version: 1,
    input: manifest.input.sha256,
    plan: manifest.plan,
    packages: manifest.packages,
    ...(request.vendor !== undefined && {
      vendor: await keepDownloads(request.vendor, { manifest, folder, session }),
    }),
    output: manifest.output.sha256,
  };
  await replaceFile(file, `${formatJson(lock)}\n`, inputs);
  return { lock, file, manifest };
}

/** The files of the image. */
async function assertOutput(
  path: string,
  { sha256: wanted, files = [] }: ManifestFile['output'],
): Promise<readonly string[]> {
  const hint = 'moby-patch build';
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
  const parts = isFolder ? files.map(({ name }) => nameIn(path, name)) : [path];
  const digest = await digestBytes(joinBytes(parts)).catch((cause) => {
    throw createUnreadableError(cause, { code: 'lock-output', what: 'the image', path, hint });
  });
  if (digest === wanted) return parts;
  const message = 'the image is not the one that its manifest describes';
  throw new MobyPatchError('invalid', 'lock-output', message, { path, hint });
}
