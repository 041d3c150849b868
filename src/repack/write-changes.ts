import { showPath } from '../format/path.js';
import type { WriteMode } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { Change, WantedBootconfig } from '../model/image/change.js';
import type { Compression, MemberRange } from '../model/image/layout.js';
import type { Lock } from '../model/patch/lock.js';
import { createPathIndex } from '../tree/path-index.js';
import { coverPaths } from '../tree/resolve.js';
import { type AppendedRecord, type AppendFault, findImageFault, planAppend } from './append-plan.js';
import { createNeighbourhood } from './neighbourhood.js';
import { type AppendedImage, appendTo, writeAppended } from './write-append.js';
import { type RepackOptions, writeImage } from './write-image.js';

export interface ModeOptions {
  readonly mode?: WriteMode | undefined;
  readonly codec?: Compression['codec'] | undefined;
  readonly level?: number | undefined;
  readonly single?: boolean | undefined;
  /** As of `RepackOptions`. */
  readonly bootconfig?: WantedBootconfig | undefined;
  readonly dataAlign?: number | undefined;
  /** The recorded result of a release, which the build must reproduce. */
  readonly lock?: Lock | undefined;
}

export interface ForeseenMode {
  readonly name: WriteMode;
  /** One sentence. */
  readonly reason: string;
}

interface ChosenMode extends ForeseenMode {
  readonly name: 'rewrite' | 'append';
  /** What is appended; absent where the image is rewritten. */
  readonly records?: readonly AppendedRecord[] | undefined;
}

export interface WrittenChanges extends ForeseenMode {
  readonly name: 'rewrite' | 'append';
  /** Returns where the members that were compressed anew stand. */
  readonly bytes: AsyncGenerator<Uint8Array, readonly MemberRange[], void>;
  /** The same in two parts, to be used in place of `bytes`; absent where the image is rewritten. */
  readonly appended?: AppendedImage | undefined;
}

/**
 * The bytes of the image with its changes, how they are written, and why. Errors (`invalid`): `image-emptied`, `mode-conflict`, and
 * `append-impossible` where appending was asked for and the kernel's rules do not allow it, with the path.
 */
export function writeChanges(
  image: Image,
  changes: readonly Change[],
  options: RepackOptions & ModeOptions,
): WrittenChanges {
  assertNotEmptied(image, changes);
  const { name, reason, records } = chooseMode(image, changes, options);
  const appended = records && appendTo(image, records, options);
  const bytes =
    appended === undefined
      ? writeImage(image, changes, { ...options, runs: image.runs })
      : writeAppended(image, appended);
  return { name, reason, bytes, appended };
}

/** A kernel takes no archive without an entry. */
function assertNotEmptied({ entries, name }: Image, changes: readonly Change[]): void {
  const removed = changes.flatMap((change) => (change.op === 'remove' ? [change.path] : []));
  if (removed.length === 0 || removed.length < changes.length) return;
  const isGone = coverPaths(removed);
  for (const path of entries.keys()) if (!isGone(path)) return;
  throw new MobyPatchError('invalid', 'image-emptied', 'the patches remove every entry of the image', {
    path: name,
    hint: 'moby-patch plan shows what each step does',
  });
}

function chooseMode(image: Image, changes: readonly Change[], options: ModeOptions): ChosenMode {
  const decided = decideEarly(image, options);
  if (decided !== undefined) return decided;
  // Going through a whole image for a few paths is a sixth of the time of appending to it.
  const near = createNeighbourhood(image, createPathIndex(image.entries.keys()));
  const plan = planAppend(near(changes), changes);
  if (!('reason' in plan)) {
    const asked = options.mode === 'append' ? 'asked for' : 'the changes allow it';
    return { name: 'append', reason: `${asked}; the image's own bytes stay`, records: plan };
  }
  if (options.mode === 'append') throw createAppendError(plan);
  return { name: 'rewrite', reason: `${showPath(plan.path)}: ${plan.reason}` };
}

/** The mode as far as it is known before the changes are; `auto` where they decide. Errors: as of `writeChanges`. */
export function foreseeMode(image: Image, options: ModeOptions): ForeseenMode {
  const decided = decideEarly(image, options);
  if (decided !== undefined) return decided;
  return options.mode === 'append'
    ? { name: 'append', reason: 'asked for; refused if the changes do not allow it' }
    : { name: 'auto', reason: 'append if the changes allow it, otherwise rewrite' };
}

function decideEarly(image: Image, { mode = 'rewrite', ...options }: ModeOptions): ChosenMode | undefined {
  if (mode === 'rewrite') return { name: 'rewrite', reason: 'the default' };
  if (mode === 'append' && options.single)
    throw new MobyPatchError(
      'invalid',
      'mode-conflict',
      'an appended archive is a further member, and a single one was asked for',
      { hint: '--single-member with --mode rewrite' },
    );
  if (mode === 'append' && options.dataAlign !== undefined)
    throw new MobyPatchError(
      'invalid',
      'mode-conflict',
      'bodies are aligned in an archive that is rewritten',
      {
        hint: '--data-align with --mode rewrite',
      },
    );
  const fault = findImageFault(image);
  if (fault !== undefined && mode === 'append') throw createAppendError(fault);
  if (mode === 'append') return undefined;
  const reason = options.lock
    ? 'a locked build is a release, and appending is for trying things out'
    : options.dataAlign !== undefined
      ? 'aligned bodies were asked for'
      : options.single
        ? 'a single member was asked for'
        : (options.codec ?? options.level) !== undefined
          ? 'a compression was asked for, and appending leaves the old one'
          : fault?.reason;
  return reason === undefined ? undefined : { name: 'rewrite', reason };
}

export function createAppendError({ path, reason }: AppendFault): MobyPatchError {
  return new MobyPatchError(
    'invalid',
    'append-impossible',
    `this cannot be appended to the image: ${reason}`,
    {
      path,
      hint: 'build the whole image: --mode rewrite, without --as; --mode auto appends only where it is possible',
    },
  );
}
