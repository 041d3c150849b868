import { resolve } from 'node:path';
import { showPath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Archive } from '../../model/image/archive.js';
import type { Explanation } from '../../model/result/explanation.js';
import type { ReadingSession } from '../../model/session.js';
import { describedInitrd, readManifest } from '../../setup/lock-file.js';
import { type ImageName, isDiskImage, type NamedImage, openNamedImage } from '../../setup/named-image.js';
import { builtInPaths } from '../../tree/inode.js';
import { resolvePath, trimSlashes } from '../../tree/resolve.js';
import { findHazards, isBootFile } from '../../verify/hazards/find-hazards.js';
import { explainRecords } from './explain-records.js';
import { findPackages } from './find-packages.js';

export interface ExplainRequest {
  readonly image: ImageName;
  /** Within the image. */
  readonly path: string;
  /** Default: the one beside the image, if that is one file. */
  readonly manifest?: string | undefined;
  readonly input?: NodeJS.ReadableStream | undefined;
}

/**
 * Where a path of an image comes from, and what the kernel makes of it. Errors (`invalid`): `path-not-found` where neither a
 * record nor the manifest knows it, `manifest-*`.
 */
export async function explain(request: ExplainRequest, session: ReadingSession): Promise<Explanation> {
  const { path, input } = request;
  await using image = await openNamedImage(request.image, session, { input, digest: true, hold: isBootFile });
  const canonical = resolvePath((at) => image.entries.get(at), path) ?? trimSlashes(path);
  const found = image.entries.get(canonical);
  const records = explainRecords(image, canonical);
  const names = [request.image].flat();
  const file = image.wrapped?.path ?? (names.length > 1 ? undefined : names[0]);
  const origin = await findOrigin(
    request.manifest ?? (file === undefined ? undefined : `${file}.manifest.json`),
    { canonical, sha256: image.layout.sha256, isNamed: request.manifest !== undefined, session },
  );
  const isBuiltIn = records.length === 0 && builtInPaths.includes(canonical);
  if (found === undefined && records.length === 0 && origin?.change !== 'removed' && !isBuiltIn) {
    const hint = `moby-patch ls ${names.join(' ')} '**/${showPath(canonical.slice(canonical.lastIndexOf('/') + 1))}'`;
    throw new MobyPatchError(
      'invalid',
      'path-not-found',
      `no record of the image is about ${showPath(path)}`,
      {
        path: image.name,
        hint,
      },
    );
  }
  const { body: _, record: __, data: ___, ...entry } = found ?? {};
  const installed = new Set([
    canonical,
    trimSlashes(path),
    canonical.replace(/^usr\/((s?bin|lib\w*)\/)/, '$1'),
  ]);
  return {
    version: 1,
    image: image.name,
    path,
    canonical,
    ...(found !== undefined && { entry: entry as Explanation['entry'] }),
    records,
    links: listLinks(image, canonical),
    notes: [
      ...(isBuiltIn
        ? ['no record is about it: every kernel has one of its own (usr/default_cpio_list)']
        : []),
      ...(await listNotes(image, canonical)),
    ],
    packages: await findPackages(image, installed),
    ...(origin !== undefined && { origin }),
  };
}

function listLinks(image: Archive, path: string): string[] {
  const link = image.entries.get(path)?.link;
  if (link === undefined) return [];
  return [...image.entries.values()]
    .filter((each) => each.link === link && each.path !== path)
    .map((each) => each.path);
}

/** Mounts that hide the path, and what else is wrong with it. */
async function listNotes(image: NamedImage, path: string): Promise<string[]> {
  const hazards = await findHazards(image, { isDisk: isDiskImage(image) });
  return hazards
    .filter((hazard) =>
      hazard.code === 'path-shadowed' ? path.startsWith(`${hazard.path}/`) : hazard.path === path,
    )
    .map(({ message }) => message);
}

interface WantedPath {
  readonly canonical: string;
  readonly sha256: string;
  /** By the user: a manifest that is not there is an error then. */
  readonly isNamed: boolean;
  readonly session: ReadingSession;
}

async function findOrigin(
  manifest: string | undefined,
  { canonical, sha256, isNamed, session: { places, log } }: WantedPath,
): Promise<Explanation['origin']> {
  if (manifest === undefined) return undefined;
  const file = resolve(places.folder, manifest);
  const read = await readManifest(file).catch((error) => {
    if (!isNamed && error instanceof MobyPatchError && error.code === 'manifest-missing') return undefined;
    throw error;
  });
  if (read === undefined) return undefined;
  if (describedInitrd(read).sha256 !== sha256) {
    log(`moby-patch: ${file} describes another image`);
    return undefined;
  }
  const change = read.changes?.find(({ path }) => path === canonical);
  if (read.changes === undefined) return undefined;
  if (change === undefined) return { change: 'stock', steps: [] };
  const steps = change.steps.flatMap((index) => read.steps?.[index] ?? []);
  return { change: change.change, steps };
}
