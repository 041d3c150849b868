import { stat } from 'node:fs/promises';
import { digestBytes } from '../io/digest.js';
import { streamRegular } from '../io/file/regular-file.js';
import { createSpool } from '../io/file/spool.js';
import type { Scratch } from '../io/place/scratch.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import { writeChanges } from '../repack/write-changes.js';
import { findInner } from '../unpack/inner/copy-inner.js';
import { openImage } from '../unpack/open-image.js';
import { compareImages } from '../verify/compare-images.js';
import type { ReplacedInitrd } from '../wrapper/replace-initrd.js';
import type { Run } from './run.js';

export interface RebuiltRoot extends ReplacedInitrd {
  /** Reads the file at a path back. Error (`failed`): `wrapper-differs`. */
  check(path: string): Promise<void>;
}

interface InnerStage {
  /** The new file system. */
  readonly path: string;
  readonly way: string;
  readonly scratch: Scratch;
}

/** The initrd around a file system with the new one in it; all else of it stays. Errors: those of `openImage` and `writeChanges`. */
export async function rebuildOuter(run: Run, { path, way, scratch }: InnerStage): Promise<RebuiltRoot> {
  const { wrapped, session } = run;
  const { signal, cache } = session;
  const outer = await openOuter(run, wrapped?.path ?? '');
  try {
    const old = findInner(outer, wrapped?.entry ?? '');
    const { size } = await stat(path);
    const { sha256: _, ...fields } = old;
    const entry = { ...fields, size, body: () => streamRegular(path) };
    const spool = createSpool(scratch.path);
    const { bytes } = writeChanges(outer, [{ op: 'put', entry }], { spool, cache, signal });
    return {
      bytes,
      way,
      check: (written) =>
        checkOuter(run, { written, outer, entry: old.path, sha256: digestBytes(streamRegular(path)) }),
      [Symbol.asyncDispose]: () => outer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await outer[Symbol.asyncDispose]();
    throw error;
  }
}

/** The initrd that a file system is inside of, for a boot: as it was, or as it is written. */
export async function openOuter({ session, request }: Run, path: string): Promise<Image> {
  const { signal, limits } = session;
  return openImage(path, {
    signal,
    limits: { ...limits, anyway: Number.POSITIVE_INFINITY },
    name: request.name,
  });
}

interface CheckStage {
  readonly written: string;
  readonly outer: Image;
  /** The path of the file system, and its digest. */
  readonly entry: string;
  readonly sha256: Promise<string>;
}

async function checkOuter(run: Run, { written, outer, entry, sha256 }: CheckStage): Promise<void> {
  await using image = await openOuter(run, written);
  const { differences } = await compareImages(outer, image);
  const other = differences.find(({ path, kind }) => path !== entry || kind !== 'changed')?.path;
  const found = image.entries.get(entry);
  const digest = found && (await digestBytes(found.body()));
  if (other === undefined && digest === (await sha256)) return;
  throw new MobyPatchError(
    'failed',
    'wrapper-differs',
    `${other ?? entry} is not what it must be; nothing was written`,
    {
      path: run.request.name,
      hint: 'this is a defect of moby-patch: please report it',
    },
  );
}
