import { createHash, type Hash } from 'node:crypto';
import { basename } from 'node:path';
import { findFacts } from '../../build/find-facts.js';
import { collectBytes } from '../../io/collect.js';
import { openInputFile } from '../../io/file/input-file.js';
import { readPieces } from '../../io/file/read-write.js';
import type { BuildRequest } from '../../model/build.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Image, ImageEntry } from '../../model/image/archive.js';
import type { ArchiveRecord, Codec } from '../../model/image/layout.js';
import type { ImageFacts } from '../../model/patch/facts.js';
import type { OverlayBase } from '../../model/result/overlays.js';
import type { Session } from '../../model/session.js';
import { chooseStamp } from '../../patch/choose-stamp.js';
import { findImageFault } from '../../repack/append-plan.js';
import { createNeighbourhood, type Neighbourhood } from '../../repack/neighbourhood.js';
import { sizeOfJoint } from '../../repack/write-append.js';
import { describedInitrd, readManifest } from '../../setup/lock-file.js';
import { createPathIndex, type PathIndex } from '../../tree/path-index.js';
import { cachedScan } from '../../unpack/cached-scan.js';
import { openScanned } from '../../unpack/open-image.js';
import { isBootFile } from '../../verify/hazards/find-hazards.js';

/** The image behind which overlays are put, read once for all of them. */
export interface Base extends AsyncDisposable {
  readonly image: Image;
  readonly index: PathIndex;
  readonly near: Neighbourhood;
  readonly stamp: number;
  readonly facts: ImageFacts | undefined;
  /** Of the appended archives. */
  readonly codec: Codec;
  /** Zeros between the image and an appended archive. */
  readonly joint: number;
  /** The digest of the image and the joint, to go on with: only files that begin with the image need it. */
  hash(): Promise<Hash>;
  readonly proof: OverlayBase;
}

/** Errors: those of an image; `overlay-unfit` where nothing can stand behind it, or a patch cannot be in a table. */
export async function openBase(request: BuildRequest, session: Session): Promise<Base> {
  const { signal, limits, cache } = session;
  refuseRequest(request);
  const opened = await openScanned(request.image, {
    signal,
    limits,
    name: request.name,
    digest: true,
    hold: isBootFile,
    shortcut: cachedScan(cache),
  });
  try {
    const image = rememberBodies(opened);
    const fault =
      findImageFault(image) ?? (image.bootconfig === undefined ? undefined : bootconfigFault(image));
    if (fault !== undefined) throw createUnfitError(request, fault.reason);
    const joint = sizeOfJoint(image, image.layout.size);
    const { size, sha256 } = image.layout;
    const index = createPathIndex(image.entries.keys());
    let hash: Promise<Hash> | undefined;
    return {
      image,
      index,
      near: createNeighbourhood(image, index),
      stamp: chooseStamp(request, image),
      facts: await findFacts(request.patches, image),
      // Every kernel reads it, and a compressor of its own for a few files of each machine costs more than they do.
      codec: request.codec ?? 'none',
      joint,
      async hash() {
        hash ??= hashFile(request.image, joint);
        return (await hash).copy();
      },
      proof: {
        name: basename(request.image),
        size,
        sha256,
        verdict: await readVerdict(request.image, sha256),
      },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

function bootconfigFault({ name }: Image) {
  return { path: name, reason: 'the image ends with a boot configuration, behind which nothing may stand' };
}

function refuseRequest(request: BuildRequest): void {
  const { wrapped, files = [], secrets = [], patches, record, split, lock } = request;
  const problems = [
    ...(wrapped === undefined ? [] : [`the initrd is inside of ${wrapped.wrapper.title}`]),
    ...(files.length > 1 ? ['the image is several files'] : []),
    ...(secrets.length > 0 ? [`the patch ${secrets[0]?.patch} takes a secret`] : []),
    ...(patches.length === 0 ? ['there is no patch'] : []),
    ...(record ? ['--record is of one image'] : []),
    ...(split ? ['--split is of one image'] : []),
    ...(lock ? ['--locked is of one image'] : []),
  ];
  const [problem] = problems;
  if (problem !== undefined) throw createUnfitError(request, problem);
}

export function createUnfitError({ name }: Pick<BuildRequest, 'name'>, problem: string): MobyPatchError {
  const message = `${problem}, wanted patches that put files behind an initrd`;
  const hint = 'moby-patch build makes an image of it; docs/overlays.md says what a table can do';
  return new MobyPatchError('invalid', 'overlay-unfit', message, { path: name, hint });
}

/** Of the file, and zeros behind it. */
async function hashFile(path: string, zeros: number): Promise<Hash> {
  const hash = createHash('sha256');
  await using file = await openInputFile(path);
  for await (const piece of readPieces(file, 0, file.size)) hash.update(piece);
  return hash.update(new Uint8Array(zeros));
}

async function readVerdict(image: string, sha256: string): Promise<OverlayBase['verdict']> {
  const manifest = await readManifest(`${image}.manifest.json`).catch(() => undefined);
  return manifest !== undefined && describedInitrd(manifest).sha256 === sha256 ? manifest.verdict : 'unknown';
}

/** Bytes of a body that steps of many machines read. */
const largestKept = 2 ** 20;

/** Bodies that were read once stay in memory: each machine asks for the same ones. */
function rememberBodies(image: Image): Image {
  const kept = new Map<ArchiveRecord, Promise<Uint8Array>>();
  const keep = (entry: ImageEntry): Promise<Uint8Array> => {
    const { data, path } = entry;
    const known = kept.get(data) ?? collectBytes(entry.body(), largestKept, path);
    kept.set(data, known);
    return known;
  };
  const isSmall = ({ type, size }: ImageEntry) => type === 'file' && size > 0 && size <= largestKept;
  const entries = [...image.entries.values()].map((entry) =>
    isSmall(entry) ? { ...entry, body: () => once(keep(entry)) } : entry,
  );
  return { ...image, entries: new Map(entries.map((entry) => [entry.path, entry])) };
}

async function* once(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  yield await bytes;
}
