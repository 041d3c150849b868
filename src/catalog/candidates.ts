import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists, isFile } from '../io/file/exists.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Candidate, Definition } from './definition.js';

/** A candidate without a `*`, whose initrd exists. */
export interface ChosenCandidate extends Omit<Candidate, 'generation' | 'initrd'> {
  /** Absent where the definition names one place only. */
  readonly generation?: string | undefined;
  readonly initrd: string;
  /** The initrds of older versions, newest first; absent where the candidate has no `*`. */
  readonly older?: readonly string[] | undefined;
}

interface ChooseOptions {
  /** The id of the definition. */
  readonly name: string;
  /** Makes a path of the definition absolute. */
  readonly place: (path: string) => string;
}

/**
 * The first candidate of a definition that is installed here; paths stay as the definition has them.
 * Errors (`invalid`): `image-not-installed`, `image-unsupported`.
 */
export async function chooseCandidate(
  { initrd, kernel, candidates = [], title }: Definition,
  { name, place }: ChooseOptions,
): Promise<ChosenCandidate> {
  if (initrd !== undefined) return { initrd, kernel };
  for (const candidate of candidates) {
    const chosen = await expandStar(candidate, place);
    if (chosen === undefined || !(await isFile(place(chosen.initrd)))) continue;
    if (chosen.unsupported === undefined) return chosen;
    throw new MobyPatchError(
      'invalid',
      'image-unsupported',
      `found an image of ${chosen.generation}: ${chosen.unsupported}`,
      { path: place(chosen.initrd) },
    );
  }
  const searched = candidates.flatMap((candidate) => candidate.initrd ?? []).join(', ');
  throw new MobyPatchError(
    'invalid',
    'image-not-installed',
    `found no image of this definition (${title}); looked for ${searched}`,
    { path: name, hint: 'give the path of the image: -i FILE' },
  );
}

/** Replaces the `*` by the newest version (in the order of `sort -V`) whose kernel exists; undefined: there is none. */
async function expandStar(
  candidate: Candidate,
  place: ChooseOptions['place'],
): Promise<ChosenCandidate | undefined> {
  const { initrd, kernel } = candidate;
  if (initrd === undefined) return undefined;
  if (!basename(initrd).includes('*')) return { ...candidate, initrd };
  const [before = '', after = ''] = basename(initrd).split('*');
  const names = await readdir(place(dirname(initrd))).catch(() => []);
  const versions = names
    .filter(
      (name) => name.startsWith(before) && name.endsWith(after) && /^\d/.test(name.slice(before.length)),
    )
    .map((name) => name.slice(before.length, name.length - after.length))
    .filter((version) => !/\.(bak|old|new|dpkg-\w+)$/.test(version))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const fill = (version: string) => join(dirname(initrd), `${before}${version}${after}`);
  for (const [index, version] of versions.entries()) {
    const kernelOfVersion = kernel?.replace('*', () => version);
    if (kernelOfVersion !== undefined && !(await exists(place(kernelOfVersion)))) continue;
    const older = versions.slice(index + 1).map(fill);
    return { ...candidate, initrd: fill(version), kernel: kernelOfVersion, older };
  }
  return undefined;
}
