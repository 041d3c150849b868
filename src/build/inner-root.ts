import { stat } from 'node:fs/promises';
import { digestBytes } from '../io/digest.js';
import { streamRegular } from '../io/file/regular-file.js';
import { createSpool } from '../io/file/spool.js';
import type { Scratch } from '../io/place/scratch.js';
import type { Image } from '../model/image/archive.js';
import { limitsOfOutput } from '../model/limits.js';
import { writeChanges } from '../repack/write-changes.js';
import { findInner, type InnerPlace } from '../unpack/inner/copy-inner.js';
import { openImage } from '../unpack/open-image.js';
import { compareImages } from '../verify/compare-images.js';
import { createDifferenceError } from '../wrapper/difference-error.js';
import type { ReplacedInitrd } from '../wrapper/replace-initrd.js';
import type { Run } from './run.js';

export interface RebuiltRoot extends ReplacedInitrd {
  /** Reads the file at a path back. Error (`failed`): `wrapper-differs`. */
  check(path: string): Promise<void>;
}

interface InnerStage {
  readonly outer: Pick<InnerPlace, 'path' | 'entry'>;
  /** The new file system. */
  readonly path: string;
  readonly way: string;
  readonly scratch: Scratch;
}

/** The initrd around a file system with the new one in it; all else of it stays. Errors: those of `openImage` and `writeChanges`. */
export async function rebuildOuter(
  run: Run,
  { outer: place, path, way, scratch }: InnerStage,
): Promise<RebuiltRoot> {
  const { signal, cache } = run.session;
  const outer = await openOuter(run, place.path);
  try {
    const old = findInner(outer, place.entry);
    const { size } = await stat(path);
    const { sha256: _, ...fields } = old;
    const entry = { ...fields, size, body: () => streamRegular(path) };
    const spool = createSpool(scratch.path);
    const { bytes } = writeChanges(outer, [{ op: 'put', entry }], { spool, cache, signal });
    return {
      bytes,
      way,
      check: (written) => checkOuter(run, { written, outer, entry: old.path, inside: path }),
      [Symbol.asyncDispose]: () => outer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await outer[Symbol.asyncDispose]();
    throw error;
  }
}

/** The initrd around a file system, as it was or as it is written; the old one was within the limits when it was read first. */
export async function openOuter({ session, request }: Run, path: string): Promise<Image> {
  const { signal, limits } = session;
  return openImage(path, { signal, limits: limitsOfOutput(limits), name: request.name });
}

interface CheckStage {
  readonly written: string;
  readonly outer: Image;
  /** The path of the file system in the initrd, and the file that was put there. */
  readonly entry: string;
  readonly inside: string;
}

async function checkOuter(run: Run, { written, outer, entry, inside }: CheckStage): Promise<void> {
  await using image = await openOuter(run, written);
  const { differences } = await compareImages(outer, image);
  const other = differences.find(({ path, kind }) => path !== entry || kind !== 'changed')?.path;
  const found = image.entries.get(entry);
  const digest = found && (await digestBytes(found.body()));
  if (other === undefined && digest === (await digestBytes(streamRegular(inside)))) return;
  throw createDifferenceError(run.request.name, `${other ?? entry} is not what it must be`);
}
