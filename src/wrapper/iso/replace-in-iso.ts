import type { InputFile } from '../../io/file/input-file.js';
import { readPieces } from '../../io/file/read-write.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Wrapper, WrapperPart } from '../../model/image/wrapper.js';
import { digestPart } from '../copy-part.js';
import { isImageOf } from '../open-wrapper.js';
import {
  applyEdits,
  type WrapperEdit,
  type WrapperPiece,
  type WrapperSources,
  writePieces,
} from '../wrapper-write.js';
import { replaceInFat } from './fat/replace-in-fat.js';
import { followLists } from './follow-lists.js';
import { digestSums, findSums, listEdits, type NewSum, nameLists } from './replace-in-place.js';

type Parts = Pick<Wrapper, 'parts'>;

export interface IsoSources extends WrapperSources {
  readonly part: WrapperPart;
  /** Those of the new initrd's parts that the ISO has by a name of their own, where it has their size. */
  readonly outer: readonly WrapperPart[];
}

/** The parts of an ISO that get a new initrd: the one that is named, and its copies. */
export function listTargets({ parts }: Parts, part: WrapperPart): WrapperPart[] {
  return [part, ...(part.copies ?? []).flatMap((name) => parts.get(name) ?? [])];
}

/** Those of them that the ISO has by a name of their own, and no boot image. */
export function listOuter(wrapper: Parts, part: WrapperPart): WrapperPart[] {
  return listTargets(wrapper, part).filter(({ within }) => within === undefined);
}

/** What must not be left out or differ, or a loader would start the old initrd. Error (`invalid`): `wrapper-unfit`. */
async function checkCopies(wrapper: Parts, old: InputFile, part: WrapperPart): Promise<void> {
  const [, ...copies] = listTargets(wrapper, part);
  if (copies.length === 0) return;
  const own = await digestPart(old, part);
  for (const copy of copies)
    if ((await digestPart(old, copy)) !== own)
      throw new MobyPatchError(
        'invalid',
        'wrapper-unfit',
        `${part.name} and ${copy.name} differ in their middle`,
        {
          path: old.name,
          hint: 'the loaders start both: get a whole copy',
        },
      );
}

export interface IsoPlan {
  readonly pieces: readonly WrapperPiece[];
  readonly way: string;
}

/** Puts a new initrd into the boot images that have it. Undefined: none has it. Error (`invalid`): `wrapper-unfit`. */
export async function replaceInImages(wrapper: Parts, sources: IsoSources): Promise<IsoPlan | undefined> {
  const { old, initrd, part, outer } = sources;
  const targets = listTargets(wrapper, part);
  const inside = targets.filter(({ within }) => within !== undefined);
  if (inside.length === 0) return undefined;
  await checkCopies(wrapper, old, part);
  const edits: WrapperEdit[] = [];
  const places = new Set(inside.map(({ within }) => within?.offset));
  for (const place of places) {
    const own = inside.filter(({ within }) => within?.offset === place);
    const changed = await replaceInFat(old, own, initrd.size);
    if ('name' in changed) throw createRoomError(old, changed, initrd.size);
    edits.push(...changed);
  }
  for (const { offset, size } of outer) edits.push({ offset, end: offset + size, pieces: [{ kind: 'new' }] });
  const sums = await followLists(old, wrapper, await sumParts(wrapper, { ...sources, edits, inside }));
  const others = [...wrapper.parts.values()].filter(
    (other) => !targets.includes(other) && !inside.some((target) => isImageOf(other, target)),
  );
  refuseOverlap(old, edits, others);
  const names = [...(outer.length > 0 ? ['its place'] : []), ...inside.map(({ name }) => name)];
  return {
    pieces: applyEdits([...edits, ...listEdits(sums)], old.size),
    way: `in ${names.join(' and ')}${nameLists(sums)}`,
  };
}

interface SumRequest extends IsoSources {
  readonly edits: readonly WrapperEdit[];
  readonly inside: readonly WrapperPart[];
}

/** The sums of what stands in the ISO under a name of its own: the initrd, and the boot images that have it. */
async function sumParts(
  wrapper: Parts,
  { old, initrd, outer, edits, inside }: SumRequest,
): Promise<NewSum[]> {
  const sums: NewSum[] = [];
  for (const target of outer)
    sums.push(
      ...(await digestSums(await findSums(old, wrapper, target), () => readPieces(initrd, 0, initrd.size))),
    );
  for (const image of wrapper.parts.values()) {
    if (!inside.some((target) => isImageOf(image, target))) continue;
    const { offset, size } = image;
    const read = () => writeRange(edits, { offset, size }, { old, initrd });
    sums.push(...(await digestSums(await findSums(old, wrapper, image), read)));
  }
  return sums;
}

/** A range of the old file with the edits in it. */
function writeRange(
  edits: readonly WrapperEdit[],
  { offset, size }: Pick<WrapperPart, 'offset' | 'size'>,
  sources: WrapperSources,
) {
  const own = edits.filter((edit) => edit.offset >= offset && edit.end <= offset + size);
  const pieces = applyEdits(own, offset + size).map((piece, index) =>
    index === 0 && piece.kind === 'old' ? { ...piece, offset } : piece,
  );
  return writePieces(pieces, sources);
}

/** A damaged file system may stand over others, or over the rest of the ISO. */
function refuseOverlap(
  { name }: InputFile,
  edits: readonly WrapperEdit[],
  others: readonly WrapperPart[],
): void {
  const sorted = [...edits].sort((one, other) => one.offset - other.offset);
  const torn = sorted.find(
    (edit, index) =>
      edit.offset < (sorted[index - 1]?.end ?? 0) ||
      others.some(({ offset, size }) => size > 0 && offset < edit.end && offset + size > edit.offset),
  );
  if (torn === undefined) return;
  const message = 'the boot image shares bytes with other parts: it is damaged';
  throw new MobyPatchError('invalid', 'wrapper-invalid', message, {
    path: name,
    offset: torn.offset,
    hint: 'get a whole copy',
  });
}

function createRoomError({ name }: InputFile, part: WrapperPart, size: number): MobyPatchError {
  const message = `the new initrd has ${size} bytes, and the boot image with ${part.name} (${part.size} bytes) has no room for it`;
  return new MobyPatchError('invalid', 'wrapper-unfit', message, {
    path: name,
    hint: 'use a smaller initrd: --level 9, or the step slim',
  });
}
