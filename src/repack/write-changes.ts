import { showPath } from '../format/path.js';
import type { Archive, Image } from '../model/archive.js';
import type { WriteMode } from '../model/build.js';
import type { Change } from '../model/change.js';
import { MobyPatchError } from '../model/error.js';
import type { Compression, MemberRange } from '../model/layout.js';
import type { Lock } from '../model/lock.js';
import { type AppendedRecord, type AppendFault, findImageFault, planAppend } from './append-plan.js';
import { writeAppended } from './write-append.js';
import { type RepackOptions, writeImage } from './write-image.js';

export interface WrittenChanges extends ForeseenMode {
  readonly name: 'rewrite' | 'append';
  /** Returns where the members that were compressed anew stand. */
  readonly bytes: AsyncGenerator<Uint8Array, readonly MemberRange[], void>;
}

/** The bytes of the image with its changes, the way they are written, and the reason for it. Errors: as of `chooseMode`. */
export function writeChanges(
  image: Image,
  changes: readonly Change[],
  options: RepackOptions & ModeWishes,
): WrittenChanges {
  const { name, reason, records } = chooseMode(image, changes, options);
  const bytes =
    records === undefined ? writeImage(image, changes, options) : writeAppended(image, records, options);
  return { name, reason, bytes };
}

export interface ModeWishes {
  readonly mode?: WriteMode | undefined;
  readonly codec?: Compression['codec'] | undefined;
  readonly level?: number | undefined;
  readonly single?: boolean | undefined;
  /** What has to come out; a release. */
  readonly lock?: Lock | undefined;
}

export interface ForeseenMode {
  readonly name: WriteMode;
  /** One sentence. */
  readonly reason: string;
}

export interface ChosenMode extends ForeseenMode {
  readonly name: 'rewrite' | 'append';
  /** What is appended; absent where the image is rewritten. */
  readonly records?: readonly AppendedRecord[] | undefined;
}

/**
 * How the changes get into the image. Errors (`invalid`): `mode-conflict`, and `append-impossible` where
 * appending was asked for and the kernel's rules do not allow it, with the path.
 */
export function chooseMode(image: Archive, changes: readonly Change[], wishes: ModeWishes): ChosenMode {
  const decided = decideEarly(image, wishes);
  if (decided !== undefined) return decided;
  const plan = planAppend(image, changes);
  if (!('reason' in plan)) {
    const asked = wishes.mode === 'append' ? 'asked for' : 'the changes allow it';
    return { name: 'append', reason: `${asked}; the image's own bytes stay`, records: plan };
  }
  if (wishes.mode === 'append') throw createAppendError(plan);
  return { name: 'rewrite', reason: `${showPath(plan.path)}: ${plan.reason}` };
}

/** What can be said before anything was done; `auto` where the changes decide. Errors as of `chooseMode`. */
export function foreseeMode(image: Archive, wishes: ModeWishes): ForeseenMode {
  const decided = decideEarly(image, wishes);
  if (decided !== undefined) return decided;
  return wishes.mode === 'append'
    ? { name: 'append', reason: 'asked for; refused if the changes do not allow it' }
    : { name: 'auto', reason: 'append if the changes allow it, otherwise rewrite' };
}

function decideEarly(image: Archive, { mode = 'rewrite', ...wishes }: ModeWishes): ChosenMode | undefined {
  if (mode === 'rewrite') return { name: 'rewrite', reason: 'the usual one' };
  if (mode === 'append' && wishes.single)
    throw new MobyPatchError(
      'invalid',
      'mode-conflict',
      'an archive that is appended is one member more, and a single one was asked for',
      { hint: '--single-member with --mode rewrite' },
    );
  const fault = findImageFault(image);
  if (fault !== undefined && mode === 'append') throw createAppendError(fault);
  if (mode === 'append') return undefined;
  const reason = wishes.lock
    ? 'a locked build is a release, and appending is for trying things out'
    : wishes.single
      ? 'a single member was asked for'
      : (wishes.codec ?? wishes.level) !== undefined
        ? 'a compression was asked for, and appending leaves the old one'
        : fault?.reason;
  return reason === undefined ? undefined : { name: 'rewrite', reason };
}

function createAppendError({ path, reason }: AppendFault): MobyPatchError {
  return new MobyPatchError(
    'invalid',
    'append-impossible',
    `this cannot be appended to the image: ${reason}`,
    {
      path,
      hint: 'moby-patch build --mode rewrite, or --mode auto to append only where it is possible',
    },
  );
}
